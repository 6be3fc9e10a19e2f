# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the README lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import ARGUMENTS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    *(ROOT / name for name in ("README.md", "plugins/module_utils/README.md")),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("roles/*/README.md"),
]
# What begins with one of our folders, or with a private package, is a path; <name> and * stand for any name.
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
PATH = re.compile(rf"(?<![\w./-])(?:(?:{'|'.join(FOLDERS)})/|_\w+/)[\w./*<>{{}}-]*")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """The names in the first column of every table."""
    return [name for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for name in names(row)]


def names(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


def test_every_key_of_a_workload_is_listed_once():
    own = section("Your own workloads")
    further = names(own.split("Kustomization](https://")[1])
    assert sorted([*first_cells(own), *further]) == sorted(ARGUMENTS)


def test_the_defaults_of_a_workload_are_those_of_the_code():
    shown = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", section("Your own workloads"), re.MULTILINE))
    defaults = {
        name: str(argument["default"]).lower() if argument["type"] == "bool" else argument["default"]
        for name, argument in ARGUMENTS.items()
        if argument.get("default")
    }
    assert shown == defaults


def test_every_module_is_listed_once():
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert sorted(first_cells(section("Modules"))) == modules


def test_every_link_to_a_file_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_in_a_document_exists(page):
    """A path is one of the checkout, of each role, or of the private packages."""
    named = {
        path.rstrip(".")
        for text in re.findall(r"`([^`\n]+)`|^    (.+)", page.read_text(), re.MULTILINE)
        for path in PATH.findall("".join(text))
    }
    missing = []
    for path in sorted(named):
        pattern = re.sub(r"<[^>]*>|\{[^}]*\}", "*", path).rstrip("/")
        if not any(
            any(ROOT.glob(f"{folder}{pattern}")) for folder in ("", "roles/*/", "plugins/module_utils/")
        ):
            missing.append(path)
    assert missing == []


def test_every_private_package_has_its_row_and_the_same_one_in_both_places():
    folder = ROOT / "plugins" / "module_utils"
    packages = sorted(path.name for path in folder.glob("_*") if any(path.rglob("*.py")))
    text = (folder / "README.md").read_text()
    assert sorted(first_cells(text)) == packages
    rows = [line for line in text.splitlines() if line.startswith("| `_")]
    assert [row for row in rows if row not in (ROOT / "docs" / "architecture.md").read_text()] == []
