# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A list of workloads: what is wrong with it before anything is done, and which workloads are meant."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.listed import (
    check_list,
    chosen,
    missing_folders,
    names_of,
)

LIST = [
    {"name": "base", "path": "base"},
    {"name": "shop", "path": "shop", "depends_on": ["base"], "namespace": "team"},
    {"name": "gone", "state": "absent"},
]


def named(workloads):
    return [workload.name for workload in workloads]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"name": "shop", "path": ".", "intervall": "1m"}, "Workload shop: intervall is not an option"),
        ({"name": "shop", "path": ".", "interval": "soon"}, "Workload shop: interval is 'soon'"),
        ({"name": "shop"}, "Workload shop: path is missing"),
        ("shop", "entry 1 is 'shop'"),
        ({"name": "shop", "path": ".", "depends_on": ["shop"]}, "shop -> shop is a cycle"),
    ],
)
def test_what_is_wrong_with_a_list(entry, said):
    with pytest.raises(LoopError) as error:
        check_list([entry])
    assert said in error.value.message


@pytest.mark.parametrize("listed", [None, "shop", {"name": "shop"}])
def test_what_is_no_list_is_left_to_its_type(listed):
    assert check_list(listed) == []


def test_folders_that_are_missing_are_named(tmp_path):
    (tmp_path / "base").mkdir()
    assert missing_folders(check_list(LIST), str(tmp_path)) == [
        f"Workload shop: path: {tmp_path}/shop does not exist. Name an existing folder or file"
    ]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("", []),
        ([], []),
        ("all", []),
        (["all"], []),
        ("shop", ["shop"]),
        ("shop, base", ["shop", "base"]),
        (["shop", " base"], ["shop", "base"]),
    ],
)
def test_names_are_a_list_or_text_with_commas(given, names):
    assert names_of(given) == names


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("", ["base", "shop", "gone"]),
        ("shop", ["shop"]),
        ("team/shop,gone", ["shop", "gone"]),
    ],
)
def test_the_workloads_that_are_named_are_chosen(only, names):
    assert named(chosen(check_list(LIST), only)) == names


@pytest.mark.parametrize("only", ["shopp", "flux-system/shop"])
def test_a_name_that_is_not_listed_is_an_error_with_those_that_are(only):
    with pytest.raises(LoopError) as error:
        chosen(check_list(LIST), ["base", only], "workload")
    assert error.value.message == (
        f"workload: there is no workload {only}. The list has: base, gone, shop. The nearest name is shop."
        if only == "shopp"
        else f"workload: there is no workload {only}. The list has: base, gone, shop."
    )
