# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import (
    EVENT,
    event_state,
    events_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.info import run_info
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.state import (
    kustomization_state,
    source_state,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

METADATA = {
    "name": "shop",
    "namespace": "flux-system",
    "generation": 1,
    "uid": "u",
    "creationTimestamp": "2026-01-01T00:00:00Z",
}
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Succeeded",
    "message": "m",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def test_a_source_that_flux_has_not_seen_yet():
    state = source_state({"metadata": METADATA, "spec": {"url": "oci://x/shop", "interval": "1m"}})
    assert (state["state"], state["ready"], state["revision"], state["artifact"]) == (
        "in_progress",
        False,
        None,
        None,
    )


def test_a_kustomization_with_history():
    status = {
        "observedGeneration": 1,
        "conditions": [READY],
        "lastAppliedRevision": "latest@sha256:0",
        "inventory": {"entries": [{"id": "apps_a__ConfigMap", "v": "v1"}]},
        "history": [
            {
                "digest": "sha256:1",
                "firstReconciled": "2026-01-01T00:00:00Z",
                "lastReconciled": "2026-01-01T00:00:01Z",
                "lastReconciledDuration": "70ms",
                "lastReconciledStatus": "ReconciliationSucceeded",
                "totalReconciliations": 2,
                "metadata": {"revision": "latest@sha256:0"},
            }
        ],
    }
    spec = {
        "sourceRef": {"kind": "OCIRepository", "name": "shop"},
        "path": "./a",
        "dependsOn": [{"name": "base"}],
    }
    state = kustomization_state({"metadata": METADATA, "spec": spec, "status": status})
    assert (state["ready"], state["suspended"], state["applied_revision"]) == (True, False, "latest@sha256:0")
    assert state["source"] == {"kind": "OCIRepository", "namespace": "flux-system", "name": "shop"}
    assert state["depends_on"] == [{"namespace": "flux-system", "name": "base"}]
    assert state["history"][0]["status"] == "ReconciliationSucceeded"
    assert [entry["name"] for entry in state["inventory"]] == ["a"]


@pytest.mark.parametrize(
    ("event", "count", "last_seen"),
    [
        ({"eventTime": "t1"}, 1, "t1"),
        ({"deprecatedCount": 3, "deprecatedLastTimestamp": "t2", "eventTime": None}, 3, "t2"),
        (
            {"series": {"count": 4, "lastObservedTime": "t3"}, "deprecatedCount": 1, "eventTime": "t1"},
            4,
            "t3",
        ),
    ],
)
def test_events_of_either_kind_of_recorder(event, count, last_seen):
    state = event_state({"type": "Normal", "reason": "R", "note": "n", **event})
    assert (state["count"], state["last_seen"], state["message"]) == (count, last_seen, "n")


def cluster():
    def event(at):
        about = {"uid": METADATA["uid"]}
        return {"type": "Normal", "reason": "R", "note": at, "eventTime": at, "regarding": about}

    cluster = MemoryCluster()
    cluster.objects = {
        ObjectRef(OCI_REPOSITORY, "flux-system", "shop"): {
            "metadata": METADATA,
            "spec": {"url": "oci://x/shop"},
        },
        ObjectRef(KUSTOMIZATION, "flux-system", "shop"): {
            "metadata": METADATA,
            "spec": {"sourceRef": {"kind": "OCIRepository", "name": "shop"}},
        },
        **{ObjectRef(EVENT, "flux-system", f"e{at}"): event(f"t{at:02}") for at in range(12, 0, -1)},
    }
    return cluster


def test_the_newest_events_are_returned_the_latest_last():
    events = events_of(cluster(), {"metadata": METADATA})
    assert [event["message"] for event in events] == [f"t{at:02}" for at in range(3, 13)]


@pytest.mark.parametrize("with_events", [True, False])
def test_the_modules_result(with_events):
    asked = cluster()
    result = run_info(asked, {"name": None, "namespace": "flux-system", "events": with_events})
    assert [item["name"] for item in result["sources"] + result["kustomizations"]] == ["shop", "shop"]
    assert ("events" in result["sources"][0]) is with_events
    assert len(asked.asked) == (4 if with_events else 2)
    if with_events:
        told = [event["message"] for event in result["kustomizations"][0]["events"]]
        assert told == [f"t{at:02}" for at in range(3, 13)]
