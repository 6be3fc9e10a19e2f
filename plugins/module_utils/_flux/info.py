# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module flux_info: every source and Kustomization, with its events where these are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import hands_on
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import events_by_uid
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.state import (
    kustomization_state,
    source_state,
)

INFO_SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "events": {"type": "bool", "default": False},
}


def run_info(cluster: Cluster, params: Mapping[str, Any]) -> dict[str, Any]:
    """The result of the module flux_info."""
    selector = f"metadata.name={params['name']}" if params["name"] else None

    def read(kind: Kind, state: Callable[[Object], dict[str, Any]]) -> list[dict[str, Any]]:
        items = cluster.list(kind, params["namespace"], field_selector=selector).items
        found = [{**state(item), "changed_with": hands_on(item)} for item in items]
        if params["events"]:
            events = events_by_uid(cluster, kind, params["namespace"])
            for described, item in zip(found, items, strict=True):
                described["events"] = events.get(item["metadata"]["uid"], [])
        return found

    return {
        "changed": False,
        "sources": read(OCI_REPOSITORY, source_state),
        "kustomizations": read(KUSTOMIZATION, kustomization_state),
    }
