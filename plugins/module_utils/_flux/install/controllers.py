# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux's controllers where they run in the cluster, told by their Deployments and Pods."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import POD
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import DEPLOYMENT
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import tag_of_image

POD_METRICS = Kind("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
PART_OF_FLUX = "app.kubernetes.io/part-of=flux"
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9}


def controllers(cluster: Cluster, namespace: str, now: datetime.datetime) -> list[dict[str, Any]]:
    """The Deployments of Flux in ``namespace``, with what their Pods say. Raises ClusterError."""
    deployments = cluster.list(DEPLOYMENT, namespace, label_selector=PART_OF_FLUX).items
    pods = cluster.list(POD, namespace).items
    try:
        metrics = cluster.list(POD_METRICS, namespace).items
    except ClusterError:
        # Few local clusters have a metrics server.
        metrics = []
    memory = {item["metadata"]["name"]: memory_of(item) for item in metrics}
    return [
        controller_state(deployment, _pods_of(deployment, pods), memory, now) for deployment in deployments
    ]


def controller_state(
    deployment: Object, pods: Sequence[Object], memory: Mapping[str, int], now: datetime.datetime
) -> dict[str, Any]:
    """One controller as a loop's status has it."""
    wanted = deployment["spec"].get("replicas", 1)
    available = deployment.get("status", {}).get("availableReplicas", 0)
    containers = [status for pod in pods for status in pod.get("status", {}).get("containerStatuses", [])]
    began = [
        datetime.datetime.fromisoformat(status["state"]["running"]["startedAt"])
        for status in containers
        if "running" in status.get("state", {})
    ]
    waiting = [
        f"{status['state']['waiting'].get('reason', '')}: {status['state']['waiting'].get('message', '')}"
        for status in containers
        if "waiting" in status.get("state", {})
    ]
    known = [memory[pod["metadata"]["name"]] for pod in pods if pod["metadata"]["name"] in memory]
    return {
        "name": deployment["metadata"]["name"],
        "kind": "deployment",
        "version": version_of(deployment),
        "state": "running" if wanted and available >= wanted else f"{available} of {wanted} available",
        "running": bool(wanted) and available >= wanted,
        "pid": None,
        "memory": sum(known) if known else None,
        "restarts": sum(status.get("restartCount", 0) for status in containers),
        "uptime": int((now - min(began)).total_seconds()) if began else None,
        "message": "; ".join(waiting),
    }


def version_of(deployment: Object) -> str | None:
    """The version in the tag of the first container's image, without its ``v``."""
    containers = deployment["spec"].get("template", {}).get("spec", {}).get("containers") or [{}]
    return tag_of_image(str(containers[0].get("image", ""))).removeprefix("v") or None


def memory_of(metrics: Object) -> int:
    """The bytes that all containers of a Pod use, as its PodMetrics say."""
    return sum(
        _bytes(str(container.get("usage", {}).get("memory", "0")))
        for container in metrics.get("containers", [])
    )


def _bytes(quantity: str) -> int:
    for unit, factor in _UNITS.items():
        if quantity.endswith(unit):
            return int(float(quantity.removesuffix(unit)) * factor)
    return int(quantity) if quantity.isdecimal() else 0


def _pods_of(deployment: Object, pods: Sequence[Object]) -> list[Object]:
    """The Pods that its selector selects, and that have not ended."""
    labels = deployment["spec"].get("selector", {}).get("matchLabels", {})
    return [
        pod
        for pod in pods
        if labels.items() <= pod["metadata"].get("labels", {}).items()
        and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]
