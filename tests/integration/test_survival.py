# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a loop outlives: killed processes, a stop, certificates that end, and a neighbour's destruction."""

from __future__ import annotations

import configparser
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from cryptography import x509

from ansible_collections.gitops.flux_local.tests.integration.loops import (
    PROGRAMS,
    Loop,
    config_map,
    listening,
    until,
    write,
)

SUPERVISED = [program for program in PROGRAMS if program != "supervisord"]


@pytest.fixture(scope="module")
def kept(shared_loop, tmp_path_factory):
    """A workload, and what has to be as it was after all that happens to the loop."""
    folder = write(tmp_path_factory.mktemp("kept"), kept=config_map("kept", text="0"))
    workload = {"name": "kept", "path": str(folder)}
    shared_loop.push(workload).succeeded()
    return workload


def belongings(loop: Loop) -> dict[str, str | None]:
    """What must not be lost: what was pushed, and the very objects that were made."""
    objects = {
        "source": loop.source("base"),
        "kustomization": loop.kustomization("base"),
        "kept": loop.config_map("kept"),
        "namespace": loop.get("/api/v1/namespaces/shop"),
    }
    uids = {called: found["metadata"]["uid"] for called, found in objects.items() if found}
    assert uids.keys() == objects.keys()
    return uids | {"digest": loop.digest("base")}


def edit(workload: dict[str, str], text: str) -> None:
    write(Path(workload["path"]), kept=config_map("kept", text=text))


def days_left(certificate: bytes) -> int:
    return (x509.load_pem_x509_certificate(certificate).not_valid_after_utc - datetime.now(UTC)).days


@pytest.mark.parametrize("program", SUPERVISED)
def test_a_killed_process_comes_back_and_nothing_is_lost(loop, kept, program):
    before = belongings(loop)
    killed = loop.kill(program)
    until(
        lambda: [pid for pid, name in loop.processes().items() if name == program and pid != killed], program
    )
    edit(kept, program)
    # What a user would do next. It waits for what is on its way up, or says that it is not up yet.
    until(lambda: loop.push(kept).code == 0, "what was edited is pushed and applied")
    assert loop.config_map("kept")["data"] == {"text": program}
    assert belongings(loop) == before
    assert sorted(loop.processes().values()) == PROGRAMS


def test_a_killed_supervisor_is_replaced_and_runs_nothing_twice(loop, kept):
    before = belongings(loop)
    pid = loop.kill("supervisord")
    until(lambda: pid not in loop.processes(), "it is gone")
    # What it had started goes on, or ends as soon as it has something to log.
    assert loop.up().changed != []
    assert sorted(loop.processes().values()) == PROGRAMS
    assert belongings(loop) == before
    assert loop.up().changed == []


def test_stop_and_start(loop, kept):
    before = belongings(loop)
    edit(kept, "before the stop")
    loop.push(kept).succeeded()
    pushed = loop.digest("kept")
    assert loop.play("stop", "--check").succeeded().changed != []
    assert sorted(loop.processes().values()) == PROGRAMS
    assert loop.play("stop").succeeded().changed != []
    assert loop.processes() == {}
    with pytest.raises(requests.ConnectionError):
        loop.digest("base")
    assert loop.play("stop").succeeded().changed == []
    status = loop.play("status").succeeded()
    assert "Flux could not be asked" in status.text
    loop.push(kept).refused("does not answer", str(loop.kubeconfig), "`make up` (the playbook site.yml)")

    # Its ports are kept: a program that took one in between is named.
    with listening(loop.ports["etcd"]) as port:
        loop.play("site").refused(f"Port {port} on 127.0.0.1", "etcd", "taken by another program")
    run = loop.up()
    assert run.receipts["base"]["why"] == []
    assert belongings(loop) == before
    assert loop.digest("kept") == pushed
    assert loop.config_map("kept")["data"] == {"text": "before the stop"}


def test_certificates_are_renewed_before_they_end(loop, kept):
    before = belongings(loop)
    certificates = {path: path.read_bytes() for path in (loop.state_dir / "pki").glob("*.crt")}
    ending = [path for path, content in certificates.items() if days_left(content) < 366]
    # The authorities live longer.
    assert {path.stem for path in certificates if path not in ending} == {"ca", "etcd-ca"}
    assert all(days_left(certificates[path]) > 360 for path in ending)

    # As if there were as many days left as a certificate has.
    run = loop.up(cluster_certificate_days=500, cluster_renew_before_days=366)
    assert run.result("The certificates are valid")["changed"]
    renewed = [path for path, content in certificates.items() if path.read_bytes() != content]
    assert sorted(renewed) == sorted(ending)
    assert belongings(loop) == before
    edit(kept, "renewed")
    assert loop.push(kept).succeeded().receipts["kept"]["ready"]
    assert loop.config_map("kept")["data"] == {"text": "renewed"}
    server = f"https://127.0.0.1:{loop.ports['kube_apiserver']}/livez"
    assert requests.get(server, verify=str(loop.state_dir / "pki/ca.crt"), timeout=10).ok
    # An old admin certificate would still be valid: the kubeconfig has the new one.
    assert loop.core.list_namespace().items
    assert sorted(loop.processes().values()) == PROGRAMS
    assert loop.up().changed == []


def test_two_loops_live_side_by_side_and_one_s_end_leaves_the_other_alone(loop, new_loop, kept):
    before, processes = belongings(loop), loop.processes()
    other = new_loop("daneben")
    assert other.play("site", "--check").succeeded().changed != []
    assert not other.state_dir.exists()
    assert all(receipt["ready"] for receipt in other.up().receipts.values())
    assert not set(other.ports.values()) & set(loop.ports.values())
    assert other.digest("kept") is None
    assert other.config_map("kept") is None
    assert belongings(loop) == before

    pushed = other.digest("base")
    storage = other.state_dir / "registry" / "storage"
    assert other.play("destroy", "--check").succeeded().changed != []
    assert other.digest("base") == pushed
    # As when /tmp was cleaned: its supervisord runs, and nobody can ask it.
    config = configparser.RawConfigParser()
    config.read(other.state_dir / "supervisor" / "supervisord.conf")
    Path(config["unix_http_server"]["file"]).unlink()
    status = " ".join(other.play("status").succeeded().text.split())
    assert "supervisord that has started them cannot be reached" in status
    assert other.play("destroy").succeeded().changed != []
    assert other.processes() == {}
    assert list(storage.rglob("data")), "the registry's content goes only when told"
    assert not (other.state_dir / "etcd").exists()
    assert not (other.state_dir / "pki").exists()
    assert not other.kubeconfig.exists()
    assert other.play("destroy").succeeded().changed == []
    other.play("push").refused("There is no loop daneben", "site.yml")
    purged = other.purge()
    assert purged.succeeded().changed != []
    assert not other.state_dir.exists()
    assert loop.processes() == processes
    assert belongings(loop) == before
