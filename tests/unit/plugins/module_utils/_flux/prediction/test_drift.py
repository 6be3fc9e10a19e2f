# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.drift import (
    fields_written,
    inventory_of,
    lacks_fields,
    last_looked,
    may_have_drifted,
)

SHOP = Identity("", "ConfigMap", "default", "shop")
LOOKED, EARLIER, LATER = (f"2026-01-01T12:00:{second}Z" for second in ("10", "05", "10"))


def kustomization(*history):
    return {
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "status": {
            "inventory": {"entries": [{"id": "default_shop__ConfigMap", "v": "v1"}]},
            "history": [{"lastReconciled": when, "lastReconciledDuration": took} for when, took in history],
        },
    }


def entry(manager, operation, time, *keys, **rest):
    fields: dict[str, Any] = {"f:data": {f"f:{key}": {} for key in keys}}
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields, **rest}


OURS = entry("kustomize-controller", "Apply", EARLIER, "a")


def config(*managed, data=None):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shop", "namespace": "default", "managedFields": [OURS, *managed]},
        "data": data or {"a": "1"},
    }


WRITTEN = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"a": "1"}}


@pytest.mark.parametrize(
    ("live", "manifests", "is_doubtful"),
    [
        ({SHOP: config()}, [WRITTEN], False),
        ({}, [WRITTEN], True),
        # Somebody else has written since, or before Flux last looked.
        ({SHOP: config(entry("somebody", "Update", LATER, "b"))}, [], True),
        ({SHOP: config(entry("somebody", "Update", EARLIER, "b"))}, [], False),
        ({SHOP: config(entry("controller", "Update", LATER, "b", subresource="status"))}, [], False),
        ({SHOP: config({"manager": "somebody", "operation": "Update"})}, [], True),
        # What kubectl added goes whenever Flux applies.
        ({SHOP: config(entry("kubectl-edit", "Update", EARLIER, "b"))}, [], True),
        # A field was taken away, which leaves no trace but that Flux owns it no longer.
        ({SHOP: config()}, [WRITTEN | {"data": {"a": "1", "b": "2"}}], True),
        (
            {SHOP: config()},
            [WRITTEN | {"metadata": {"name": "shop", "namespace": "other"}, "data": {"c": "1"}}],
            False,
        ),
        ({SHOP: config()}, [WRITTEN | {"kind": "Secret", "data": {"c": "1"}}], False),
    ],
)
def test_what_hints_at_drift(live, manifests, is_doubtful):
    assert may_have_drifted(kustomization((LOOKED, "1.5s")), live, manifests, ()) is is_doubtful


def test_what_flux_owns_as_a_whole_has_no_fields_of_its_own():
    live = config() | {"metadata": {"managedFields": [{**OURS, "fieldsV1": {"f:spec": {"f:selector": {}}}}]}}
    item = WRITTEN | {"data": None, "spec": {"selector": {"matchLabels": {"app": "x"}}}}
    assert not lacks_fields(live, item)
    assert lacks_fields(live, item | {"spec": {"replicas": 1}})


def test_what_may_not_be_seen_is_not_missed():
    assert not may_have_drifted(kustomization((LOOKED, "1s")), {}, [], ["ConfigMap"])


def test_flux_looked_when_it_began():
    assert last_looked(kustomization((EARLIER, "1s"), (LOOKED, "3.5s"))) == datetime(
        2026, 1, 1, 12, 0, 6, tzinfo=UTC
    )
    assert last_looked(kustomization((LOOKED, "15µs"))) == datetime(2026, 1, 1, 12, 0, 10, tzinfo=UTC)
    assert last_looked({}).year == 1


def test_the_inventory_has_the_versions_of_the_api():
    held = kustomization()
    held["status"]["inventory"]["entries"].append({"id": "_view_rbac.example.org_Role", "v": "v2"})
    assert inventory_of(held) == {
        SHOP: "v1",
        Identity("rbac.example.org", "Role", "", "view"): "rbac.example.org/v2",
    }


def test_fields_of_a_manifest_as_flux_owns_them():
    item = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "labels": {"app": "x"}, "annotations": None},
        "spec": {"replicas": 2, "paused": None, "template": {"spec": {"containers": [{"name": "main"}]}}},
        "status": {"replicas": 1},
    }
    assert fields_written(item) == {
        ("f:metadata", "f:labels", "f:app"),
        ("f:spec", "f:replicas"),
        ("f:spec", "f:template", "f:spec", "f:containers"),
    }


def test_a_field_that_is_left_to_others_may_well_be_theirs():
    written = {**WRITTEN, "data": {"a": "1", "b": "2"}}
    assert lacks_fields(config(), written)
    assert not lacks_fields(config(), written, [("data", "b")])
    leaves = {**kustomization((EARLIER, "1s")), "spec": {"ignore": [{"paths": ["/data/b"]}]}}
    assert not may_have_drifted(leaves, {SHOP: config()}, [written], ())
