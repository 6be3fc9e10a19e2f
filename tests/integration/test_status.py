# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""``status.yml``: what it says of a real loop, and how its page looks in a real browser."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.plugin_utils.status_html import html_of
from ansible_collections.gitops.flux_local.tests.integration.loops import ROOT, config_map, until, write

RECORDED = ROOT / "tests/unit/fakes/loop_status.json"
SECONDS = 60


def look(loop, tmp_path, **variables):
    """The status as data, and the run that told it."""
    file = tmp_path / "status.json"
    run = loop.play("status", status_json=str(file), **variables).succeeded()
    return json.loads(file.read_text()), run


def workload_of(status, name):
    return next(one for one in status["workloads"] if one["name"] == name)


def test_everything_about_a_loop_is_told(loop, tmp_path):
    status, run = look(
        loop, tmp_path, status_markdown=str(tmp_path / "s.md"), status_html=str(tmp_path / "s.html")
    )
    assert status["schema_version"] == 1
    assert status["problems"] == []
    backend = workload_of(status, "backend")
    assert (backend["state"], backend["behind"]) == ("ready", 0)
    assert backend["newest"]["digest"] == loop.digest("backend")
    assert {"namespace": "flux-system", "name": "base"} in backend["depends_on"]
    flux = next(one for one in status["kustomizations"] if one["name"] == "backend")
    assert flux["inventory"]
    assert flux["history"]
    assert flux["events"]
    etcd = next(one for one in status["programs"] if one["name"] == "etcd")
    assert etcd["version"].startswith("3.")
    assert etcd["memory"] > 10_000_000
    assert etcd["uptime"] >= 0
    assert {one["name"]: one["port"] for one in status["ports"]} == loop.ports
    assert status["disk"]["used"] > 1_000_000
    assert status["certificates"][0]["days_left"] > 300
    assert max(len(line) for line in run.text.splitlines() if not line.startswith("kubeconfig")) <= 100
    assert "backend" in (tmp_path / "s.md").read_text()
    assert "backend" in (tmp_path / "s.html").read_text()


def test_check_mode_keeps_no_file_and_a_file_that_cannot_be_written_is_named(loop, tmp_path):
    loop.play("status", "--check", status_html=str(tmp_path / "s.html")).succeeded()
    assert not (tmp_path / "s.html").exists()
    nowhere = str(tmp_path / "nowhere" / "s.md")
    loop.play("status", status_markdown=nowhere).refused("markdown", nowhere, "folder that exists")


def test_what_loop_info_returns_is_what_the_filters_take_and_the_lookup_leads_to_it(loop):
    facts = json.loads((loop.state_dir / "loop.json").read_text())
    asked = {
        "name": loop.name,
        "state_dir": str(loop.state_dir),
        "connection": facts["cluster_connection"],
        "registry": facts["registry_endpoint"],
        "flux": facts["flux_status"],
        "programs": facts["binaries_paths"],
    }
    found = {"found": "{{ lookup('gitops.flux_local.loop') }}"}
    filters = ("loop_status", "loop_status_markdown", "loop_status_html")
    reports = {name: f"{{{{ looked.status | gitops.flux_local.{name} }}}}" for name in filters}
    run = loop.tasks(
        [
            {"gitops.flux_local.loop_info": asked, "register": "looked"},
            {"ansible.builtin.set_fact": reports | found},
        ]
    ).succeeded()
    assert all("backend" in run.facts[name] for name in filters)
    assert run.facts["loop_status_html"].startswith("<!doctype html>")
    assert run.facts["found"]["kubeconfig"] == str(loop.kubeconfig)
    assert run.facts["found"]["registry"] == loop.registry


def test_the_restart_of_a_program_that_died_is_counted(loop, tmp_path):
    ended = loop.kill("kwok")
    until(lambda: "kwok" in [name for pid, name in loop.processes().items() if pid != ended], "kwok again")
    status, run = look(loop, tmp_path)
    kwok = next(one for one in status["programs"] if one["name"] == "kwok")
    assert kwok["restarts"] >= 1
    assert re.search(r"^kwok .* [1-9]\d* ", run.text, re.MULTILINE)


def test_a_workload_that_is_behind_suspended_and_edited_says_so(loop, binary, folder, tmp_path):
    for word in ("one", "two"):
        loop.push({"name": "lag", "path": str(write(folder, lag=config_map("lag", word=word)))}).succeeded()
    # Somebody suspends it by hand, and pushes twice.
    suspend = [binary("flux"), "suspend", "kustomization", "lag", f"--kubeconfig={loop.kubeconfig}"]
    subprocess.run(suspend, check=True, capture_output=True, timeout=SECONDS)
    loop.core.delete_namespaced_config_map("lag", "default")
    for word in ("three", "four"):
        write(folder, lag=config_map("lag", word=word))
        push = {"url": f"oci://{loop.registry}/lag", "path": str(folder), "tags": ["latest"]}
        loop.tasks([{"gitops.flux_local.oci_artifact_push": push}]).succeeded()
    status, run = look(loop, tmp_path)
    lag = workload_of(status, "lag")
    assert (lag["suspended"], lag["behind"], lag["versions_total"]) == (True, 2, 4)
    assert lag["drift"] == ["Kustomization lag was changed with flux", "ConfigMap default/lag was deleted"]
    assert re.search(r"^lag .* suspended, 2 versions behind, drifted$", run.text, re.MULTILINE)
    loop.remove("lag")


