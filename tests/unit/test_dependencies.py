# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is pinned, what is allowed and what the documents and the playbooks say of it are one truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PINS = {"requirements.in": "requirements.txt", "requirements-dev.in": "requirements-dev.txt"}


def asked_for(name: str, sign: str) -> dict[str, str]:
    """The packages of a requirements file with the version after ``sign``."""
    lines = (ROOT / name).read_text().splitlines()
    return {
        package.lower(): version
        for package, found, version in (
            line.partition(sign) for line in lines if line and line[0] not in "#-"
        )
        if found
    }


def pinned(name: str) -> list[tuple[str, str, int]]:
    """Package, version and number of hashes of each entry that pip reads."""
    joined = (ROOT / name).read_text().replace("\\\n", " ")
    entries = [line for line in joined.splitlines() if line and line[0] not in "# "]
    return [
        (package.lower(), version.split(" ")[0], entry.count("--hash=sha256:"))
        for entry in entries
        for package, _equals, version in [entry.partition("==")]
    ]


@pytest.mark.parametrize(("asked", "pins"), PINS.items())
def test_every_package_is_pinned_with_hashes(asked, pins):
    entries = pinned(pins)
    assert [package for package, version, hashes in entries if not version or not hashes] == []
    versions = {(package, version) for package, version, _hashes in entries}
    assert [package for package in asked_for(asked, "==").items() if package not in versions] == []


def test_development_has_the_packages_of_run_time():
    runtime = {(package, version) for package, version, _hashes in pinned("requirements.txt")}
    development = {(package, version) for package, version, _hashes in pinned("requirements-dev.txt")}
    assert runtime - development == set()


def test_the_playbooks_ask_for_what_other_projects_are_told_to_install():
    playbooks = yaml.safe_load((ROOT / "playbooks/vars/loop.yml").read_text())
    wanted = {library["name"].lower(): str(library["minimum"]) for library in playbooks["loop_libraries"]}
    assert wanted == asked_for("meta/ee-requirements.txt", ">=")


@pytest.mark.parametrize("asked", PINS)
def test_each_has_its_reason_in_the_documents(asked):
    rows = re.findall(
        r"^\| ([^|]+) \| ([0-9][^|]*) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE
    )
    documented = {
        (package.strip().lower(), version.strip())
        for packages, versions in rows
        for package, version in zip(packages.split(","), versions.split(","), strict=False)
    }
    assert [package for package in asked_for(asked, "==").items() if package not in documented] == []
