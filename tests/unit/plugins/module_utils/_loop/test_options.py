# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Options of roles are checked by their argument_specs, and numbers are above 0."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.options import (
    WaitingError,
    given_values,
    refused,
    wrong_options,
)

OPTIONS: dict[str, Any] = {
    "registry_engine": {"type": "str", "choices": ["auto", "docker"], "default": "auto"},
    "cluster_timeout": {"type": "int", "default": 90},
    "cluster_renew_before_days": {"type": "int", "default": 30},
    "cluster_registry": {"type": "dict", "options": {"host": {"type": "str"}}},
    "registry_adopt": {"type": "bool"},
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"registry_engine": "docker", "cluster_timeout": "5", "registry_adopt": "yes"}, []),
        (
            {"registry_engine": "dockerr"},
            ["value of registry_engine must be one of: auto, docker, got: dockerr"],
        ),
        ({"cluster_timeout": 0}, ["cluster_timeout is 0, and has to be above 0"]),
        ({"cluster_timeout": "-3"}, ["cluster_timeout is -3, and has to be above 0"]),
        ({"cluster_timeout": "1.5"}, None),
        ({"cluster_renew_before_days": 0}, []),
        ({"cluster_timeout": "soon"}, None),
        ({"cluster_registry": {"hosts": "x"}}, None),
    ],
)
def test_what_is_wrong(values, expected):
    found = wrong_options(OPTIONS, values)
    if expected is None:
        # In Ansible's own words, which change with its version.
        assert len(found) == 1
        assert next(iter(values)) in found[0]
    else:
        assert found == expected


def test_all_that_is_wrong_is_named_at_once():
    wrong = wrong_options(OPTIONS, {"registry_engine": "x", "cluster_timeout": 0})
    assert refused(wrong) == (
        "value of registry_engine must be one of: auto, docker, got: x; cluster_timeout is 0, and has "
        "to be above 0. Nothing was touched: correct what was given."
    )


def test_only_options_are_checked_and_none_that_waits():
    def value_of(name):
        if name == "cluster_registry":
            raise WaitingError
        return 1

    variables = ["cluster_connection", "cluster_timeout", "cluster_registry"]
    assert given_values(OPTIONS, value_of, variables) == {"cluster_timeout": 1}
