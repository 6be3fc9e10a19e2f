# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is left of a workload that was removed: namespaces that are being deleted, and stay.

Kubernetes looks into a namespace only seconds after its deletion; what will keep it can be seen at once.
"""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import (
    API_SERVICE,
    NAMESPACE,
    Hold,
    hold_of,
    is_ending,
    kept_by_api_services,
    kept_by_objects,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.awaited import read_awaited
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory


def namespaces_left(cluster: Cluster, kustomization: Object) -> dict[str, Hold]:
    """What keeps the namespaces of a Kustomization that was deleted; what may not be read is left out."""
    names = [
        entry.identity.name
        for entry in inventory(kustomization)
        if (entry.identity.group, entry.identity.kind) == (NAMESPACE.group, NAMESPACE.name)
    ]
    holds: dict[str, Hold] = {}
    for name in names:
        with suppress(ClusterError):
            namespace = cluster.get(ObjectRef(NAMESPACE, "", name))
            if namespace is not None and is_ending(namespace):
                holds[name] = _hold(cluster, kustomization, namespace)
    return {name: hold for name, hold in holds.items() if hold.is_lasting}


def _hold(cluster: Cluster, kustomization: Object, namespace: Object) -> Hold:
    said = hold_of(namespace)
    if said.is_lasting:
        return said
    dead = kept_by_api_services(cluster.list(API_SERVICE).items)
    if dead.is_lasting:
        return dead
    name = namespace["metadata"]["name"]
    within = [entry for entry in inventory(kustomization) if entry.identity.namespace == name]
    items = [awaited.item for awaited in read_awaited(cluster, kustomization, within) if awaited.item]
    return kept_by_objects(items)
