# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Lists read as sentences do."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import (
    nearest,
    some_of,
    unknown_name,
)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["a", "b", "c", "d", "e"], "a, b and 3 more"),
    ],
)
def test_a_long_list_is_cut_and_counted(names: list[str], sentence: str) -> None:
    assert some_of(names, 2) == sentence


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("depend_on", "depends_on"),
        ("dependsOn", "depends_on"),
        ("targetNamespace", "target_namespace"),
        ("intervall", "interval"),
        ("colour", ""),
    ],
)
def test_the_name_that_was_probably_meant_is_found(name: str, near: str) -> None:
    assert nearest(name, ["depends_on", "target_namespace", "interval", "name", "wait"]) == near


def test_a_name_that_is_near_to_none_is_told_with_all_of_them() -> None:
    assert unknown_name("colour", ["wait", "name"]) == "colour is not an option: use one of name, wait"
    assert unknown_name("shp", ["shop"], what="a workload") == (
        "shp is not a workload: the nearest name is shop"
    )
