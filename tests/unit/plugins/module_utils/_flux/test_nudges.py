# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.nudges import (
    ASK_AGAIN_SECONDS,
    Nudges,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.tracker import Tracker

READY = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "m", "observedGeneration": 1}
WAITING = READY | {"status": "False", "reason": "DependencyNotReady"}


def tracker(name, condition, version="1", depends_on=()):
    found = Tracker(Request("flux-system", name, 60))
    found.live = {
        "kind": "Kustomization",
        "metadata": {
            "name": name,
            "namespace": "flux-system",
            "generation": 1,
            "resourceVersion": version,
        },
        "spec": {"dependsOn": [{"name": dependency} for dependency in depends_on]},
        "status": {"conditions": [condition], "observedGeneration": 1},
    }
    if condition is READY:
        found.verdict = Verdict(State.READY)
    return found


def due(nudges, at=0.0):
    return [found.ref.name for found in nudges.due(at)]


def test_who_waits_is_asked_again_once_for_what_became_ready():
    first, second = tracker("a", WAITING), tracker("b", WAITING, depends_on=["a"])
    nudges = Nudges([first, second])
    assert due(nudges) == []
    ready = tracker("a", READY)
    first.live, first.verdict = ready.live, ready.verdict
    assert due(nudges) == ["b"]
    assert due(nudges) == []
    first.live = tracker("a", READY, version="2").live
    assert due(nudges) == ["b"]


def test_nobody_is_asked_again_before_flux_has_handled_the_last_request():
    first, second = tracker("a", READY), tracker("b", WAITING, depends_on=["a"])
    second.asked(second.ref, "token")
    nudges = Nudges([first, second])
    assert due(nudges) == []
    second.live["status"]["lastHandledReconcileAt"] = "token"
    assert due(nudges) == ["b"]


def test_an_artifact_that_nobody_handed_out_is_asked_for_now_and_then():
    unanswered = 'failed to download archive: GET http://s/a giving up: Get "http://s/a": refused'
    waiting = tracker("a", WAITING)
    waiting.verdict = Verdict(State.IN_PROGRESS, "ArtifactFailed", unanswered)
    nudges = Nudges([waiting])
    assert due(nudges, 1.0) == ["a"]
    assert due(nudges, 1.0 + ASK_AGAIN_SECONDS / 2) == []
    assert due(nudges, 1.0 + ASK_AGAIN_SECONDS) == ["a"]
