# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Objects that are not healthy, looked into: their Pods, the ends of these Pods' logs, and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import (
    Lack,
    Unhealthy,
    lack_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import PodTrouble, pod_trouble
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.awaited import Awaited
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import Named
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import EVENT, event_state

MOST_PODS = 3
LOG_LINES = 10
NEWEST_EVENTS = 5

_WITH_PODS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")


@dataclass(frozen=True)
class Patient:
    """An object that is not healthy, what it lacks, and what holds its Pods back."""

    awaited: Awaited
    lack: Lack
    troubles: Sequence[PodTrouble] = ()

    @property
    def says_why(self) -> bool:
        return self.lack.says_why or bool(self.troubles)


def patients_of(awaited: Sequence[Awaited], named: Mapping[tuple[str, str, str], Named]) -> list[Patient]:
    """Those that are not healthy: all that are named, and of others those that lack something."""
    patients = []
    for each in awaited:
        lack = lack_of(each.item) if each.item else Lack("it does not exist", says_why=True)
        flux = named.get((each.identity.kind, each.identity.namespace, each.identity.name))
        if lack is None and flux is not None:
            lack = Lack(called(flux), says_why=bool(flux.said))
        if lack is not None:
            patients.append(Patient(each, lack))
    return patients


def called(named: Named) -> str:
    """What Flux calls an object that it finds unhealthy."""
    return f"Flux calls it {named.status}" + (f": {named.said.rstrip('.')}" if named.said else "")


def examined(cluster: Cluster, patient: Patient) -> Unhealthy:
    """An unhealthy object with the logs of its Pods, and the events about it and them."""
    found = unexamined(patient)
    subjects = [found.name, *(trouble.pod for trouble in patient.troubles)]
    return replace(
        found,
        troubles=[
            replace(trouble, log=_log(cluster, found.namespace, trouble)) for trouble in patient.troubles
        ],
        events=[
            event for subject in subjects for event in _events(cluster, found.namespace, subject, found.kind)
        ],
    )


def unexamined(patient: Patient) -> Unhealthy:
    """An unhealthy object with what it says itself."""
    identity, item = patient.awaited
    return Unhealthy(
        kind=identity.kind,
        namespace=identity.namespace,
        name=identity.name,
        lacks=patient.lack.text,
        conditions=[
            {key: entry.get(key, "") for key in ("type", "status", "reason", "message")}
            for entry in (item or {}).get("status", {}).get("conditions", [])
        ],
        troubles=patient.troubles,
    )


def troubles_of(cluster: Cluster, item: Object | None) -> list[PodTrouble]:
    """What holds the Pods of an object back."""
    pods = _pods(cluster, item) if item else []
    return [trouble for pod in pods if (trouble := pod_trouble(pod))][:MOST_PODS]


def _pods(cluster: Cluster, item: Object) -> list[Object]:
    """The Pods of an object, the oldest first."""
    if item["kind"] == "Pod":
        return [item]
    labels = ((item.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if item["kind"] not in _WITH_PODS or not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    path = f"/api/v1/namespaces/{item['metadata']['namespace']}/pods"
    found: list[Object] = (read_json(cluster, path, labelSelector=selector) or {}).get("items", [])
    return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


def _log(cluster: Cluster, namespace: str, trouble: PodTrouble) -> list[str]:
    """The last lines that a container wrote before it ended."""
    if not trouble.has_run:
        return []
    path = f"/api/v1/namespaces/{namespace}/pods/{trouble.pod}/log"
    # The container that runs now may be a new one that has yet to fail.
    for previous in ("true", "false"):
        with suppress(ClusterError):
            text = cluster.fetch(path, container=trouble.container, previous=previous, tailLines=LOG_LINES)
            if text and text.strip():
                return text.strip().splitlines()
    return []


def _events(cluster: Cluster, namespace: str, name: str, kind: str) -> list[dict[str, Any]]:
    """The newest warnings about an object, the latest last; of a claim all events, of which none is one."""
    if not namespace:
        return []
    selector = f"regarding.name={name}" + ("" if kind == "PersistentVolumeClaim" else ",type=Warning")
    events = map(event_state, cluster.list(EVENT, namespace, field_selector=selector).items)
    return sorted(events, key=lambda event: event["last_seen"] or "")[-NEWEST_EVENTS:]


def read_json(cluster: Cluster, path: str, **query: str | int) -> Object | None:
    """What the API has at a path, None where there is nothing."""
    text = cluster.fetch(path, **query)
    read: Object | None = from_json(text) if text else None
    return read
