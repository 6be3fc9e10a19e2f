# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where source-controller keeps what it fetched, and who gets it from there."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from kubernetes import client

from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_rules import IgnoreRules
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.tests.integration.loops import (
    Loop,
    Started,
    config_map,
    until,
    write,
)

# What source-controller keeps of one object: --artifact-retention-records, the current artifact included.
RECORDS = 2
# As much as takes long enough to compress that somebody who looks at the folder sees it half written.
MANY_BYTES = 30 << 20


@pytest.fixture(scope="module")
def workload(shared_loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A workload of which versions are stored; all of them go with it."""
    folder = write(tmp_path_factory.mktemp("stored"), stored=config_map("stored", text="0"))
    listed = {"name": "stored", "path": str(folder)}
    shared_loop.push(listed).succeeded()
    yield listed
    shared_loop.remove("stored")
    until(lambda: not place(shared_loop).exists(), "what is stored went with its object")


def edit(workload: dict[str, str], text: str) -> None:
    write(Path(workload["path"]), stored=config_map("stored", text=text))


def artifact(loop: Loop) -> dict[str, Any]:
    source = loop.source("stored")
    assert source
    return dict(source["status"]["artifact"])


def place(loop: Loop) -> Path:
    return loop.state_dir / "source-controller/ocirepository/flux-system/stored"


def archives(loop: Loop) -> list[Path]:
    """What is stored whole; the link to the latest is none of it."""
    return sorted(path for path in place(loop).glob("*.tar.gz") if not path.is_symlink())


def current(loop: Loop) -> Path:
    return place(loop) / Path(artifact(loop)["path"]).name


def half_written(loop: Loop) -> list[Path]:
    """Files under names that no artifact has: that of one, and something behind it."""
    return [path for path in place(loop).glob("*.tar.gz?*") if path.suffix != ".lock"]


def served(loop: Loop) -> str:
    """The digest of what the server answers with, when it is asked for the artifact."""
    answer = requests.get(artifact(loop)["url"], timeout=10)
    answer.raise_for_status()
    return f"sha256:{hashlib.sha256(answer.content).hexdigest()}"


def ask(loop: Loop) -> None:
    """Have source-controller look at the source, and wait until it has."""
    token = str(time.time_ns())
    annotations = {"reconcile.fluxcd.io/requestedAt": token}
    client.CustomObjectsApi(loop.api).patch_namespaced_custom_object(
        "source.toolkit.fluxcd.io",
        "v1",
        "flux-system",
        "ocirepositories",
        "stored",
        {"metadata": {"annotations": annotations}},
    )

    def handled() -> bool:
        source = loop.source("stored") or {}
        return bool(source["status"].get("lastHandledReconcileAt") == token)

    until(handled, "source-controller has looked")


def wait_for_another(loop: Loop, program: str, than: int) -> None:
    until(lambda: [pid for pid, name in loop.processes().items() if name == program and pid != than], program)


def odd_patterns(count: int) -> list[str]:
    """Patterns of all that one may have in it, as many as asked for; always the same."""
    chance = random.Random(0)
    parts = ["a", "b", "x", "*", "?", "[ab]", "[^a]", "[!a]", "[a-c]", r"\a", "a*", "**", "a**", "", ".", "ü"]
    patterns = [
        "/*/**",
        "/**",
        "/*\n!/x",
        "*.yaml\n!x/*.yaml",
        "**/a/b",
        "x/\n!x/a.yaml",
        "!*.md",
        "[!a].yaml",
    ]
    while len(patterns) < count:
        path = "/".join(
            "".join(chance.choices(parts, k=chance.choice([1, 1, 2])))
            for _part in range(chance.choice([1, 2, 3]))
        )
        pattern = chance.choice(["", "", "/", "!"]) + path + chance.choice(["", "", "/", ".yaml", "/**"])
        with contextlib.suppress(LoopError):
            IgnoreRules.for_root().within("", pattern)
            patterns.append(pattern)
    return patterns


def test_source_controller_leaves_out_what_a_push_leaves_out(shared_loop, tmp_path):
    """Whatever patterns: all is pushed, and what it keeps is what would have been pushed without asking."""
    write(tmp_path, stored=config_map("odd-patterns", text="0"))
    (tmp_path / "kustomization.yaml").write_text("resources: [stored.yaml]\n")
    names = [
        f"{folder}{name}" for folder in ("", "a/", "x/", "x/a/", "x/y/b/") for name in ("a.yaml", "b", "c.md")
    ]
    for number, pattern in enumerate(odd_patterns(100)):
        for name in names:
            path = tmp_path / f"{number:03}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        (tmp_path / f"{number:03}/.sourceignore").write_text(pattern)
    shared_loop.push({"name": "odd-patterns", "path": str(tmp_path), "ignore": ["!*"]}).succeeded()
    source = shared_loop.source("odd-patterns")
    stored = shared_loop.state_dir / "source-controller" / source["status"]["artifact"]["path"]
    with tarfile.open(stored) as archive:
        kept = {member.name for member in archive if member.isreg()}
    # It needs no .sourceignore any more that was pushed for it.
    rules = {f"{number:03}/.sourceignore" for number in range(100)}
    shared_loop.remove("odd-patterns")
    with pack(str(tmp_path)) as packed:
        assert set(packed.file_digests()) - rules == kept - rules


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_stored_outlives_a_restart(loop, workload, how):
    before, stored = artifact(loop), current(loop)
    written, digest = stored.stat(), served(loop)
    assert digest == before["digest"]
    pid = loop.pid("source-controller")
    os.kill(pid, how)
    wait_for_another(loop, "source-controller", pid)
    ask(loop)
    assert artifact(loop) == before
    assert until(lambda: served(loop), "it is served") == digest
    # The very file: nothing was fetched anew.
    assert (stored.stat().st_ino, stored.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_what_is_lost_or_broken_is_fetched_anew(loop, workload):
    before, stored = artifact(loop), current(loop)
    content = stored.read_bytes()
    for left in (None, content[: len(content) // 2]):
        stored.unlink()
        if left is not None:
            stored.write_bytes(left)
        ask(loop)
        assert artifact(loop)["digest"] == before["digest"]
        assert stored.read_bytes() == content
        assert served(loop) == before["digest"]


def test_old_artifacts_are_collected_and_never_the_current_one(loop, workload):
    for text in ("1", "2", "3"):
        edit(workload, text)
        loop.push(workload).succeeded()
    ask(loop)
    until(lambda: len(archives(loop)) <= RECORDS, "old ones are collected")
    for _time in range(3):
        ask(loop)
        assert current(loop) in archives(loop)
        assert served(loop) == artifact(loop)["digest"]


def test_a_kill_in_the_midst_of_writing_leaves_nothing_half_done(loop, workload):
    write(
        Path(workload["path"]),
        kustomization={"kind": "Kustomization", "resources": ["stored.yaml"]},
    )
    before, was_served = artifact(loop), served(loop)
    while True:  # until source-controller is found writing
        edit(workload, str(time.time_ns()))
        (Path(workload["path"]) / "payload.bin").write_bytes(os.urandom(MANY_BYTES))
        run = loop.start("playbooks/push.yml", workloads_list=[workload])
        if is_stopped_while_it_writes(loop, run, before):
            break
        before, was_served = artifact(loop), served(loop)
    pid = loop.pid("source-controller")
    # It is announced when it is whole, and what was announced before is there.
    assert artifact(loop) == before
    assert was_served == before["digest"]
    os.kill(pid, signal.SIGKILL)
    wait_for_another(loop, "source-controller", pid)
    run.finish()
    # What a user would do next.
    until(lambda: loop.push(workload).code == 0, "what was edited is pushed and applied", seconds=180)
    after = artifact(loop)
    assert after["digest"] != before["digest"]
    assert served(loop) == after["digest"]
    assert loop.pid("source-controller") != pid


def is_stopped_while_it_writes(loop: Loop, run: Started, before: dict[str, Any]) -> bool:
    """Whether source-controller stands still with a file half written; otherwise the run has ended."""
    pid, known = loop.pid("source-controller"), set(archives(loop))
    while run.is_running:
        if half_written(loop):
            os.kill(pid, signal.SIGSTOP)
            if half_written(loop) and set(archives(loop)) <= known and artifact(loop) == before:
                return True
            os.kill(pid, signal.SIGCONT)
            break
        time.sleep(0.001)
    run.finish().succeeded()
    return False


@pytest.mark.parametrize(
    "path",
    [
        "/../kubeconfig",
        "/../../kubeconfig",
        "/./../kubeconfig",
        "//../kubeconfig",
        "/ocirepository/../../kubeconfig",
        "/ocirepository/flux-system/../../../kubeconfig",
        "/%2e%2e/kubeconfig",
        "/..%2fkubeconfig",
        "/%2e%2e%2fkubeconfig",
        "/ocirepository%2f..%2f..%2fkubeconfig",
        "/..%5ckubeconfig",
        "/..%00/kubeconfig",
        "{state_dir}/kubeconfig",
        "/{state_dir}/kubeconfig",
    ],
)
def test_nothing_outside_the_store_is_served(loop, path):
    secret = loop.kubeconfig.read_bytes()
    requested = path.format(state_dir=quote(str(loop.state_dir)))
    server = http.client.HTTPConnection("127.0.0.1", loop.ports["source_controller_storage"], timeout=10)
    # As it is: requests and urllib would resolve the dots themselves.
    server.putrequest("GET", requested, skip_accept_encoding=True)
    server.endheaders()
    answer = server.getresponse()
    assert answer.status in {301, 307, 400, 404, 500}, requested
    assert secret[:64] not in answer.read()
    if answer.status in {301, 307}:  # to the path without dots, which is one in the store
        followed = requests.get(
            f"http://127.0.0.1:{loop.ports['source_controller_storage']}{answer.headers['Location']}",
            timeout=10,
        )
        assert followed.status_code == 404
    server.close()


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_nobody_writes_to_the_store_through_its_server(loop, method):
    def content() -> dict[Path, bytes]:
        files = (loop.state_dir / "source-controller").rglob("*.tar.gz")
        return {path: path.read_bytes() for path in files}

    before = content()
    assert before
    source = loop.source("base")
    assert source
    url = source["status"]["artifact"]["url"]
    for target in (url, f"{url}.new"):
        requests.request(method, target, data=b"mine", timeout=10)
    assert content() == before
