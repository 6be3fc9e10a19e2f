# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A role's defaults, its argument_specs and its README say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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
