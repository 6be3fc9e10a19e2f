# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.tracker import Tracker
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import (
    PAUSE_SECONDS,
    Progress,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.conditions import condition as any_condition

DIGEST = f"sha256:{'3f2a' * 16}"


def condition(kind, status, reason="Progressing", message="m"):
    return any_condition(kind, status, reason, message)


def source(name="shop"):
    return {
        "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": {},
        "status": {
            "observedGeneration": 1,
            "artifact": {"revision": f"latest@{DIGEST}"},
            "conditions": [condition("Ready", "True", "Succeeded")],
        },
    }


def kustomization(*conditions, name="shop", depends_on=(), **status):
    return {
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": {
            "sourceRef": {"kind": "OCIRepository", "name": name},
            "dependsOn": [{"name": each} for each in depends_on],
        },
        "status": {"observedGeneration": 1, "conditions": list(conditions), **status},
    }


READY = kustomization(
    condition("Ready", "True", "ReconciliationSucceeded"), lastAppliedRevision=f"latest@{DIGEST}"
)
CHECKED = "Running health checks for revision"
BUSY = condition("Ready", "Unknown", message="Reconciliation in progress")
BUILDING = kustomization(
    BUSY, condition("Reconciling", "True", message=f"Building for revision latest@{DIGEST}")
)
CHECKING = kustomization(BUSY, condition("Reconciling", "True", message=f"{CHECKED} latest@{DIGEST}"))
WAITING = kustomization(condition("Ready", "False", "DependencyNotReady"), depends_on=["base", "data"])


class Bench:
    def __init__(self, **options):
        self.lines: list[str] = []
        self.now = 0.0
        self.progress = Progress(self.lines.append, lambda _item: (2, 5), clock=lambda: self.now, **options)

    def tracker(self, *items):
        tracker = Tracker(Request("flux-system", "shop", 60, DIGEST))
        tracker.begin(0.0)
        for at, item in enumerate(items):
            tracker.observe(item, float(at))
        return tracker

    def see(self, tracker, at=0.0):
        self.now = at
        self.progress.observe([tracker])


def test_a_workload_that_is_proven_is_one_line():
    bench = Bench()
    tracker = bench.tracker(BUILDING, source(), CHECKING, READY)
    bench.progress.pushed(tracker.ref, DIGEST, 0.12)
    for at in range(3):
        bench.see(tracker, at * PAUSE_SECONDS)
    assert bench.lines == ["shop  pushed 3f2a3f2a3f2a 0.1 s · source 1.0 s · applied 1.0 s · healthy 1.0 s"]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ((), "shop  source ..."),
        ((BUILDING, source()), "shop  source 1.0 s · apply ..."),
        ((BUILDING, source(), CHECKING), "shop  source 1.0 s · applied 1.0 s · health 2 of 5 ..."),
        ((WAITING, source()), "shop  source 1.0 s · waits for base, data ..."),
    ],
)
def test_what_takes_longer_is_told_now_and_then_and_not_twice(items, told):
    bench = Bench()
    tracker = bench.tracker(*items)
    bench.see(tracker, PAUSE_SECONDS / 2)
    assert bench.lines == []
    for turn in range(1, 4):
        bench.see(tracker, turn * PAUSE_SECONDS)
    assert bench.lines == [told]


def test_a_failure_is_told_when_it_is_known():
    bench = Bench()
    tracker = bench.tracker(BUILDING, source())
    tracker.triggers = (tracker.ref,)
    tracker.verdict = Verdict(State.FAILED, "BuildFailed", "it\ndoes not build: " + "x " * 100)
    bench.see(tracker)
    [line] = bench.lines
    assert line.startswith("shop  source 1.0 s · failed: BuildFailed: it does not build: x x")
    assert line.endswith("x ...")
    assert len(line) < 160


def test_what_was_as_it_should_be_is_not_told():
    bench = Bench()
    bench.see(bench.tracker(READY, source(), READY), PAUSE_SECONDS)
    assert bench.lines == []
    bench = Bench()
    tracker = bench.tracker(READY, source(), READY)
    bench.progress.changed([tracker.ref])
    bench.see(tracker)
    assert len(bench.lines) == 1


def test_who_else_works_on_a_workload_is_told():
    bench = Bench()
    bench.progress.waits("flux-system/shop", "4711")
    assert bench.lines == ["flux-system/shop  waits for process 4711, which works on it"]


def test_each_condition_that_changes_is_told_when_asked_for():
    bench = Bench(is_verbose=True)
    tracker = bench.tracker(BUILDING, source())
    bench.see(tracker)
    bench.see(tracker)
    tracker.observe(CHECKING, 2.0)
    bench.see(tracker)
    assert bench.lines == [
        "shop  OCIRepository Ready=True Succeeded: m",
        "shop  Kustomization Ready=Unknown Progressing: Reconciliation in progress",
        f"shop  Kustomization Reconciling=True Progressing: Building for revision latest@{DIGEST}",
        f"shop  Kustomization Reconciling=True Progressing: {CHECKED} latest@{DIGEST}",
    ]
