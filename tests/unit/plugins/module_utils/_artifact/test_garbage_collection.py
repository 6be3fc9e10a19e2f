# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import garbage_collection
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.garbage_collection import (
    execute,
    run,
    size_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import HeldError, folder_by

GARBAGE, USED = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


class Registry:
    """The registry's program: it deletes one of two blobs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[list[str]] = []
        self.returncode = 0
        self.state_dir: str | None = None
        self.pauses: list[str] = []
        self.link = root / "docker/registry/v2/repositories/team/shop/_layers/sha256" / ("a" * 64)
        self.link.mkdir(parents=True)
        (self.link / "link").write_text(GARBAGE)
        for digest in (GARBAGE, USED):
            self.blob(digest).mkdir(parents=True)
            (self.blob(digest) / "data").write_text("x" * 100)
        self.config = root.parent / "config.yml"
        self.configure()

    def configure(self, **http: str) -> None:
        self.config.write_text(
            json.dumps({"storage": {"filesystem": {"rootdirectory": str(self.root)}}, "http": http})
        )

    def blob(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self.root / "docker/registry/v2/blobs/sha256" / name[:2] / name

    def execute(self, command: Sequence[str], kept: Sequence[int]) -> subprocess.CompletedProcess[str]:
        self.commands.append(list(command))
        said = "team/shop\n"
        if self.link.exists():
            said += f"\nblob eligible for deletion: {GARBAGE}\n"
            said += f"team/shop: layer link eligible for deletion: {GARBAGE}\n"
        if "--dry-run" not in command:
            shutil.rmtree(self.blob(GARBAGE))
            shutil.rmtree(self.link)
        return subprocess.CompletedProcess(command, self.returncode, said, "it\nbroke")

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.pauses.append("stopped")
        try:
            yield
        finally:
            self.pauses.append("started")

    def collect(self, *, check_mode: bool = False) -> dict[str, Any]:
        params = {"program": "registry", "config": str(self.config), "state_dir": self.state_dir}
        return run(params, execute=self.execute, paused=self.paused, check_mode=check_mode)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "storage")


def test_garbage_is_deleted_and_its_bytes_are_told(registry):
    predicted = registry.collect(check_mode=True)
    assert len(registry.commands) == 1
    assert size_of(str(registry.root)) == 271
    result = registry.collect()
    assert (
        result == predicted == {"changed": True, "blobs": [GARBAGE], "won": 171, "before": 271, "after": 100}
    )
    assert registry.collect() == {"changed": False, "blobs": [], "won": 0, "before": 100, "after": 100}
    assert [("--dry-run" in command) for command in registry.commands] == [True, True, True, False, True]
    assert registry.pauses == ["stopped", "started"]


def test_a_registry_that_runs_is_left_alone(registry):
    with socket.create_server(("127.0.0.1", 0)) as server:
        registry.configure(addr=f"127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(LoopError, match="stop it first"):
            registry.collect()
        assert registry.commands == []
        assert registry.collect(check_mode=True)["won"] == 171
    assert registry.collect()["won"] == 171


def test_an_empty_registry_has_no_garbage(registry):
    shutil.rmtree(registry.root)
    assert registry.collect() == {"changed": False, "blobs": [], "won": 0, "before": 0, "after": 0}


def test_a_failure_is_told(registry):
    registry.returncode = 1
    with pytest.raises(LoopError, match="failed, and the registry is as it was: it broke"):
        registry.collect()


@pytest.mark.parametrize(
    ("config", "said"),
    [(None, "cannot be read"), ("a: [", "cannot be read"), ("storage: {s3: {}}", "names no storage")],
)
def test_a_configuration_of_another_kind_is_refused(registry, config, said):
    registry.config.unlink()
    if config:
        registry.config.write_text(config)
    with pytest.raises(LoopError, match=said):
        registry.collect()


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(LoopError, match="program: /none/registry cannot be run"):
        execute(["/none/registry"], ())


def test_the_program_has_none_of_the_variables_that_override_its_configuration(monkeypatch):
    monkeypatch.setenv("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/of/another/registry")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", "/run/containers/auth.json")
    said = execute(["env"], ()).stdout
    assert "REGISTRY" not in said
    assert "OTEL_TRACES_EXPORTER=none\n" in said
    assert "PATH=" in said


def test_a_registry_of_a_loop_may_run_until_there_is_something_to_delete(registry):
    registry.state_dir = "/loop"
    with socket.create_server(("127.0.0.1", 0)) as server:
        registry.configure(addr=f"127.0.0.1:{server.getsockname()[1]}")
        assert registry.collect(check_mode=True)["changed"]
        assert registry.pauses == []
        with pytest.raises(LoopError, match="stop it first"):
            registry.collect()  # its pause has not ended this one
    assert registry.collect()["changed"]
    assert registry.collect()["changed"] is False
    assert registry.pauses == ["stopped", "started"] * 2


def test_no_collection_begins_beside_another_or_beside_a_registry_that_starts(registry, monkeypatch):
    monkeypatch.setattr(garbage_collection, "LOCK_SECONDS", 0.1)
    with (
        folder_by(str(registry.root), deadline=0),
        pytest.raises(LoopError, match=r"Another garbage collection of .* still runs after 0\.1 s"),
    ):
        registry.collect()
    command = [sys.executable, "-c", "input()", "serve", str(registry.config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as starting:
        with pytest.raises(LoopError, match="stop it first"):
            registry.collect()
        starting.kill()
    assert [("--dry-run" in command) for command in registry.commands] == [True]


def test_a_collection_has_the_lock_itself_and_keeps_it_when_its_module_is_killed(tmp_path):
    wait = f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)"
    collection = f"import os, time; os.kill(os.getppid(), 9)\n{wait}"
    code = (
        f"from {execute.__module__} import execute\n"
        f"from {folder_by.__module__} import folder_by\n"
        "import sys\n"
        f"with folder_by({str(tmp_path)!r}, deadline=0) as lock:\n"
        f"    execute([sys.executable, '-c', {collection!r}], (lock,))\n"
    )
    # Who has begun it is killed: it goes on, and no registry starts until it has ended.
    with subprocess.Popen([sys.executable, "-c", code]) as module:
        module.wait()
    with pytest.raises(HeldError), folder_by(str(tmp_path), deadline=0):
        pass
    (tmp_path / "go").touch()
    with folder_by(str(tmp_path), deadline=time.monotonic() + 60):
        pass
