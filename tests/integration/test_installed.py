# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The collection as users install it: built, installed offline, and run from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import ROOT, config_map, write


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH with the built collection and nothing else."""
    folder: Path = tmp_path_factory.mktemp("installed")
    galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection"]
    for arguments in (
        ["build", "--force", "--output-path", str(folder), str(ROOT)],
        ["install", "--offline", "--force", "--no-deps", "-p", str(folder), "TARBALL"],
    ):
        tarballs = [str(path) for path in folder.glob("*.tar.gz")]
        command = [tarballs[0] if each == "TARBALL" else each for each in [*galaxy, *arguments]]
        done = subprocess.run(
            command,
            env={**os.environ, "ANSIBLE_HOME": str(folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_carries_what_it_needs_and_nothing_of_development(installed):
    root = installed / "ansible_collections/gitops/flux_local"
    for name in ("playbooks/site.yml", "examples/workloads.yml", "roles/binaries/files/modules/flux/go.sum"):
        assert (root / name).exists(), name
    assert not any((root / name).exists() for name in (".venv", ".build", ".git", ".pytest_cache"))
    assert not list(root.rglob("__pycache__"))


def test_its_playbooks_work_on_the_same_loop(loop, installed, folder, tmp_path):
    elsewhere = tmp_path / "anderswo"
    elsewhere.mkdir()
    options = {
        "cwd": elsewhere,
        # The other collections, those that come with Ansible, are found beside Ansible itself.
        "environment": {"ANSIBLE_COLLECTIONS_PATH": str(installed), "PWD": str(elsewhere)},
    }
    run = loop.start("gitops.flux_local.site", **options).finish().succeeded()
    assert f"{installed}" in run.output, "the installed collection was used"
    assert run.changed == []
    assert sorted(run.receipts) == ["backend", "base", "frontend"]

    # A relative path is relative to where the user is.
    write(elsewhere / "mein Laden", shop=config_map("laden", text="1"))
    listed = [{"name": "laden", "path": "./mein Laden"}]
    pushed = loop.start("gitops.flux_local.push", workloads_list=listed, **options).finish().succeeded()
    assert pushed.receipts["laden"]["ready"]
    assert loop.config_map("laden")["data"] == {"text": "1"}
    status = loop.start("gitops.flux_local.status", **options).finish().succeeded()
    assert "laden" in status.text
    loop.remove("laden")
