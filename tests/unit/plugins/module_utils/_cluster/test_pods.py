# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import (
    hopeless_trouble,
    pod_trouble,
)


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


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"state": {"running": {}}}, None),
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, None),
        ({"state": {"waiting": {"reason": "ErrImagePull", "message": "once"}}}, None),
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no match\n for platform"}}},
            "ImagePullBackOff: no match for platform",
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": {"exitCode": 255, "message": "exec format error"}},
            },
            "CrashLoopBackOff: exec format error: back-off: it ended with 255",
        ),
    ],
)
def test_trouble_of_pods(container, said):
    assert hopeless_trouble({"status": {"containerStatuses": [container]}}) == said
    assert hopeless_trouble({}) is None


@pytest.mark.parametrize(("code", "is_trouble"), [(1, False), (255, True)])
def test_a_controller_may_end_by_itself_while_its_node_starts(code, is_trouble):
    container = {
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": code}},
    }
    pod = {"status": {"containerStatuses": [container]}}
    assert hopeless_trouble(pod)
    assert bool(hopeless_trouble(pod, may_crash=True)) is is_trouble
