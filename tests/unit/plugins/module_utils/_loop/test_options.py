# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Options of roles are checked by their argument_specs, and numbers are above 0."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.options import (
    WaitingError,
    given_values,
    missing_files,
    refused,
    wrong_options,
)

GIVE_ANOTHER = "Give one of them another port"
OPTIONS: dict[str, Any] = {
    "registry_engine": {"type": "str", "choices": ["auto", "docker"], "default": "auto"},
    "cluster_timeout": {"type": "int", "default": 90},
    "cluster_renew_before_days": {"type": "int", "default": 30},
    "cluster_registry": {"type": "dict", "options": {"host": {"type": "str"}}},
    "registry_adopt": {"type": "bool"},
    "registry_port": {"type": "str", "default": ""},
    "cluster_ports": {"type": "dict", "options": {"etcd": {"type": "int"}, "etcd_peer": {"type": "int"}}},
    "registry_ca_cert": {"type": "path"},
    "flux_local_name": {"type": "str"},
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
        ({"registry_adopt": False}, []),
        ({"registry_adopt": "True"}, []),
        ({"registry_adopt": "perhaps"}, ["registry_adopt is 'perhaps'. Write true or false"]),
        # The filter `bool` would take it for false.
        ({"registry_adopt": "y"}, ["registry_adopt is 'y'. Write true or false"]),
        ({"registry_port": "5001", "cluster_ports": {"etcd": "2379"}}, []),
        ({"registry_port": ""}, []),
        ({"registry_port": 5001, "cluster_ports": {"etcd": None}}, []),
        (
            {"registry_port": "abc"},
            ["registry_port: the port of registry is 'abc'. Give a number from 1 to 65535"],
        ),
        ({"registry_port": 0}, ["registry_port: the port of registry is 0. Give a number from 1 to 65535"]),
        (
            {"cluster_ports": {"etcd": 65536}},
            ["cluster_ports: the port of etcd is 65536. Give a number from 1 to 65535"],
        ),
        ({"cluster_ports": {"etc": 1}}, ["cluster_ports.etc is not an option: the nearest name is etcd"]),
        (
            {"registry_port": "2379", "cluster_ports": {"etcd": 2379, "etcd_peer": 2379}},
            [
                f"cluster_ports.etcd_peer is 2379, which cluster_ports.etcd is already. {GIVE_ANOTHER}",
                f"registry_port is 2379, which cluster_ports.etcd_peer is already. {GIVE_ANOTHER}",
            ],
        ),
        ({"cluster_ports": {"etcd": "soon"}}, None),
        ({"flux_local_name": "größer als zuvor"}, []),
        ({"flux_local_name": ""}, []),
        (
            {"flux_local_name": "a/b"},
            ["flux_local_name is 'a/b'. A name is that of a folder, without a slash"],
        ),
        ({"flux_local_name": ".."}, ["flux_local_name is '..'. A name is that of a folder, without a slash"]),
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


def test_a_file_that_is_named_has_to_be_there(tmp_path):
    there, missing = tmp_path / "ca.pem", tmp_path / "none.pem"
    there.touch()
    assert missing_files(OPTIONS, {"registry_ca_cert": str(there), "registry_engine": "nowhere"}) == []
    assert missing_files(OPTIONS, {"registry_ca_cert": ""}) == []
    assert missing_files(OPTIONS, {"registry_ca_cert": str(missing)}) == [
        f"registry_ca_cert: {missing} does not exist. Correct the path, or leave the option out"
    ]
