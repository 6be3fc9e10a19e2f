# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.permissions import (
    Permission,
    described,
    refused,
    require_permissions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

POD = Kind("", "v1", "pods", "Pod")


def test_whoever_may_do_everything_is_asked_once():
    cluster = MemoryCluster()
    assert refused(cluster, [Permission("get", POD, "a"), Permission("list", POD)]) == []
    assert len(cluster.asked) == 1


def test_each_permission_is_asked_for_once():
    cluster = MemoryCluster(answer=lambda spec: {"allowed": spec["resourceAttributes"]["verb"] == "get"})
    wanted = [Permission("get", POD, "a"), Permission("list", POD), Permission("list", POD)]
    assert refused(cluster, wanted) == [Permission("list", POD)]
    assert len(cluster.asked) == 3


def test_permissions_in_words():
    assert described(
        [
            Permission("get", POD, "a"),
            Permission("get", KUSTOMIZATION),
            Permission("list", POD, "a"),
            Permission("bind", KUSTOMIZATION, name="x"),
        ]
    ) == [
        "get, list pods in namespace a",
        "get kustomizations.kustomize.toolkit.fluxcd.io",
        "bind kustomizations.kustomize.toolkit.fluxcd.io x",
    ]


def test_the_error_names_user_cluster_and_all_that_lacks():
    cluster = MemoryCluster()
    require_permissions(cluster, [], "To install Flux")
    with pytest.raises(LoopError) as raised:
        require_permissions(
            cluster, [Permission("get", POD), Permission("get", KUSTOMIZATION)], "To install Flux"
        )
    assert raised.value.message.startswith("To install Flux needs permissions that its user lacks")
    assert "get pods; get kustomizations.kustomize.toolkit.fluxcd.io" in raised.value.message
    assert cluster.origin in raised.value.message
