# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Options are checked by their names, types and values."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.arguments import checked

SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "depends_on": {"type": "list", "elements": "str", "default": [], "aliases": ["after"]},
    "timeout": {"type": "int", "default": 30},
    "verify": {"type": "dict", "options": {"provider": {"type": "str"}, "secret": {"type": "str"}}},
    "patches": {"type": "list", "elements": "dict", "options": {"patch": {"type": "str"}}},
}


def test_what_is_right_comes_back_in_its_type_with_the_defaults():
    result = checked(SPEC, {"name": "shop", "timeout": "5", "after": ["base"]})
    assert not result.wrong
    assert (result.values["timeout"], result.values["depends_on"]) == (5, ["base"])


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"name": "shop", "depend_on": []}, ["depend_on is not an option: the nearest name is depends_on"]),
        ({"nme": "shop"}, ["nme is not an option: the nearest name is name"]),
        (
            {"name": "shop", "colour": "red"},
            ["colour is not an option: use one of after, depends_on, name, patches, timeout, verify"],
        ),
        (
            {"name": "shop", "verify": {"providr": "cosign"}},
            ["verify.providr is not an option: the nearest name is provider"],
        ),
        (
            {"name": "shop", "patches": [{"patch": "x"}, {"target": "y"}]},
            ["patches.target is not an option: use one of patch"],
        ),
        (
            {"name": "shop", 1: 2},
            ["1 is not an option: use one of after, depends_on, name, patches, timeout, verify"],
        ),
        ({}, ["missing required arguments: name"]),
    ],
)
def test_what_is_wrong_is_a_sentence(given, wrong):
    assert list(checked(SPEC, given).wrong) == wrong
