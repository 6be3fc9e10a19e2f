# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What of Flux is in a cluster, as far as the user may see it."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    NEEDED,
    Installation,
    installations,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CLUSTER_ROLE_BINDING,
    CRD,
    DEPLOYMENT,
    PART_OF,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.requests import if_allowed

# What the role flux makes for Flux's processes beside a cluster (flux_mode: processes).
BESIDE = ObjectRef(CLUSTER_ROLE_BINDING, "", "flux-local:kustomize-controller")


def find_installations(cluster: Cluster, namespace: str) -> list[Installation]:
    """Flux's Deployments in all namespaces, as far as the user may see them."""
    selector = f"{PART_OF}=flux"
    listed = if_allowed(lambda: cluster.list(DEPLOYMENT, label_selector=selector))
    if listed is None:
        # Who may only work in some namespaces sees what is in Flux's.
        listed = cluster.list(DEPLOYMENT, namespace, label_selector=selector)
    return installations(listed.items)


def definitions(cluster: Cluster) -> dict[Kind, Object | None]:
    """The definitions of the kinds that a loop needs; none where the user may not read them."""
    refs = {kind: ObjectRef(CRD, "", f"{kind.plural}.{kind.group}") for kind in NEEDED}
    return if_allowed(lambda: {kind: cluster.get(ref) for kind, ref in refs.items()}) or {}
