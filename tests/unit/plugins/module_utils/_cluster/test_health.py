# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import (
    pod_trouble,
    unhealthiness,
)


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


def container(name="main", state=None, last=None, restarts=0):
    return {
        "name": name,
        "state": state or {"running": {}},
        "lastState": {"terminated": last} if last else {},
        "restartCount": restarts,
    }


def waiting(reason, message=""):
    return {"waiting": {"reason": reason, "message": message}}


def pod(*containers, conditions=(), init=(), **status):
    return {
        "metadata": {"name": "web-1"},
        "status": {
            "phase": "Pending",
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            "conditions": list(conditions),
            **status,
        },
    }


@pytest.mark.parametrize(
    ("pod", "sentence"),
    [
        (
            pod(container(state=waiting("ImagePullBackOff", 'Back-off pulling image "web:2"'))),
            'Pod web-1, container main: ImagePullBackOff: Back-off pulling image "web:2"',
        ),
        (
            pod(
                container(state=waiting("CrashLoopBackOff", "back-off 40s"), last={"exitCode": 1}, restarts=3)
            ),
            "Pod web-1, container main: CrashLoopBackOff (exit code 1, 3 restarts): back-off 40s",
        ),
        (
            pod(
                container(
                    state=waiting("CrashLoopBackOff"),
                    last={"exitCode": 137, "reason": "OOMKilled"},
                    restarts=1,
                )
            ),
            "Pod web-1, container main: OOMKilled (exit code 137, 1 restarts)",
        ),
        (
            pod(container(state={"terminated": {"exitCode": 3, "reason": "Error", "message": "no\n db"}})),
            "Pod web-1, container main: Error (exit code 3): no db",
        ),
        # An init container is what holds the others back.
        (
            pod(
                container(state=waiting("PodInitializing")),
                init=[container("migrate", state=waiting("ErrImagePull", "no such host"))],
            ),
            "Pod web-1, container migrate: ErrImagePull: no such host",
        ),
        (
            pod(
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes are available",
                    }
                ]
            ),
            "Pod web-1: Unschedulable: 0/1 nodes are available",
        ),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on memory."),
            "Pod web-1: Evicted: The node was low on memory.",
        ),
        (
            pod(
                container(), conditions=[{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
            ),
            "Pod web-1: ContainersNotReady",
        ),
    ],
)
def test_what_holds_a_pod_back(pod, sentence):
    trouble = pod_trouble(pod)
    assert trouble
    assert trouble.sentence == sentence


@pytest.mark.parametrize(
    "pod",
    [
        pod(container()),
        pod(container(state=waiting("ContainerCreating"))),
        pod(container(state={"terminated": {"exitCode": 0, "reason": "Completed"}}), phase="Succeeded"),
    ],
)
def test_nothing_holds_a_pod_back_that_is_well_or_on_its_way(pod):
    assert pod_trouble(pod) is None
