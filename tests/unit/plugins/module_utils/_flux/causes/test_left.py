# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import (
    API_SERVICE,
    NAMESPACE,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.left import namespaces_left
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
KUSTOMIZATION = {
    "metadata": {"name": "shop", "namespace": "flux-system"},
    "spec": {},
    "status": {
        "inventory": {
            "entries": [{"id": "_shop__Namespace", "v": "v1"}, {"id": "shop_held__ConfigMap", "v": "v1"}]
        }
    },
}
NOW = "2026-01-01T00:00:00Z"
HELD = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "held", "namespace": "shop", "finalizers": ["example.com/hold"]},
}
FREE = HELD | {"metadata": {"name": "held", "namespace": "shop"}}
DEAD = {
    "metadata": {"name": "v1beta1.metrics.k8s.io"},
    "status": {"conditions": [{"type": "Available", "status": "False"}]},
}


def cluster(config_map, **metadata):
    return MemoryCluster(
        {
            ObjectRef(NAMESPACE, "", "shop"): {"metadata": {"name": "shop", **metadata}},
            ObjectRef(CONFIG_MAPS, "shop", "held"): config_map,
        },
        known=(CONFIG_MAPS, NAMESPACE),
    )


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        (cluster(HELD), []),
        (cluster(FREE, deletionTimestamp=NOW), []),
        (cluster(HELD, deletionTimestamp=NOW), ["ConfigMap shop/held (example.com/hold)"]),
        (cluster(FREE, deletionTimestamp=NOW, finalizers=["example.com/own"]), ["example.com/own"]),
        (MemoryCluster(), []),
    ],
)
def test_a_namespace_that_stays_is_told_with_what_keeps_it(asked, parts):
    holds = namespaces_left(asked, KUSTOMIZATION)
    assert list(holds) == ["shop"] * bool(parts)
    assert all(part in holds["shop"].text for part in parts)


def test_a_dead_api_service_keeps_every_namespace():
    asked = cluster(FREE, deletionTimestamp=NOW)
    asked.objects[ObjectRef(API_SERVICE, "", "v1beta1.metrics.k8s.io")] = DEAD
    assert "APIService v1beta1.metrics.k8s.io" in namespaces_left(asked, KUSTOMIZATION)["shop"].text


def test_what_may_not_be_read_is_left_out():
    class Forbidden(MemoryCluster):
        def list(self, kind, namespace=None, **options):
            raise ClusterError("Not allowed.", 403)

    asked = Forbidden(cluster(HELD, deletionTimestamp=NOW).objects)
    assert namespaces_left(asked, KUSTOMIZATION) == {}
