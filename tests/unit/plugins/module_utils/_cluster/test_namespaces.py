# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What keeps a namespace from going, in the words of Kubernetes 1.36."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import (
    hold_of,
    is_ending,
    kept_by_api_services,
    kept_by_objects,
)

DEAD = (
    "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs:"
    " metrics.k8s.io/v1beta1: the server is currently unable to handle the request"
)
HELD = "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
LEFT = "Some resources are remaining: configmaps. has 1 resource instances"


def namespace(finalizers=(), **conditions):
    entries = [
        {"type": kind, "status": "True", "reason": "R", "message": message}
        for kind, message in conditions.items()
    ]
    return {
        "metadata": {"name": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers},
        "status": {"phase": "Terminating", "conditions": entries},
    }


@pytest.mark.parametrize(
    ("item", "parts"),
    [
        (namespace(NamespaceDeletionDiscoveryFailure=DEAD), ["APIService v1beta1.metrics.k8s.io"]),
        (namespace(NamespaceDeletionDiscoveryFailure="It failed."), ["It failed"]),
        (
            namespace(NamespaceFinalizersRemaining=HELD, NamespaceContentRemaining=LEFT),
            ["example.com/hold in 1", "configmaps. has 1"],
        ),
        (namespace(NamespaceDeletionContentFailure="no right."), ["cannot be deleted: no right"]),
        (namespace(["example.com/own"]), ["it has the finalizers example.com/own"]),
    ],
)
def test_what_keeps_a_namespace_is_told(item, parts):
    hold = hold_of(item)
    assert hold.is_lasting
    assert all(part in hold.text for part in parts)
    assert hold.remedy
    assert is_ending(item)


@pytest.mark.parametrize(
    "item",
    [
        namespace(NamespaceContentRemaining=LEFT),
        namespace(
            NamespaceFinalizersRemaining="Some content in the namespace has finalizers remaining:"
            " batch.kubernetes.io/job-tracking in 1 resource instances"
        ),
    ],
)
def test_what_goes_by_itself_holds_nothing(item):
    assert not hold_of(item).is_lasting
    assert "Wait until it is gone" in hold_of(item).remedy


def test_what_will_keep_a_namespace_is_seen_before_kubernetes_looks_into_it():
    def held(name, *finalizers):
        metadata = {"name": name, "namespace": "shop", "finalizers": list(finalizers)}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    items = [held("a"), held("b", "example.com/hold"), held("c", "foregroundDeletion")]
    assert kept_by_objects(items).text == "finalizers keep ConfigMap shop/b (example.com/hold)"
    assert not kept_by_objects(items[:1]).is_lasting
    available = {"type": "Available", "status": "False"}
    dead = {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "status": {"conditions": [available]}}
    assert "v1beta1.metrics.k8s.io does not answer" in kept_by_api_services([dead]).text
    assert not kept_by_api_services([{"metadata": {"name": "v1."}}]).is_lasting
