# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the user may not do of all that an installation of Flux takes."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.permissions import (
    Permission,
    refused,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import POD
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import FIELD_MANAGER
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CRD,
    DEPLOYMENT,
    kind_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.requests import for_all


def lacking_permissions(cluster: Cluster, objects: Sequence[Object], namespace: str) -> list[Permission]:
    """What the user may not do of all that the installation of ``objects`` takes."""
    needed = [
        Permission(verb, kind, item["metadata"].get("namespace", ""))
        for item in objects
        for kind in [kind_of(item)]
        for verb in ("get", "create", "patch")
    ]
    needed += [Permission(verb, CRD) for verb in ("list", "watch")]
    needed += [Permission(verb, DEPLOYMENT, namespace) for verb in ("list", "watch")]
    needed += [
        Permission("bind", CLUSTER_ROLE, name=item["roleRef"]["name"])
        for item in objects
        if item["kind"] == CLUSTER_ROLE_BINDING.name
    ]
    needed += [Permission("list", POD, namespace), Permission("escalate", CLUSTER_ROLE)]
    missing = refused(cluster, needed)
    if Permission("escalate", CLUSTER_ROLE) in missing and not (
        {Permission(verb, CLUSTER_ROLE) for verb in ("get", "create", "patch")} & set(missing)
    ):
        # Nobody needs to escalate who has all the rights himself that the roles give: only an attempt tells.
        roles = [item for item in objects if item["kind"] == CLUSTER_ROLE.name]
        if all(for_all(roles, lambda item: _may_be_granted(cluster, item))):
            missing.remove(Permission("escalate", CLUSTER_ROLE))
    return missing


def _may_be_granted(cluster: Cluster, role: Object) -> bool:
    try:
        cluster.apply(CLUSTER_ROLE, role, manager=FIELD_MANAGER, dry_run=True, force=True)
    except ClusterError as error:
        if error.status == 403:
            return False
        raise
    return True
