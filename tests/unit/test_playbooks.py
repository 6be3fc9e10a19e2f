# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the tags of site.yml reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
[SITE] = yaml.safe_load((PLAYBOOKS / "site.yml").read_text())
TAGS = ["programs", "registry", "cluster", "flux", "workloads"]


def included(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks that include a role, also those in blocks."""
    found = []
    for task in tasks:
        found += [task] if "ansible.builtin.include_role" in task else []
        found += included([*task.get("block", []), *task.get("always", [])])
    return found


@pytest.mark.parametrize("task", SITE["tasks"], ids=lambda task: str(task["name"]))
def test_every_task_of_site_has_a_tag(task):
    tags = [task["tags"]] if isinstance(task["tags"], str) else task["tags"]
    assert set(tags) <= {*TAGS, "always"}


@pytest.mark.parametrize("task", included(SITE["tasks"]), ids=lambda task: str(task["name"]))
def test_a_role_s_tasks_have_the_tag_with_which_it_is_included(task):
    tags = {"The workloads are as their folders say": "workloads"}
    assert task["ansible.builtin.include_role"]["apply"] == {"tags": task.get("tags", tags.get(task["name"]))}


@pytest.mark.parametrize("name", ["guard", "provider"])
def test_what_every_tag_needs_is_always_done(name):
    for task in included(yaml.safe_load((PLAYBOOKS / "tasks" / f"{name}.yml").read_text())):
        assert task["ansible.builtin.include_role"]["apply"] == {"tags": "always"}


def test_the_documentation_knows_the_tags():
    page = (PLAYBOOKS.parent / "docs" / "playbooks.md").read_text()
    assert [tag for tag in TAGS if f"| `{tag}` |" not in page] == []
