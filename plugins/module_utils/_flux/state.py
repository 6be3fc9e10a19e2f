# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux's objects as data for Ansible: what flux_info and the receipt of flux_reconcile return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import hands_on
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    State,
    Verdict,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory_result
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    dependencies_of,
    source_of,
)

EVENT = Kind("events.k8s.io", "v1", "events", "Event")
NEWEST_EVENTS = 10


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


def event_state(event: Object) -> dict[str, Any]:
    """An event of the events.k8s.io/v1 API under Ansible names."""
    series = event.get("series") or {}
    return {
        "type": event.get("type"),
        "reason": event.get("reason"),
        "message": event.get("note", ""),
        "count": series.get("count") or event.get("deprecatedCount") or 1,
        "last_seen": series.get("lastObservedTime")
        or event.get("deprecatedLastTimestamp")
        or event.get("eventTime"),
    }


def newest(events: Iterable[Object]) -> list[dict[str, Any]]:
    """The newest of events, the latest last."""
    return sorted(map(event_state, events), key=lambda event: event["last_seen"] or "")[-NEWEST_EVENTS:]


def events_of(cluster: Cluster, item: Object) -> list[dict[str, Any]]:
    """The newest events about an object, the latest last."""
    metadata = item["metadata"]
    selector = f"regarding.uid={metadata['uid']}"
    return newest(cluster.list(EVENT, metadata["namespace"], field_selector=selector).items)


def events_by_uid(cluster: Cluster, kind: Kind, namespace: str | None) -> dict[str, list[dict[str, Any]]]:
    """The newest events about each object of a kind, the latest last, by the object's uid."""
    told: dict[str, list[Object]] = {}
    for event in cluster.list(EVENT, namespace, field_selector=f"regarding.kind={kind.name}").items:
        told.setdefault(event.get("regarding", {}).get("uid", ""), []).append(event)
    return {uid: newest(events) for uid, events in told.items()}


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
