# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which containers are the nodes of a cluster that exists."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.attachment import (
    Attachment,
    look,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import (
    Endpoint,
    endpoint_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import Node

REGISTRY = endpoint_of({"host": "127.0.0.1:5", "cluster": "shop-registry:5000", "insecure": True})


def node(name, *addresses):
    found = [{"type": "InternalIP", "address": address} for address in addresses]
    return {
        "metadata": {"name": name},
        "status": {"addresses": [*found, {"type": "Hostname", "address": name}]},
    }


def container(name, *, state="running", networks=("kind",), addresses=("172.18.0.2",)):
    return Node(name, state, "", networks, addresses, ())


def looked(objects, containers, *, engine="docker", endpoint=Endpoint(), silence=""):  # noqa: B008 - frozen
    return look({"resources": objects}, "kind-shop", engine, silence, containers, endpoint)


def test_a_container_is_a_node_by_its_name_and_address():
    found = looked([node("cp", "172.18.0.2")], [container("cp"), container("other")])
    assert found == Attachment(("cp",), ("kind",), "", "")


@pytest.mark.parametrize(
    "impostor",
    [
        container("another"),
        container("cp", state="paused"),
        container("cp", addresses=("10.0.0.1",)),
        container("cp", addresses=()),
    ],
)
def test_a_node_that_is_no_running_container_here_is_missing(impostor):
    found = looked([node("cp", "172.18.0.2"), node("worker", "172.18.0.3")], [impostor])
    assert found.nodes == ()
    assert found.refused == (
        "cluster_attach_registry: the nodes cp, worker of the context kind-shop are no running "
        "containers of docker on this machine. Name the other engine with cluster_engine, or tell "
        "their containerd yourself where the registry is."
    )


def test_without_an_engine_its_silence_is_the_reason():
    assert looked([node("cp")], [], engine="", silence="no Docker answers").refused == (
        "cluster_attach_registry: no Docker answers"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"msg": "connection refused"}, "connection refused"), ({"resources": []}, "it has none")],
)
def test_a_cluster_that_tells_of_no_nodes_is_named(answer, said):
    assert look(answer, "kind-shop", "docker", "", [], Endpoint()).refused == (
        "cluster_attach_registry: the cluster of the context kind-shop does not say which nodes it has "
        f"({said}). Start it, or name another context."
    )


@pytest.mark.parametrize(
    ("networks", "expected"),
    [(("bridge",), "shop-registry"), (("bridge", "kind"), ""), ((), "shop-registry")],
)
def test_a_registry_in_another_network_is_apart(networks, expected):
    registry = container("shop-registry", networks=networks)
    found = looked([node("cp", "172.18.0.2")], [container("cp"), registry], endpoint=REGISTRY)
    assert found.apart == expected


def test_a_registry_that_is_no_container_here_is_not_apart():
    assert looked([node("cp", "172.18.0.2")], [container("cp")], endpoint=REGISTRY).apart == ""


def test_networks_are_those_of_all_nodes():
    nodes = [container("a", networks=("z", "kind")), container("b", networks=("kind",))]
    assert looked([node("a"), node("b")], nodes).networks == ("kind", "z")
