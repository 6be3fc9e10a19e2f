# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Wait for what was applied: definitions that are served, Deployments whose Pods are ready or gone."""

from __future__ import annotations

import time

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import POD, hopeless_trouble
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.waiting import wait_until
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    image_of,
    is_available,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    DEPLOYMENT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.requests import for_all
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.waiting import wait_until_gone

LOOK_AT_PODS_EVERY = 2  # seconds
# Seconds after which a controller that ends by itself again and again is no passing trouble any more.
CRASHES_PASS_IN = 60


def wait_until_served(cluster: Cluster, ref: ObjectRef, seconds: float) -> None:
    """Wait until the API server serves what a definition defines. Raises LoopError after ``seconds``."""

    def is_established(item: Object | None) -> bool:
        # The API server writes null before it knows any.
        conditions = (item or {}).get("status", {}).get("conditions") or []
        return any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions)

    if not wait_until(cluster, ref, seconds, is_established)[1]:
        raise LoopError(f"{ref} is not served {seconds:g} s after it was applied.")


def wait_until_available(cluster: Cluster, deployment: Object, seconds: float) -> Object:
    """The Deployment once its Pods are ready. Raises LoopError as soon as one of them cannot become it."""
    ref = ref_of(DEPLOYMENT, deployment)
    began = time.monotonic()
    deadline = began + seconds
    while True:
        remaining = deadline - time.monotonic()
        item, is_settled = wait_until(cluster, ref, min(LOOK_AT_PODS_EVERY, remaining), is_available)
        if item is None:
            raise LoopError(f"{ref} was deleted while it was being waited for.")
        if is_settled:
            return item
        troubles = _troubles(cluster, item, may_crash=time.monotonic() < began + CRASHES_PASS_IN)
        if troubles:
            raise LoopError(
                f"{ref} does not become available: {'; '.join(troubles)}. Its image is {image_of(item)}:"
                " it has to be for the nodes' platform and in their reach (flux_images, flux_image_registry,"
                " flux_image_pull_secrets)."
            )
        if deadline <= time.monotonic():
            raise LoopError(f"{ref} is not available after {seconds:g} s: {_standing(item)} (flux_timeout).")


def _troubles(cluster: Cluster, deployment: Object, *, may_crash: bool) -> list[str]:
    namespace = deployment["metadata"]["namespace"]
    pods = cluster.list(POD, namespace, label_selector=_selector(deployment)).items
    return [
        f"Pod {pod['metadata']['name']}: {said}"
        for pod in pods
        if (said := hopeless_trouble(pod, may_crash=may_crash))
    ]


def _selector(deployment: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in deployment["spec"]["selector"]["matchLabels"].items())


def _standing(deployment: Object) -> str:
    conditions = deployment.get("status", {}).get("conditions", [])
    said = [
        entry.get("message", "")
        for entry in conditions
        if entry["status"] != "True" or entry["type"] == "Progressing"
    ]
    return "; ".join(filter(None, said)) or "its controller has said nothing of it"


def wait_for_the_end_of_pods(cluster: Cluster, deployment: Object, seconds: float) -> None:
    """Wait until no Pod of a Deployment is left. Raises LoopError after ``seconds``."""
    namespace = deployment["metadata"]["namespace"]
    pods = cluster.list(POD, namespace, label_selector=_selector(deployment)).items
    for_all(pods, lambda pod: wait_until_gone(cluster, ref_of(POD, pod), seconds))
