# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes are the same, whichever engine tells of them."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import (
    K3D,
    KIND,
    Node,
    names,
    of_docker,
    of_podman,
)
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    DOCKER_NODES,
    PODMAN_NODES,
)


def test_docker_s_answer():
    assert of_docker(DOCKER_NODES, KIND) == [
        Node(
            name="flux-local-control-plane",
            state="running",
            role="control-plane",
            networks=("kind",),
            addresses=("172.18.0.2",),
            mounts=("/var", "/etc/containerd/certs.d"),
        ),
        Node("flux-local-worker", "exited", "worker", ("kind",), ("",), ("/var",)),
    ]


def test_podman_s_answer():
    assert of_podman(PODMAN_NODES, KIND, "flux-local") == [
        Node(
            name="flux-local-control-plane",
            state="running",
            role="control-plane",
            networks=("kind",),
            addresses=("10.89.0.2",),
            mounts=("/etc/containerd/certs.d",),
        )
    ]


@pytest.mark.parametrize(
    ("labels", "cluster", "expected"),
    [
        (KIND, "", ["flux-local-control-plane", "elsewhere"]),
        (KIND, "another", []),
        (K3D, "flux-local", []),
    ],
)
def test_podman_has_no_filter_of_its_own(labels, cluster, expected):
    assert names(of_podman(PODMAN_NODES, labels, cluster)) == expected


def test_containers_without_labels_and_mounts_are_containers():
    bare = {"Names": ["/x"], "State": "created", "Labels": None, "NetworkSettings": None, "Mounts": None}
    assert of_docker([bare], K3D) == [Node("x", "created", "", (), (), ())]