REFUSED = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "refused", "namespace": "default"},
    "spec": {"ports": [{"port": 99999}]},
}


def test_the_cause_of_a_failure_is_told_with_what_to_do(loop, folder, tmp_path):
    workload = {"name": "refused", "path": str(write(folder, refused=REFUSED))}
    loop.push(workload).refused("99999")
    status, run = look(loop, tmp_path)
    cause = workload_of(status, "refused")["cause"]
    assert (cause["kind"], cause["place"]) == ("invalid_field", "Service default/refused")
    assert "! refused: Service default/refused: spec.ports[0].port" in run.text
    assert cause["remedy"] in " ".join(run.text.split())
    loop.remove("refused")


def test_watching_refreshes_without_control_characters_and_ends_when_interrupted(loop, tmp_path):
    kept = tmp_path / "status.json"
    started = loop.start(
        "playbooks/status.yml",
        status_watch=True,
        status_json=str(kept),
        environment={"ANSIBLE_STDOUT_CALLBACK": "default"},
    )
    ready: dict[str, int] = {}  # how many workloads were, by the time of the report

    def three_were_written() -> bool:
        with contextlib.suppress(ValueError):  # it is being written
            status = json.loads(kept.read_text())
            ready[status["taken_at"]] = status["summary"]["ready"]
        return len(ready) >= 3

    # When a third one is written, two have been shown.
    until(three_were_written, "three reports")
    started.process.send_signal(signal.SIGINT)
    run = started.finish()
    shown = [int(count) for count in re.findall(r"\b(\d+) ready\b", run.output)]
    assert shown[:2] == list(ready.values())[:2]
    assert run.output.count("certificates") >= 2
    assert run.output.count("backend") >= 2
    assert "\x1b" not in run.output
    assert "Traceback" not in run.output + run.warnings
    assert run.code == 99


# --- the page in a browser


@pytest.fixture(scope="module")
def chromium() -> str:
    program = shutil.which("chromium")
    if not program:
        pytest.fail("There is no chromium to look at the page with. On Debian: apt-get install chromium")
    return program


def browse(chromium, page: Path, *arguments: str) -> str:
    """What the browser prints; it has no network, and a profile of its own."""
    finished = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",  # which root cannot have
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--proxy-server=127.0.0.1:9",
            "--hide-scrollbars",
            f"--user-data-dir={page.parent / 'profile'}",
            *arguments,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    # Chromium says there what a page does that its policy forbids, and what in it does not work.
    assert "CONSOLE" not in finished.stderr, finished.stderr
    return finished.stdout


def pixel(picture: Path) -> tuple[int, ...]:
    """The upper left pixel of a PNG; no filter changes that one (https://www.w3.org/TR/png/#9Filters)."""
    rest, packed = picture.read_bytes()[8:], b""
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        if rest[4:8] == b"IDAT":
            packed += rest[8 : 8 + length]
        rest = rest[length + 12 :]
    return tuple(zlib.decompress(packed)[1:4])


def test_the_page_is_whole_in_a_browser(chromium, tmp_path):
    status = json.loads(RECORDED.read_text())
    page = tmp_path / "status.html"
    page.write_text(html_of(status))
    shown = browse(chromium, page, "--enable-logging=stderr", "--dump-dom")
    assert shown.count('class="node ') == len(status["workloads"])
    assert shown.count('class="edge"') == sum(len(one["depends_on"]) for one in status["workloads"])
    assert '<svg class="timeline"' in shown
    assert shown.count("<details ") == len(status["workloads"])


def test_the_page_is_light_or_dark_as_the_reader_has_it(chromium, tmp_path):
    page = tmp_path / "status.html"
    page.write_text(html_of(json.loads(RECORDED.read_text())))
    seen = {}
    for name, scheme in (("dark", 0), ("light", 1)):
        picture = tmp_path / f"{name}.png"
        settings = f"--blink-settings=preferredColorScheme={scheme}"
        browse(chromium, page, settings, "--window-size=1200,1600", f"--screenshot={picture}")
        seen[name] = pixel(picture)
    assert max(seen["dark"]) < 60
    assert min(seen["light"]) > 200


def test_nothing_that_a_status_holds_runs_in_a_browser(chromium, tmp_path):
    attack = "\"'><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    text = (
        RECORDED.read_text().replace('"payments"', json.dumps(attack)).replace('"latest"', json.dumps(attack))
    )
    page = tmp_path / "status.html"
    page.write_text(html_of(json.loads(text)))
    shown = browse(chromium, page, "--dump-dom")
    assert "<title>shop:" in shown
    assert "<script" not in shown
    assert "<img" not in shown
