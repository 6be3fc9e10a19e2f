# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import unhealthiness


def item(kind, status=None, spec=None, **metadata):
    return {
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
            "1 of 1 replicas available",
        ),
        (
            item("Deployment", {"conditions": [condition("ReplicaFailure", "True", "exceeded quota: few.")]}),
            "0 of 1 replicas available, exceeded quota: few",
        ),
        (item("StatefulSet", {"readyReplicas": 1}, {"replicas": 3}), "1 of 3 replicas ready"),
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
        (item("Order"), ""),
        (item("Order", {"conditions": [condition("Ready", "False", "no stock")]}), "no stock"),
        (item("Order", {"conditions": [condition("Ready", "True", "in stock")]}), ""),
        (item("Order", deletionTimestamp="2026-01-01T00:00:00Z"), "it is being deleted"),
    ],
)
def test_what_an_object_lacks_to_be_healthy(item, lacks):
    assert unhealthiness(item) == lacks
