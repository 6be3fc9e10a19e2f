# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux's objects as data for Ansible: what flux_info and the receipt of flux_reconcile return."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    State,
    Verdict,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory_result
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    dependencies_of,
    source_of,
)


def conditions(item: Object) -> list[dict[str, Any]]:
    """The conditions of an object under Ansible names."""
    return [
        {
            "type": entry["type"],
            "status": entry["status"],
            "reason": entry["reason"],
            "message": entry["message"],
            "last_transition_time": entry["lastTransitionTime"],
            "observed_generation": entry.get("observedGeneration"),
        }
        for entry in item.get("status", {}).get("conditions", [])
    ]


def source_state(source: Object) -> dict[str, Any]:
    """An OCIRepository as flux_info returns it."""
    artifact = source.get("status", {}).get("artifact") or {}
    spec = source["spec"]
    return {
        **_common(source, source_verdict(source)),
        "url": spec["url"],
        "ref": spec.get("ref", {}),
        "revision": artifact.get("revision"),
        "artifact": {
            "digest": artifact["digest"],
            "size": artifact.get("size"),
            "last_update_time": artifact["lastUpdateTime"],
            "metadata": artifact.get("metadata", {}),
        }
        if artifact
        else None,
    }


def kustomization_state(kustomization: Object) -> dict[str, Any]:
    """A Kustomization as flux_info returns it."""
    status = kustomization.get("status", {})
    source = source_of(kustomization)
    return {
        **_common(kustomization, kustomization_verdict(kustomization)),
        "source": {"kind": source.kind.name, "namespace": source.namespace, "name": source.name},
        "path": kustomization["spec"].get("path", ""),
        "depends_on": [
            {"namespace": dependency.namespace, "name": dependency.name}
            for dependency in dependencies_of(kustomization)
        ],
        "applied_revision": status.get("lastAppliedRevision"),
        "applied_origin_revision": status.get("lastAppliedOriginRevision"),
        "attempted_revision": status.get("lastAttemptedRevision"),
        "inventory": inventory_result(kustomization),
        "history": [_history_entry(entry) for entry in status.get("history") or []],
    }


def _common(item: Object, verdict: Verdict) -> dict[str, Any]:
    metadata = item["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "labels": metadata.get("labels", {}),
        "ready": verdict.state is State.READY,
        "suspended": bool(item["spec"].get("suspend")),
        "state": verdict.state.value,
        "reason": verdict.reason,
        "message": verdict.message,
        "conditions": conditions(item),
        "generation": metadata.get("generation"),
        "created": metadata["creationTimestamp"],
    }


def _history_entry(entry: Object) -> dict[str, Any]:
    return {
        "digest": entry["digest"],
        "status": entry["lastReconciledStatus"],
        "duration": entry["lastReconciledDuration"],
        "first_reconciled": entry["firstReconciled"],
        "last_reconciled": entry["lastReconciled"],
        "reconciliations": entry["totalReconciliations"],
        "metadata": entry.get("metadata", {}),
    }
