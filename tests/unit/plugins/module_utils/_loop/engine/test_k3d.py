# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The configuration of a cluster of k3d, and what is refused of one that is there."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import (
    Endpoint,
    endpoint_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.k3d import (
    configuration,
    differences,
    look,
    merged,
    registries_text,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.kind import nice_yaml
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import Node
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    RecordedMachine,
)

LOCAL = endpoint_of({"host": "127.0.0.1:5001", "cluster": "flux-local-registry:5000", "insecure": True})
FAR = endpoint_of({"host": "ghcr.io", "cluster": "ghcr.io", "insecure": False})
SERVER = Node("k3d-flux-local-server-0", "running", "server", ("k3d",), ("172.19.0.2",), ())
CONFIG = configuration({}, "flux-local", "k3d", LOCAL)
MADE = {"/state/k3d/config.yaml": nice_yaml(CONFIG), "/state/k3d/kubeconfig": "k"}


def test_the_cluster_is_one_of_this_machine_alone():
    assert {
        "apiVersion": "k3d.io/v1alpha5",
        "kind": "Simple",
        "metadata": {"name": "flux-local"},
        "network": "k3d",
        "kubeAPI": {"host": "127.0.0.1", "hostIP": "127.0.0.1"},
        "options": {"kubeconfig": {"updateDefaultKubeconfig": False, "switchCurrentContext": False}},
        "registries": {"config": CONFIG["registries"]["config"]},
    } == CONFIG
    address = {"endpoint": ["http://flux-local-registry:5000"]}
    assert yaml.safe_load(CONFIG["registries"]["config"]) == {
        "mirrors": {"127.0.0.1:5001": address, "localhost:5001": address}
    }


def test_what_the_user_gives_comes_first():
    given = {"servers": 3, "kubeAPI": {"hostPort": "6550"}, "registries": {"use": ["x"], "config": "a: 1"}}
    found = configuration(given, "flux-local", "mine", LOCAL)
    assert (found["servers"], found["network"]) == (3, "mine")
    assert found["kubeAPI"] == {"host": "127.0.0.1", "hostIP": "127.0.0.1", "hostPort": "6550"}
    assert found["registries"]["use"] == ["x"]
    assert yaml.safe_load(found["registries"]["config"])["a"] == 1


@pytest.mark.parametrize("endpoint", [FAR, Endpoint()])
def test_a_registry_that_is_reached_as_it_is_called_needs_no_mirror(endpoint):
    assert yaml.safe_load(registries_text({}, endpoint)) == {"mirrors": {}}


def test_mirrors_of_the_user_are_kept():
    own = {"mirrors": {"localhost:5001": {"endpoint": ["http://own"]}, "x": {}}}
    mirrors = yaml.safe_load(registries_text({"config": nice_yaml(own)}, LOCAL))["mirrors"]
    assert mirrors["localhost:5001"] == {"endpoint": ["http://own"]}
    assert sorted(mirrors) == ["127.0.0.1:5001", "localhost:5001", "x"]


@pytest.mark.parametrize(
    ("ours", "given", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({}, {"x": 1}, {"x": 1}),
    ],
)
def test_dictionaries_are_merged_and_lists_are_replaced(ours, given, expected):
    assert merged(ours, given) == expected


def test_another_registry_is_no_difference():
    made = {"a": 1, "b": {"c": 1}, "gone": 1, "registries": {"config": "x"}}
    assert differences(made, {"a": 1, "b": {"c": 2}, "new": None}) == ["b", "gone", "new"]
    assert differences(made, {**made, "registries": {}}) == []


@pytest.mark.parametrize(
    ("files", "nodes", "given", "expected"),
    [
        (MADE, [SERVER], {}, ""),
        ({}, [], {}, ""),
        (MADE, [], {"servers": 2}, ""),
        (
            {},
            [SERVER],
            {},
            (
                "cluster_name: there is a cluster flux-local of k3d already, and this loop has not "
                "made it. Give the loop another name, or use that cluster with the provider existing."
            ),
        ),
        (
            MADE,
            [SERVER],
            {"servers": 2, "agents": 1},
            (
                "cluster_k3d_config: the cluster flux-local was made with another agents, servers "
                "(/state/k3d/config.yaml). Give what it was made with, or destroy the cluster and have "
                "it made anew."
            ),
        ),
    ],
)
def test_what_is_refused(files, nodes, given, expected):
    config = configuration(given, "flux-local", "k3d", LOCAL)
    found = look("flux-local", "/state/k3d", config, nodes, RecordedMachine(files=files))
    assert found.refused == expected


@pytest.mark.parametrize(("endpoint", "expected"), [(LOCAL, True), (FAR, False)])
def test_nodes_know_the_registry_that_they_were_made_with(endpoint, expected):
    config = configuration({}, "flux-local", "k3d", endpoint)
    found = look("flux-local", "/state/k3d", config, [SERVER], RecordedMachine(files=MADE))
    assert (found.is_made, found.registries_are_known, found.refused) == (True, expected, "")
    assert found.registries == config["registries"]["config"]
