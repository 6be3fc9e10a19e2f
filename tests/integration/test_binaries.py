# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The role binaries, with shell scripts in the place of the real programs: all they do is print a version."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).parents[2] / "roles/binaries"
TABLE = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__binaries_programs"]
PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  roles:
    - gitops.flux_local.binaries
  tasks:
    - ansible.builtin.copy:
        content: "{{ binaries_paths | to_json }}"
        dest: "{{ playbook_dir }}/paths.json"
        mode: "0600"
      check_mode: false
      changed_when: false
"""


class Role:
    """Runs the role with a cache and a folder of its own."""

    def __init__(self, root: Path):
        self.root, self.folder = root, root / "folder"
        self.cache = root / "xdg cache/flux-local"
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.cache.parent)}
        self.folder.mkdir()
        (root / "playbook.yml").write_text(PLAYBOOK)

    def start(self, *arguments: str, **options) -> subprocess.Popen[str]:
        nowhere = dict.fromkeys(("registry.k8s.io", "ghcr.io", "docker.io"), "127.0.0.1:1")
        extra_vars = {f"binaries_{name}": value for name, value in {"registries": nowhere, **options}.items()}
        return subprocess.Popen(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                self.root / "playbook.yml",
                "--extra-vars",
                json.dumps(extra_vars),
                *arguments,
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **options) -> str:
        return self.start(*arguments, **options).communicate(timeout=120)[0]

    def from_folder(self, *arguments: str, **options) -> str:
        return self.run(*arguments, source="folder", folder=str(self.folder), **options)

    def stand_in(self, name: str, *, version: str = "", before: str = "") -> None:
        """Put a script into the folder that answers as the program does, after running ``before``."""
        row = next(row for row in TABLE if row["name"] == name)
        text = row["check_text"].replace("{version}", version or row["version"])
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{before}\necho '{text}'\n")
        program.chmod(0o755)
        for manifests in row.get("manifests", []):
            target = self.folder / "manifests" / name / manifests["to"]
            target.mkdir(parents=True, exist_ok=True)
            (target / "some.yaml").write_text("---\n")

    def stand_ins(self) -> None:
        for row in TABLE:
            self.stand_in(row["name"])

    def paths(self) -> dict[str, dict[str, str]]:
        """The fact of the latest run."""
        fact: dict[str, dict[str, str]] = json.loads((self.root / "paths.json").read_text())
        return fact

    def programs(self) -> list[str]:
        return sorted(path.parts[-4] for path in self.cache.glob("[!.]*/*/*/*") if path.is_file())


@pytest.fixture
def role(tmp_path):
    return Role(tmp_path)


def recap(output: str) -> tuple[int, int]:
    """How many tasks changed something, and how many failed."""
    found = re.search(r"changed=(\d+) .*failed=(\d+)", output)
    assert found, output
    return int(found[1]), int(found[2])


def sentences(output: str) -> str:
    """The output without the line breaks that Ansible puts into messages."""
    return " ".join(output.split())


def test_a_folder_fills_the_cache_once(role):
    role.stand_ins()
    assert recap(role.from_folder("--check")) == (len(TABLE), 0)
    assert not role.cache.exists()
    predicted = role.paths()

    first = role.from_folder()
    assert recap(first) == (len(TABLE), 0)
    assert "Copy kube-apiserver 1.36.3 (1 of 9), log in" in first
    assert role.programs() == sorted(row["name"] for row in TABLE)
    assert role.paths() == predicted
    for row in TABLE:
        found = predicted[row["name"]]
        assert found["version"] == row["version"]
        assert os.access(found["program"], os.X_OK)
        kept = os.listdir(found["manifests"]) if found["manifests"] else []
        assert set(kept) == {each["to"] for each in row.get("manifests", [])}

    assert recap(role.from_folder()) == (0, 0)
    assert role.paths() == predicted


def test_the_cache_of_another_machine_is_a_folder_too(role):
    role.stand_in("etcd")
    role.from_folder(programs=["etcd"])
    copied = role.cache.rename(role.root / "copied")
    output = role.run(programs=["etcd"], folder=str(copied))
    assert recap(output) == (1, 0)
    assert role.programs() == ["etcd"]


def test_all_that_a_folder_lacks_is_named_at_once_and_nothing_is_installed(role):
    role.stand_ins()
    (role.folder / "etcd").unlink()
    (role.folder / "manifests/kwok/stages/some.yaml").unlink()
    (role.folder / "manifests/kwok/stages").rmdir()
    output = role.from_folder()
    assert recap(output) == (0, 1)
    assert f"lacks {role.folder}/etcd, {role.folder}/manifests/kwok/stages." in sentences(output)
    assert not role.cache.exists()


def test_a_program_of_another_version_is_refused(role):
    role.stand_in("etcd", version="3.4.30")
    output = role.from_folder(programs=["etcd"])
    assert recap(output) == (0, 1)
    assert f"{role.folder}/etcd answers --version with 'etcd Version: 3.4.30'" in sentences(output)
    assert "Put etcd 3.6.8" in sentences(output)
    assert role.programs() == []


def test_a_program_that_does_not_exist_is_an_error_naming_those_that_do(role):
    output = role.from_folder(programs=["etcdd"])
    assert recap(output) == (0, 1)
    assert "there is no program etcdd. There are kube-apiserver," in sentences(output)


@pytest.mark.parametrize(
    ("go", "found"), [("", "there is none in PATH"), ("go1.24.1", "version 1.24.1 is installed")]
)
def test_without_a_new_enough_go_all_programs_that_need_it_are_named_before_anything_is_installed(
    role, go, found
):
    role.stand_in("etcd")
    tool = role.root / "bin/go"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho '{go}'\n" if go else "#!/bin/sh\nexit 1\n")
    tool.chmod(0o755)
    role.environment["PATH"] = f"{tool.parent}:{os.environ['PATH']}"
    output = role.run(programs=["registry", "etcd", "kwok"], folder=str(role.folder))
    assert recap(output) == (0, 1)
    assert f"Go 1.26 or later is needed to build kwok, registry, and {found}. Install it" in sentences(output)
    assert role.programs() == []


def test_two_runs_at_once_install_a_program_once(role):
    role.stand_in("etcd", before=f"echo checked >> '{role.root}/checks'; sleep 2")
    options = {"source": "folder", "folder": str(role.folder), "programs": ["etcd"]}
    runs = [role.start(**options), role.start(**options)]
    outputs = [run.communicate(timeout=120)[0] for run in runs]
    assert sorted(map(recap, outputs)) == [(0, 0), (1, 0)]
    assert (role.root / "checks").read_text() == "checked\n"


def test_a_run_that_is_killed_leaves_nothing_half_and_the_next_one_heals(role):
    pids = role.root / "pids"
    role.stand_in("etcd", before=f"echo $PPID $$ > '{pids}.new'; mv '{pids}.new' '{pids}'; exec sleep 60")
    killed = role.start(source="folder", folder=str(role.folder), programs=["etcd"])
    deadline = time.monotonic() + 60
    while not pids.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids.read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    assert recap(killed.communicate(timeout=60)[0]) == (0, 1)
    assert role.programs() == []
    assert list((role.cache / ".partial").iterdir())

    role.stand_in("etcd")
    assert recap(role.from_folder(programs=["etcd"])) == (1, 0)
    assert role.programs() == ["etcd"]
    assert list((role.cache / ".partial").iterdir()) == []
