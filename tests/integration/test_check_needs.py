# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/check-needs.sh on machines that lack this or that, as a PATH with only some programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    cached,
    parse_program,
    this_platform,
)

ROOT = Path(__file__).parents[2]
TABLE = yaml.safe_load((ROOT / "roles/binaries/vars/main.yml").read_text())["__binaries_programs"]


class Machine:
    """A machine with what the script itself needs, and what is added."""

    def __init__(self, root: Path):
        self.bin, self.home = root / "bin", root / "home"
        self.bin.mkdir()
        self.home.mkdir()
        for name in ("sh", "sed", "dirname", "basename", "paste", "uname"):
            (self.bin / name).symlink_to(str(shutil.which(name)))

    def add(self, name: str, body: str = "") -> None:
        program = self.bin / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    def add_everything(self) -> None:
        self.add("git")
        self.add("make")
        self.add("go", "echo go1.26.0")
        self.add("python3", f'exec {sys.executable} "$@"')

    def install(self, folder: Path) -> None:
        for row in TABLE:
            program = cached(folder, parse_program(row), this_platform()).program
            program.parent.mkdir(parents=True)
            program.write_text("")
            program.chmod(0o755)

    def check(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "scripts/check-needs.sh", *arguments],
            env={"PATH": str(self.bin), "HOME": str(self.home), **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_machine_with_everything_gets_its_python(machine):
    machine.add_everything()
    result = machine.check()
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{sys.executable}\n", "")


def test_all_that_is_missing_is_named_at_once(machine):
    result = machine.check()
    assert result.returncode == 1
    assert result.stdout == ""
    for need in ("git", "make", "Python 3.11 or later", "Go 1.26 or later"):
        assert f"- {need} is needed" in result.stderr
    assert all(row["name"] in result.stderr for row in TABLE)
    assert result.stderr.count("Debian, Ubuntu:") == result.stderr.count("macOS:") == 4


def test_an_old_go_is_not_enough(machine):
    machine.add_everything()
    machine.add("go", "echo go1.24.1")
    assert "- Go 1.26 or later is needed to build kube-apiserver" in machine.check().stderr


@pytest.mark.parametrize("version", ["go1.26rc1", "go1.27.3", "go1.26.8 X:nodwarf5"])
def test_a_later_go_is_enough(machine, version):
    machine.add_everything()
    machine.add("go", f"echo '{version}'")
    assert machine.check().returncode == 0


def test_go_is_not_needed_when_the_cache_has_all_programs(machine):
    machine.add_everything()
    (machine.bin / "go").unlink()
    machine.install(machine.home / ".cache/flux-local")
    assert machine.check().returncode == 0
    only_missing = machine.home / ".cache/flux-local/kwok"
    shutil.rmtree(only_missing)
    assert "is needed to build kwok (or" in machine.check().stderr


def test_the_cache_is_where_xdg_says(machine, tmp_path):
    machine.add_everything()
    (machine.bin / "go").unlink()
    machine.install(tmp_path / "a cache/flux-local")
    assert machine.check().returncode == 1
    assert machine.check(XDG_CACHE_HOME=str(tmp_path / "a cache")).returncode == 0


def test_go_is_not_needed_for_what_a_folder_has(machine, tmp_path):
    machine.add_everything()
    (machine.bin / "go").unlink()
    machine.install(tmp_path / "as a cache")
    assert machine.check("--folder", str(tmp_path / "as a cache")).returncode == 0
    (tmp_path / "flat").mkdir()
    for row in TABLE:
        shutil.copy(next((tmp_path / "as a cache" / row["name"]).rglob(row["name"])), tmp_path / "flat")
    assert machine.check("--folder", str(tmp_path / "flat")).returncode == 0


def test_go_is_not_needed_where_a_mirror_has_the_images(machine):
    machine.add_everything()
    (machine.bin / "go").unlink()
    assert machine.check(MIRROR="/media/stick/flux-local").returncode == 0
    # Images have programs for Linux only.
    (machine.bin / "uname").unlink()
    machine.add("uname", "case $1 in -s) echo Darwin ;; *) echo arm64 ;; esac")
    assert machine.check(MIRROR="/media/stick/flux-local").returncode == 1


def test_a_python_without_venv_is_named_as_such(machine):
    machine.add_everything()
    machine.add("python3", f'case $2 in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"')
    result = machine.check()
    assert "Python's modules venv and ensurepip are needed, and python3 lacks them." in result.stderr
    assert "sudo apt install python3-venv" in result.stderr


def test_a_python_that_is_asked_for_is_not_replaced(machine):
    machine.add_everything()
    machine.add("old", "exit 1")
    result = machine.check(PYTHON="old")
    assert "Python 3.11 or later is needed, and PYTHON=old is none." in result.stderr
    assert machine.check(PYTHON=str(machine.bin / "python3")).stdout == f"{sys.executable}\n"


def test_another_option_is_refused(machine):
    result = machine.check("--fodler", "x")
    assert (result.returncode, "usage:" in result.stderr) == (2, True)
