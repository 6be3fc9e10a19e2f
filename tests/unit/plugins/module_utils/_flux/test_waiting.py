# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    WatchEvent,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    carry_out,
    plan_apply,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.waiting import (
    wait_until_gone,
    wait_until_ready,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

REF = ObjectRef(OCI_REPOSITORY, "flux-system", "shop")


def applied_cluster(**options):
    defaults = {"name": "shop", "namespace": "flux-system", "url": "oci://x/shop", "interval": "1m"}
    cluster = MemoryCluster()
    carry_out(cluster, plan_apply(cluster, OCI_REPOSITORY, manifest(OCI_REPOSITORY, {**defaults, **options})))
    return cluster


def test_a_finalizer_is_waited_for_and_named_when_it_stays():
    cluster = applied_cluster()
    cluster.objects[REF]["metadata"]["finalizers"] = ["finalizers.fluxcd.io"]

    def go():
        while not cluster.watches:
            pass
        cluster.watches[0].events.put(WatchEvent("DELETED", cluster.objects[REF]))

    threading.Thread(target=go).start()
    wait_until_gone(cluster, REF, 5)
    with pytest.raises(LoopError, match=r"finalizers\.fluxcd\.io"):
        wait_until_gone(cluster, REF, 0)


def with_ready(cluster, status, reason="Succeeded", generation=1):
    item = cluster.objects[REF]
    ready = {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": "Flux says so",
        "observedGeneration": generation,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    artifact = {"revision": "latest@sha256:0", "digest": "sha256:1", "lastUpdateTime": "2026-01-01T00:00:00Z"}
    item["status"] = {"observedGeneration": 1, "conditions": [ready], "artifact": artifact}
    cluster.put(REF, item)


def test_the_wait_ends_with_readiness_and_outlives_a_lost_connection():
    cluster = applied_cluster()

    def controller():
        while len(cluster.watches) < 1:
            pass
        cluster.watches[0].events.put(ClusterError("The resource version is too old.", 410))
        while len(cluster.watches) < 2:
            pass
        with_ready(cluster, "True")

    threading.Thread(target=controller).start()
    assert wait_until_ready(cluster, REF, 5)["status"]["artifact"]["revision"] == "latest@sha256:0"


def test_the_wait_ends_with_a_failure_and_with_the_time():
    cluster = applied_cluster()
    with pytest.raises(LoopError, match="is not ready after 0 s") as raised:
        wait_until_ready(cluster, REF, 0)
    assert raised.value.details["resource"]["state"] == "in_progress"
    with_ready(cluster, "False", "OCIArtifactPullFailed")
    with pytest.raises(LoopError, match="failed with OCIArtifactPullFailed: Flux says so"):
        wait_until_ready(cluster, REF, 5)


def test_nothing_is_awaited_of_a_suspended_object():
    cluster = applied_cluster(suspend=True)
    assert wait_until_ready(cluster, REF, 5)["spec"]["suspend"] is True
