# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What has to be read from the cluster to know the cause of a failure: objects, Pods, logs and events.

Nothing of it is needed to know that something failed: what may not be read, or is gone, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import (
    Unhealthy,
    unhealthiness,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import PodTrouble, pod_trouble
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Controller,
    Failure,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    unhealthy_objects,
    unknown_kind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    NOT_HANDLED,
    OLDER_REVISION,
    State,
    is_checking_health,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import EVENT, event_state
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)

MOST_OBJECTS = 10  # that are looked at
MOST_PODS = 3
LOG_LINES = 10
NEWEST_EVENTS = 5
VERSION_LABEL = "app.kubernetes.io/version"

# What Flux mostly waits for, and what has Pods.
_WITH_PODS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")
_WITH_HEALTH = (*_WITH_PODS, "Pod", "PersistentVolumeClaim")


def explore(cluster: Cluster, failure: Failure) -> Failure:
    """The failure with all that the cluster knows about it."""
    verdict = failure.verdict
    if failure.chain:
        last = failure.chain[-1]
        is_source = last.ref.kind != KUSTOMIZATION
        first = Failure(
            last.ref,
            replace(last.verdict, subject=last.ref),
            failure.seconds,
            source=last.item if is_source else None,
            kustomization=None if is_source else last.item,
        )
        return replace(failure, first=explore(cluster, first))
    with suppress(ClusterError):
        unknown = unknown_kind(verdict.message)
        if unknown:
            return replace(failure, served_as=_served_as(cluster, *unknown))
        if verdict.reason == "HealthCheckFailed":
            named = unhealthy_objects(verdict.message)
            return replace(failure, unhealthy=_unhealthy(cluster, failure, named, are_unhealthy=True))
        if verdict.state is State.IN_PROGRESS and is_checking_health(failure.kustomization or {}):
            awaited = _with_health(failure.kustomization or {})
            return replace(failure, unhealthy=_unhealthy(cluster, failure, awaited, are_unhealthy=False))
        if verdict.state is State.IN_PROGRESS and verdict.reason in (NOT_HANDLED, OLDER_REVISION):
            return replace(failure, controller=_controller(cluster, failure))
    return failure


def shared_objects(
    cluster: Cluster, kustomizations: Sequence[ObjectRef]
) -> dict[ObjectRef, dict[str, list[ObjectRef]]]:
    """For each of the Kustomizations, the objects that others apply, too, and who these are."""
    owners: dict[Identity, list[ObjectRef]] = {}
    with suppress(ClusterError):
        for item in cluster.list(KUSTOMIZATION).items:
            for entry in inventory(item):
                owners.setdefault(entry.identity, []).append(ref_of(KUSTOMIZATION, item))
    return {
        ref: {
            str(identity): [other for other in refs if other != ref]
            for identity, refs in owners.items()
            if ref in refs and len(refs) > 1
        }
        for ref in kustomizations
    }


def _read(cluster: Cluster, path: str, **query: str | int) -> Object | None:
    text = cluster.fetch(path, **query)
    read: Object | None = json.loads(text) if text else None
    return read


