# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever became of a file of state, it is healed, or told with its path and what to do."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.certificates import Wanted, look
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.playbook_lock import (
    Owner,
    release,
    take,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.state_files import FILES, read_kept
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.usage import embedded_certificates
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Process
from ansible_collections.gitops.flux_local.tests.unit.fakes.supervision import Bench

WHOLE = {
    "ports": {"registry": 5001},
    "provider": {"provider": "embedded", "engine": "", "network": ""},
    "facts": {
        "registry_endpoint": {},
        "cluster_connection": {},
        "flux_status": {},
        "binaries_paths": {},
    },
    "workloads": {"workloads_base_dir": "/", "workloads_list": []},
    "registry": {"engine": "docker", "storage": "volume"},
}
NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)


def as_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


HALF = b'{"registry'
DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "blank": lambda path: path.write_bytes(b" \n"),
    "half": lambda path: path.write_bytes(HALF),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe{}\0"),
    "another kind": lambda path: path.write_bytes(b"[1]"),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "a folder": as_folder,
}
damaged = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)


def test_every_file_is_read_back_and_one_that_is_missing_is_nothing(tmp_path):
    assert WHOLE.keys() == FILES.keys()
    for name, content in WHOLE.items():
        assert read_kept(str(tmp_path), name) == {}
        (tmp_path / FILES[name].name).write_text(json.dumps(content))
        assert read_kept(str(tmp_path), name) == content


@pytest.mark.parametrize("name", FILES)
@damaged
def test_a_damaged_file_is_told_with_its_path_and_what_to_do(tmp_path, name, damage):
    path = tmp_path / FILES[name].name
    damage(path)
    with pytest.raises(LoopError, match=re.escape(str(path))) as told:
        read_kept(str(tmp_path), name)
    assert "Remove" in told.value.message or FILES[name].remedy in told.value.message
    assert "Error" not in told.value.message


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if file.keys])
def test_what_a_file_lacks_is_named(tmp_path, name):
    path = tmp_path / FILES[name].name
    path.write_text("{}")
    with pytest.raises(LoopError, match=f"{next(iter(FILES[name].keys))} and .* must be in it"):
        read_kept(str(tmp_path), name)


@damaged
def test_a_damaged_lock_is_nobody_s(tmp_path, damage):
    lock, owner = tmp_path / "lock", Owner(1, "never", "ansible-playbook", "now")
    damage(lock)
    if lock.is_dir():
        with pytest.raises(LoopError, match=rf"{lock} cannot be written: Is a directory\. Remove it"):
            take(str(lock), owner, timeout=0)
        return
    take(str(lock), owner, timeout=0)
    assert json.loads(lock.read_text())["command"] == "ansible-playbook"
    damage(lock)
    release(str(lock), owner)


@pytest.mark.parametrize(
    "file", ["supervisord.conf", "conf.d/one.conf", "conf.d/two.conf", "supervisord.pid"]
)
@damaged
def test_what_supervisord_reads_is_written_anew(tmp_path, file, damage):
    bench = Bench(tmp_path / "loop")
    groups = [bench.group(Process(name, (f"/bin/{name}",)), name=name) for name in ("one", "two")]
    for group in groups:
        bench.start(group)
    before = bench.files()
    bench.supervisor.shutdown()
    path = tmp_path / "loop" / "supervisor" / file
    damage(path)
    if path.is_dir() and path.suffix == ".conf":
        with pytest.raises(LoopError, match=f"{path} is a folder, where a file is expected"):
            bench.start(groups[0])
        return
    for group in groups:
        bench.start(group)
    assert {name: found.state for name, found in bench.supervisor.live.items()} == {
        "one": "RUNNING",
        "two": "RUNNING",
    }
    assert {path: content for path, content in bench.files().items() if path.suffix == ".conf"} == before
    for group in reversed(groups):
        bench.stop(group)
    assert not bench.machine.running


@damaged
def test_a_damaged_certificate_is_issued_anew_and_a_damaged_kubeconfig_has_none(tmp_path, damage):
    path = tmp_path / "ca.crt"
    damage(path)
    if path.is_dir():
        return
    content = path.read_bytes()
    seen = look([Wanted("ca", "ca", "flux-local")], read=lambda _name: content, now=NOW, renew_before_days=30)
    assert seen["ca"].why == "there is none"
    assert embedded_certificates(content) == {}
