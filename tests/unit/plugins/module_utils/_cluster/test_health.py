# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import unhealthiness

GROUPS = {
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "Order": "shop.example.com/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
}


def item(kind, status=None, spec=None, **metadata):
    return {
        "apiVersion": GROUPS.get(kind, "v1"),
        "kind": kind,
        "metadata": {"name": "web", "generation": 2, **metadata},
        "spec": spec or {},
        "status": {"observedGeneration": 2, **(status or {})},
    }


def condition(kind, status, message=""):
    return {"type": kind, "status": status, "reason": "R", "message": message}


@pytest.mark.parametrize(
    ("item", "lacks"),
    [
        (item("Deployment", {"availableReplicas": 1, "updatedReplicas": 1}), ""),
        (item("Deployment", {"availableReplicas": 2, "updatedReplicas": 2}, {"replicas": 2}), ""),
        (item("Deployment", {}, {"replicas": 0}), ""),
        (item("Deployment"), "0 of 1 replicas available"),
        # The old Pods are well, the new ones are not.
        (
            item("Deployment", {"availableReplicas": 2, "updatedReplicas": 1}, {"replicas": 2}),
            "1 of 2 replicas available",
        ),
        # What its status says is of before.
        (
            item("Deployment", {"availableReplicas": 1, "observedGeneration": 1}),
            "its controller has not seen its latest change yet",
        ),
        (
            item("Deployment", {"availableReplicas": 1, "updatedReplicas": 1, "replicas": 2}),
            "1 replicas are still to be ended",
        ),
        (
            item("Deployment", {"conditions": [condition("ReplicaFailure", "True", "exceeded quota: few.")]}),
            "0 of 1 replicas available, exceeded quota: few",
        ),
        (item("StatefulSet", {"readyReplicas": 1}, {"replicas": 3}), "1 of 3 replicas ready"),
        (
            item(
                "StatefulSet",
                {"readyReplicas": 2, "updatedReplicas": 0, "currentRevision": "a", "updateRevision": "b"},
                {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            ),
            "0 of 1 replicas updated",
        ),
        (item("StatefulSet", {}, {"replicas": 2, "updateStrategy": {"type": "OnDelete"}}), ""),
        (item("ReplicaSet", {"readyReplicas": 0}), "0 of 1 replicas ready"),
        (item("DaemonSet", {"numberReady": 1, "desiredNumberScheduled": 2}), "1 of 2 Pods ready"),
        (item("DaemonSet", {"numberReady": 2, "desiredNumberScheduled": 2}), ""),
        (item("Job"), "it has not completed yet"),
        (item("Job", {"conditions": [condition("Complete", "True")]}), ""),
        (
            item("Job", {"conditions": [condition("Failed", "True", "Job has reached the backoff limit")]}),
            "it has failed, Job has reached the backoff limit",
        ),
        (item("PersistentVolumeClaim", {"phase": "Bound"}), ""),
        (item("PersistentVolumeClaim"), "it is Pending"),
        (item("CustomResourceDefinition"), "it is not established yet"),
        (item("CustomResourceDefinition", {"conditions": [condition("Established", "True")]}), ""),
        (
            item("CustomResourceDefinition", {"conditions": [condition("NamesAccepted", "False", "taken")]}),
            "taken",
        ),
        (item("Pod", {"phase": "Running", "conditions": [condition("Ready", "False")]}), "it is not ready"),
        (item("Pod", {"phase": "Running", "conditions": [condition("Ready", "True")]}), ""),
        (item("Pod", {"phase": "Succeeded", "conditions": [condition("Ready", "False")]}), ""),
        (item("Service", {"conditions": [condition("Ready", "False")]}), ""),
        (item("Order"), ""),
        (
            item("Order", {"conditions": [condition("Ready", "False", "no stock")]}),
            "its condition Ready is False, R: no stock",
        ),
        (
            item("Order", {"conditions": [condition("Ready", "Unknown")]}),
            "its condition Ready is Unknown, R",
        ),
        # Others have a condition of this name that Flux does not look at.
        (item("Order", {"conditions": [condition("Available", "False", "no stock")]}), ""),
        (item("Order", {"conditions": [condition("Stalled", "True", "never")]}), "never"),
        (item("Order", {"conditions": [condition("Reconciling", "True", "on it")]}), "on it"),
        (item("Order", {"conditions": [condition("Ready", "True", "in stock")]}), ""),
        (item("Order", deletionTimestamp="2026-01-01T00:00:00Z"), "it is being deleted"),
    ],
)
def test_what_an_object_lacks_to_be_healthy(item, lacks):
    assert unhealthiness(item) == lacks
