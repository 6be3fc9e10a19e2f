# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which variables of a play are misspelled options, and which are the user's own."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.action.role_options import NAMES
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.option_names import (
    FACTS,
    misspelled,
    one_slip_from,
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("flux_local_providr", "flux_local_provider"),
        ("flux_local_purged", "flux_local_purge"),
        ("flux_local_stat_dir", "flux_local_state_dir"),
        ("registry_prot", "registry_port"),
        ("registry_por", "registry_port"),
        ("workload_list", "workloads_list"),
        ("workloads_lists", "workloads_list"),
        ("cluser_name", "cluster_name"),
        ("Registry_port", "registry_port"),
        ("cluster_conection", "cluster_connection"),
        ("binaries_fodler", "binaries_folder"),
    ],
)
def test_a_slip_is_told_with_the_name_that_was_meant(name, meant):
    [told] = misspelled([name], NAMES)
    assert told.startswith(f"{name} is not an option: the nearest name is {meant}")


def test_what_begins_as_the_playbooks_options_do_is_one_of_them():
    [told] = misspelled(["flux_local_zzzzzzzzzzzz"], NAMES)
    assert told.startswith("flux_local_zzzzzzzzzzzz is not an option: use one of flux_local_allow_remote, ")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "cluster_domain",
            "cluster_host",
            "registry_url",
            "registry_user",
            "registry_config",
            "flux_version",
        ),
        *(
            "flux_version",
            "workloads",
            "worklod",
            "binaries",
            "cluster",
            "to",
            "two",
            "ports",
            "registry",
            "loop_name",
        ),
        *("ansible_connection", "our_registry", "__registry_found", "inventory_dir", "flux", "workloads_dir"),
    ],
)
def test_variables_of_the_user_s_are_left_alone(name):
    assert misspelled([name], NAMES) == []


def test_no_option_and_no_fact_is_taken_for_another():
    assert misspelled([*NAMES, *FACTS], NAMES) == []


def test_a_name_that_is_the_user_s_own_can_be_said_to_be():
    assert misspelled(["registry_ports"], NAMES) != []
    assert misspelled(["registry_ports"], NAMES, ["registry_ports"]) == []


@pytest.mark.parametrize("name", ["registry_prot", "registry_potr", "egistry_port", "registry_port_"])
def test_one_slip(name):
    assert one_slip_from(name, ["registry_port"]) == "registry_port"


@pytest.mark.parametrize("name", ["registry_tropp", "regitsry_prot", "registry_port_no", "ragistry_pord"])
def test_two_slips_are_none(name):
    assert one_slip_from(name, ["registry_port"]) == ""
