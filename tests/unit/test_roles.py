# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A role's defaults, its argument_specs and its README say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.action.role_options import PLAYBOOKS
from ansible_collections.gitops.flux_local.plugins.doc_fragments.workloads import ModuleDocFragment
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.option_names import OURS
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import SUBOPTIONS

ROLES = Path(__file__).parents[2] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if path.is_dir())
ROW = re.compile(r"^\| `(?P<option>\w+)` \| (?P<default>[^|]*) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)


def options_of(role: str):
    specs = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())
    return specs["argument_specs"]["main"]["options"]


def defaults_of(role: str):
    return yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


@pytest.mark.parametrize("role", NAMES)
def test_every_default_is_documented_and_every_option_has_one(role):
    assert list(options_of(role)) == list(defaults_of(role))


@pytest.mark.parametrize("role", NAMES)
def test_the_specs_know_the_defaults_that_are_no_expressions(role):
    documented = {name: option["default"] for name, option in options_of(role).items() if "default" in option}
    assert documented == {
        name: value for name, value in defaults_of(role).items() if not is_expression(value)
    }


@pytest.mark.parametrize("role", NAMES)
def test_the_readme_lists_the_options_with_their_defaults(role):
    rows = {row["option"]: row["default"] for row in ROW.finditer((ROLES / role / "README.md").read_text())}
    assert list(rows) == list(options_of(role))
    shown = {name: rows[name] for name, option in options_of(role).items() if "default" in option}
    assert shown == {name: as_shown(options_of(role)[name]["default"]) for name in shown}


def as_shown(value: Any) -> str:
    return "none" if value == "" else f"`{yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}`"


# What says of an option what may be given.
MEANS = ("type", "elements", "required", "choices", "default")


def meaning(options: Any, below: str) -> dict[str, Any]:
    """Options and what they hold, without what describes them."""
    return {
        name: {
            **{key: option[key] for key in MEANS if key in option},
            **({"options": meaning(option[below], below)} if below in option else {}),
        }
        for name, option in options.items()
    }


def test_the_role_knows_the_keys_of_a_workload_as_the_module_does():
    described = options_of("workloads")["workloads_list"]["options"]
    assert meaning(described, "options") == meaning(SUBOPTIONS, "options")


def test_the_documentation_of_modules_knows_the_keys_of_a_workload():
    fragment = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["workloads"]["suboptions"]
    assert meaning(fragment, "suboptions") == meaning(SUBOPTIONS, "options")


def test_the_playbooks_options_are_those_that_are_used():
    folder = ROLES.parent
    used = [
        path for pattern in ("playbooks/**/*.yml", "roles/*/defaults/*.yml") for path in folder.glob(pattern)
    ]
    texts = [path.read_text() for path in used if path.name != "options.yml"]
    names = {name for text in texts for name in re.findall(rf"\b{OURS}\w+", text)}
    # This one is only read by the check itself.
    names |= {f"{OURS}own_variables"}
    assert names == {name for name in PLAYBOOKS if name.startswith(OURS)}


def test_the_playbooks_options_are_documented():
    page = (ROLES.parent / "docs" / "playbooks.md").read_text()
    assert [row["option"] for row in ROW.finditer(page)] == list(PLAYBOOKS)
