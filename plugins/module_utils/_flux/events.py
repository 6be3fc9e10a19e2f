# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Kubernetes' events about Flux's objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster

EVENT = Kind("events.k8s.io", "v1", "events", "Event")
NEWEST_EVENTS = 10


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
