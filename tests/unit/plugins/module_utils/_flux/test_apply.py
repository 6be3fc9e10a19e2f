# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    carry_out,
    carry_out_deletion,
    plan_apply,
    plan_deletion,
    predict,
    predict_deletion,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import (
    FIELD_MANAGER,
    owned_fields,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import manifest
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

REF = ObjectRef(OCI_REPOSITORY, "flux-system", "shop")


def source(**options):
    defaults = {"name": "shop", "namespace": "flux-system", "url": "oci://x/shop", "interval": "1m"}
    return manifest(OCI_REPOSITORY, {**defaults, **options})


def apply_object(cluster, kind, desired, *, force=False):
    return carry_out(cluster, plan_apply(cluster, kind, desired, force=force))


def remove_object(cluster, ref, wait_seconds=None):
    return carry_out_deletion(cluster, plan_deletion(cluster, ref), wait_seconds)


def applied_cluster(**options):
    cluster = MemoryCluster()
    apply_object(cluster, OCI_REPOSITORY, source(**options))
    cluster.asked.clear()
    return cluster


def test_what_is_not_there_is_created():
    cluster = MemoryCluster()
    applied = apply_object(cluster, OCI_REPOSITORY, source(tag="latest"))
    assert applied.changes == ["created"]
    assert applied.diff()["before"] == {}
    assert applied.diff()["after"]["spec"]["ref"] == {"tag": "latest"}
    assert cluster.asked == [f"get {REF}", f"apply {REF}"]


def test_what_is_as_asked_costs_one_read():
    cluster = applied_cluster(labels={"a": "b"})
    for interval in ("1m", "1m0s", "60s"):
        applied = apply_object(cluster, OCI_REPOSITORY, source(labels={"a": "b"}, interval=interval))
        assert not applied.is_changed
    assert cluster.asked == [f"get {REF}"] * 3


def test_changes_are_named_by_field():
    cluster = applied_cluster(tag="latest", labels={"a": "b"})
    applied = apply_object(cluster, OCI_REPOSITORY, source(semver="1.x", interval="2m"))
    assert applied.changes == [
        "metadata.labels.a: 'b' -> (none)",
        "spec.interval: '1m' -> '2m'",
        "spec.ref.semver: (none) -> '1.x'",
        "spec.ref.tag: 'latest' -> (none)",
    ]


def test_check_mode_asks_for_a_dry_run_and_predicts_the_same():
    cluster = applied_cluster(tag="latest")
    before = cluster.objects[REF]
    predicted = predict(cluster, plan_apply(cluster, OCI_REPOSITORY, source(interval="2m")))
    assert cluster.asked == [f"get {REF}", f"dry-run {REF}"]
    assert cluster.objects[REF] == before
    assert predicted.changes == apply_object(cluster, OCI_REPOSITORY, source(interval="2m")).changes


def test_fields_of_others_are_left_alone():
    cluster = applied_cluster()
    cluster.apply(OCI_REPOSITORY, source(suspend=True), manager="flux")
    cluster.asked.clear()
    assert not apply_object(cluster, OCI_REPOSITORY, source()).is_changed
    assert cluster.objects[REF]["spec"]["suspend"] is True


def test_a_conflict_names_the_owner_and_the_field_and_changes_nothing():
    cluster = MemoryCluster()
    cluster.apply(OCI_REPOSITORY, source(interval="7m"), manager="kubectl-edit")
    before = cluster.objects[REF]
    with pytest.raises(LoopError, match=r'spec\.interval \("kubectl-edit".*force_conflicts'):
        apply_object(cluster, OCI_REPOSITORY, source(interval="1m"))
    assert cluster.objects[REF] == before
    taken = apply_object(cluster, OCI_REPOSITORY, source(interval="1m"), force=True)
    assert "spec.interval: '7m' -> '1m'" in taken.changes


def test_taking_over_what_another_tool_made_alike_is_said_once():
    cluster = MemoryCluster()
    cluster.apply(OCI_REPOSITORY, source(interval="1m0s"), manager="kubectl")
    applied = apply_object(cluster, OCI_REPOSITORY, source(interval="60s"))
    assert applied.changes == ["spec.interval: now managed here", "spec.url: now managed here"]
    assert not apply_object(cluster, OCI_REPOSITORY, source(interval="60s")).is_changed


def test_owned_fields_are_those_of_our_apply_only():
    def entry(manager, operation, fields):
        return {"manager": manager, "operation": operation, "fieldsV1": fields}

    fields = {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:interval": {}}}
    item = {
        "metadata": {
            "managedFields": [
                entry(FIELD_MANAGER, "Update", {"f:metadata": {"f:annotations": {"f:x": {}}}}),
                entry("kubectl", "Apply", {"f:spec": {"f:url": {}}}),
                entry(FIELD_MANAGER, "Apply", fields),
            ]
        }
    }
    assert owned_fields(item) == {("metadata", "labels", "a"), ("spec", "interval")}


def test_what_is_being_deleted_is_not_applied_to():
    cluster = applied_cluster()
    cluster.objects[REF]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(LoopError, match="is being deleted"):
        apply_object(cluster, OCI_REPOSITORY, source(interval="2m"))


def test_removal_and_its_prediction():
    cluster = applied_cluster()
    assert predict_deletion(cluster, plan_deletion(cluster, REF)).is_changed
    assert REF in cluster.objects
    assert remove_object(cluster, REF, wait_seconds=1).changes == ["deleted"]
    assert not remove_object(cluster, REF, wait_seconds=1).is_changed
