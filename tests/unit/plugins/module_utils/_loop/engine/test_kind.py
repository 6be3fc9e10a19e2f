# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The configuration of a cluster of kind, and what is refused of one that is there."""

from __future__ import annotations

import pytest
from ansible.plugins.filter.core import to_nice_yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import (
    Endpoint,
    endpoint_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.kind import (
    configuration,
    look,
    nice_yaml,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import KIND, of_docker
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    DOCKER_NODES,
    RecordedMachine,
)

OURS = {"hostPath": "/state/kind/certs.d", "containerPath": "/etc/containerd/certs.d"}
THEIRS = {"hostPath": "/mine", "containerPath": "/etc/containerd/certs.d"}
OTHER = {"hostPath": "/data", "containerPath": "/data"}
NODES = of_docker(DOCKER_NODES, KIND)
CONFIG = configuration({"nodes": [{"role": "control-plane"}, {"role": "worker"}]}, "", "/state/kind/certs.d")
TEXT = nice_yaml(CONFIG)


@pytest.mark.parametrize(
    ("given", "image", "nodes"),
    [
        ({}, "", [{"role": "control-plane", "extraMounts": [OURS]}]),
        ({}, "node:1", [{"image": "node:1", "role": "control-plane", "extraMounts": [OURS]}]),
        (
            {"nodes": [{"role": "worker", "image": "own:2"}]},
            "node:1",
            [{"role": "worker", "image": "own:2", "extraMounts": [OURS]}],
        ),
        ({"nodes": [{"extraMounts": [OTHER]}]}, "", [{"extraMounts": [OTHER, OURS]}]),
        ({"nodes": [{"extraMounts": [THEIRS]}]}, "", [{"extraMounts": [THEIRS]}]),
        ({"nodes": [{"extraMounts": None}]}, "", [{"extraMounts": [OURS]}]),
    ],
)
def test_each_node_gets_what_it_lacks(given, image, nodes):
    assert configuration(given, image, "/state/kind/certs.d") == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": nodes,
    }


def test_what_the_user_gives_is_kept():
    given = {"networking": {"podSubnet": "10.1.0.0/16"}, "apiVersion": "kind.x-k8s.io/v1alpha5"}
    found = configuration(given, "", "/c")
    assert (found["networking"], found["apiVersion"]) == (given["networking"], given["apiVersion"])


@pytest.mark.parametrize(
    "value",
    [
        CONFIG,
        {"größe": "ü", "texts": ["no", "1.20", "a: b", "x" * 200], "several": "a\nb\n", "none": None},
        {"kubeadmConfigPatches": ["kind: InitConfiguration\nnodeRegistration:\n  x: 1\n"]},
        {"number": 1, "float": 1.5, "yes": True, "deep": {"b": [{"c": 1}, []], "a": 1}},
    ],
)
def test_the_text_is_the_one_that_files_of_loops_have(value):
    assert nice_yaml(value) == to_nice_yaml(value)


def looked(files, nodes=None, config=None, endpoint=Endpoint()):  # noqa: B008 - it is frozen
    nodes = NODES if nodes is None else nodes
    config = CONFIG if config is None else config
    return look("flux-local", "/state/kind", config, nodes, endpoint, RecordedMachine(files=files))


MADE = {"/state/kind/config.yaml": TEXT, "/state/kind/kubeconfig": "k"}


@pytest.mark.parametrize(
    ("files", "nodes", "expected"),
    [
        (MADE, NODES, ""),
        ({}, [], ""),
        # What is left of a creation that failed is deleted, and refuses nothing.
        ({"/state/kind/config.yaml": "another"}, NODES, ""),
        (MADE, [], ""),
        (
            {},
            NODES,
            (
                "cluster_name: there is a cluster flux-local of kind already, and this loop has not "
                "made it. Give the loop another name, or use that cluster with the provider existing."
            ),
        ),
        (
            MADE | {"/state/kind/config.yaml": "another"},
            NODES,
            (
                "cluster_kind_config, cluster_kind_image: the cluster flux-local was made otherwise "
                "(/state/kind/config.yaml), and kind cannot change a cluster. Give what it was made "
                "with, or destroy the cluster and have it made anew."
            ),
        ),
        (
            MADE,
            NODES[:1],
            (
                "cluster_kind_config: the cluster flux-local was made with 2 nodes, and 1 are there "
                "(flux-local-control-plane). kind cannot add one. Destroy the cluster and have it made anew."
            ),
        ),
    ],
)
def test_what_is_refused(files, nodes, expected):
    assert looked(files, nodes).refused == expected


@pytest.mark.parametrize(
    ("files", "nodes", "expected"),
    [(MADE, NODES, True), (MADE, [], False), ({"/state/kind/config.yaml": TEXT}, NODES, False)],
)
def test_a_cluster_is_made_when_it_has_nodes_and_a_kubeconfig(files, nodes, expected):
    assert looked(files, nodes).is_made is expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/state/kind/job": "/jobs/1\n", "/jobs/1": "{}"}, "/jobs/1"),
        ({"/state/kind/job": "/jobs/1\n"}, ""),
        ({}, ""),
    ],
)
def test_a_creation_that_was_interrupted_can_be_found(files, expected):
    assert looked(files).job == expected


def test_nodes_without_the_loop_s_folder_are_strangers():
    assert looked(MADE).strangers == ("flux-local-worker",)


def test_hosts_are_written_when_each_name_has_the_right_one():
    endpoint = endpoint_of({"host": "127.0.0.1:5", "cluster": "r:5000", "insecure": True})
    one, other = (f"/state/kind/certs.d/{name}:5/hosts.toml" for name in ("127.0.0.1", "localhost"))
    right = {one: endpoint.hosts, other: endpoint.hosts}
    assert looked(right, endpoint=endpoint).hosts_are_written
    assert not looked({one: endpoint.hosts}, endpoint=endpoint).hosts_are_written
    assert not looked(right | {other: "x"}, endpoint=endpoint).hosts_are_written