def _api(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _served_as(cluster: Cluster, kind: str, api_version: str) -> list[str]:
    """The apiVersions of the same group under which the API server knows a kind."""
    group = api_version.rpartition("/")[0]
    versions = (
        (_read(cluster, f"/apis/{group}") or {}).get("versions", []) if group else [{"groupVersion": "v1"}]
    )
    return [
        version["groupVersion"]
        for version in versions
        if any(known["kind"] == kind for known in _resources(cluster, version["groupVersion"]))
    ]


def _resources(cluster: Cluster, api_version: str) -> list[Object]:
    resources: list[Object] = (_read(cluster, _api(api_version)) or {}).get("resources", [])
    return [resource for resource in resources if "/" not in resource["name"]]


def healthy_objects(cluster: Cluster, kustomization: Object) -> tuple[int, int] | None:
    """How many objects that Flux waits for are healthy, and of how many; None where it is not known."""
    awaited = _with_health(kustomization)[:MOST_OBJECTS]
    with suppress(ClusterError):
        items = [
            _object(cluster, _api_version(kustomization, kind), kind, namespace, name)
            for kind, namespace, name in awaited
        ]
        return sum(item is not None and not unhealthiness(item) for item in items), len(awaited)
    return None


def _with_health(kustomization: Object) -> list[tuple[str, str, str]]:
    """Kind, namespace and name of what a Kustomization waits for: what it has applied, and what it names."""
    applied = [
        (entry.identity.kind, entry.identity.namespace, entry.identity.name)
        for entry in inventory(kustomization)
        if kustomization["spec"].get("wait") and entry.identity.kind in _WITH_HEALTH
    ]
    named = [
        (check["kind"], check.get("namespace", ""), check["name"])
        for check in kustomization["spec"].get("healthChecks") or []
    ]
    return [*applied, *named]


def _api_version(kustomization: Object, kind: str) -> str:
    """Under which apiVersion a Kustomization has a kind."""
    for entry in inventory(kustomization):
        if entry.identity.kind == kind:
            return entry.api_version
    for check in kustomization["spec"].get("healthChecks") or []:
        if check["kind"] == kind:
            return str(check["apiVersion"])
    return "v1"


def _unhealthy(
    cluster: Cluster, failure: Failure, named: Sequence[tuple[str, str, str]], *, are_unhealthy: bool
) -> list[Unhealthy]:
    """Those of the objects that are not healthy; all of them when that is known already."""
    kustomization = failure.kustomization or {"spec": {}}
    found = []
    for kind, namespace, name in named[:MOST_OBJECTS]:
        item = _object(cluster, _api_version(kustomization, kind), kind, namespace, name)
        if item is None:
            found.append(Unhealthy(kind, namespace, name, "it does not exist"))
            continue
        lacks = unhealthiness(item)
        if lacks or are_unhealthy:
            found.append(_examined(cluster, item, lacks or "it is not ready"))
    # What says why is told first.
    return sorted(found, key=lambda unhealthy: not unhealthy.troubles)


def _object(cluster: Cluster, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
    for resource in _resources(cluster, api_version):
        if resource["kind"] == kind:
            within = f"/namespaces/{namespace}" if namespace else ""
            item = _read(cluster, f"{_api(api_version)}{within}/{resource['name']}/{name}")
            return {"kind": kind, **item} if item else None
    return None


def _examined(cluster: Cluster, item: Object, lacks: str) -> Unhealthy:
    metadata = item["metadata"]
    namespace = metadata.get("namespace", "")
    pods = _pods(cluster, item)
    troubles = [trouble for pod in pods if (trouble := pod_trouble(pod))][:MOST_PODS]
    subjects = [metadata["name"], *(trouble.pod for trouble in troubles)]
    return Unhealthy(
        kind=item["kind"],
        namespace=namespace,
        name=metadata["name"],
        lacks=lacks,
        conditions=[
            {key: entry.get(key, "") for key in ("type", "status", "reason", "message")}
            for entry in item.get("status", {}).get("conditions", [])
        ],
        troubles=[replace(trouble, log=_log(cluster, namespace, trouble)) for trouble in troubles],
        events=[event for subject in subjects for event in _events(cluster, namespace, subject)],
    )


def _pods(cluster: Cluster, item: Object) -> list[Object]:
    """The Pods of an object, the oldest first."""
    if item["kind"] == "Pod":
        return [item]
    labels = ((item.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if item["kind"] not in _WITH_PODS or not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    path = f"/api/v1/namespaces/{item['metadata']['namespace']}/pods"
    found: list[Object] = (_read(cluster, path, labelSelector=selector) or {}).get("items", [])
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


def _events(cluster: Cluster, namespace: str, name: str) -> list[dict[str, Any]]:
    """The newest warnings about an object, the latest last."""
    if not namespace:
        return []
    selector = f"regarding.name={name},type=Warning"
    events = map(event_state, cluster.list(EVENT, namespace, field_selector=selector).items)
    return sorted(events, key=lambda event: event["last_seen"] or "")[-NEWEST_EVENTS:]


def _controller(cluster: Cluster, failure: Failure) -> Controller:
    """The controller that has not done what it was asked for."""
    subject = failure.verdict.subject or failure.ref
    kind = KUSTOMIZATION if subject.kind == KUSTOMIZATION else OCI_REPOSITORY
    name = "kustomize-controller" if kind == KUSTOMIZATION else "source-controller"
    listed = _read(cluster, "/apis/apps/v1/deployments", fieldSelector=f"metadata.name={name}") or {}
    definition = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.plural}.{kind.group}"
    crd = _read(cluster, definition) or {}
    deployment = next(iter(listed.get("items", [])), None)
    if deployment is None:
        return Controller(name)
    deployment = {"kind": "Deployment", **deployment}
    return Controller(
        name,
        _examined(cluster, deployment, unhealthiness(deployment)),
        _label(deployment),
        _label(crd),
    )


def _label(item: Object) -> str:
    return str((item.get("metadata", {}).get("labels") or {}).get(VERSION_LABEL, ""))
