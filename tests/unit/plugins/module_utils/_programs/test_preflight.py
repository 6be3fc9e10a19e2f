# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.preflight import (
    Folder,
    Go,
    ThisMachine,
    at_least,
    run,
)

GIGABYTE = 10**9
ROOMY = Folder(Path("/"), is_directory=True, writable=True, programs_run=True, free_bytes=100 * GIGABYTE)


@dataclass
class FakeMachine:
    python_version: str = "3.11.7"
    platform: tuple[str, str] = ("Linux", "x86_64")
    libraries: dict[str, str] = field(default_factory=dict)
    installed_go: Go | None = None
    every_folder: Folder = ROOMY

    def python(self):
        return "/venv/bin/python", self.python_version

    def system(self):
        return self.platform

    def library(self, name):
        return self.libraries.get(name, "")

    def go(self):
        return self.installed_go

    def folder(self, path):
        return self.every_folder


def options(**changes):
    return {"python": "3.11", "libraries": [], "folders": [], "go": None, **changes}


def state_folder(**changes):
    return [{"path": "/state", "purpose": "the state", "free_gb": 1.0, "programs_run": True, **changes}]


GO = {"minimum": "1.26", "needed_for": ["etcd", "kwok"], "modules_for": [], "free_gb": 2.6}


@pytest.mark.parametrize(
    ("version", "minimum", "enough"),
    [
        ("3.11.7", "3.11", True),
        ("3.11", "3.11.0", True),
        ("3.9.18", "3.11", False),
        ("3.14.0rc1", "3.11", True),
        ("1.26.8", "1.26", True),
        ("1.26rc1", "1.26", True),
        ("1.9", "1.26", False),
        ("0.2.43", "0.2.43", True),
        ("0.2.42", "0.2.43", False),
        ("37.0.2+local", "37", True),
        ("unknown", "1", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version, minimum, enough):
    assert at_least(version, minimum) is enough


def test_a_machine_with_everything_passes():
    machine = FakeMachine(libraries={"oras": "0.2.43"}, installed_go=Go("1.26.8", (Path("/cache"),)))
    wanted = options(libraries=[{"name": "oras", "minimum": "0.2.43"}], folders=state_folder(), go=GO)
    assert run(wanted, machine) == {"changed": False, "python": "3.11.7", "go": "1.26.8"}


def test_go_is_only_looked_for_when_it_is_wanted():
    assert run(options(), FakeMachine(installed_go=Go("1.26.8", ())))["go"] == ""


@pytest.mark.parametrize(
    ("machine", "wanted", "message"),
    [
        (
            FakeMachine(python_version="3.10.1"),
            {},
            "Python 3.11 or later is needed, and /venv/bin/python is 3.10.1",
        ),
        (FakeMachine(platform=("Windows", "AMD64")), {}, "Windows on AMD64 is not supported"),
        (
            FakeMachine(),
            {"libraries": [{"name": "oras", "minimum": "0.2.43"}]},
            (
                "oras 0.2.43 or later is needed, and it is not installed. "
                "Run: /venv/bin/python -m pip install 'oras>=0.2.43'"
            ),
        ),
        (
            FakeMachine(libraries={"oras": "0.2.1"}),
            {"libraries": [{"name": "oras", "minimum": "0.2.43"}]},
            "and 0.2.1 is installed",
        ),
        (
            FakeMachine(),
            {"go": GO},
            "Go 1.26 or later is needed to build etcd, kwok, and there is none in PATH",
        ),
        (FakeMachine(installed_go=Go("1.24.1", ())), {"go": GO}, "and version 1.24.1 is installed"),
        (
            FakeMachine(
                installed_go=Go("1.26.8", (Path("/cache"),)), every_folder=replace(ROOMY, free_bytes=GIGABYTE)
            ),
            {"go": GO},
            "/cache is needed for what Go downloads and compiles, and 2.6 GB must be free, not 1.0 GB",
        ),
        (
            FakeMachine(every_folder=replace(ROOMY, writable=False)),
            {"folders": state_folder()},
            "/state is needed for the state, and / is not writable",
        ),
        (
            FakeMachine(every_folder=replace(ROOMY, is_directory=False)),
            {"folders": state_folder()},
            "/ is not a folder",
        ),
        (
            FakeMachine(every_folder=replace(ROOMY, programs_run=False)),
            {"folders": state_folder()},
            "its file system is mounted noexec",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(machine, wanted, message):
    with pytest.raises(LoopError) as caught:
        run(options(**wanted), machine)
    assert message in caught.value.message


def test_noexec_does_not_matter_where_no_programs_run():
    machine = FakeMachine(every_folder=replace(ROOMY, programs_run=False))
    assert not run(options(folders=state_folder(programs_run=False)), machine)["changed"]


def test_everything_that_is_missing_is_named_at_once():
    machine = FakeMachine(
        python_version="3.9.2",
        platform=("Linux", "riscv64"),
        every_folder=replace(ROOMY, writable=False, free_bytes=0),
    )
    wanted = options(libraries=[{"name": "oras", "minimum": "0.2.43"}], folders=state_folder(), go=GO)
    with pytest.raises(LoopError) as caught:
        run(wanted, machine)
    assert len(caught.value.details["missing"]) == 6
    assert caught.value.message.count("\n  - ") == 6


def test_a_folder_that_does_not_exist_is_judged_by_what_is_above_it(tmp_path):
    folder = ThisMachine().folder(tmp_path / "not/yet/there")
    assert (folder.ground, folder.is_directory, folder.writable) == (tmp_path, True, True)
    assert folder.free_bytes > 0


def test_a_file_in_the_way_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    assert not ThisMachine().folder(tmp_path / "file/below").is_directory
