# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import (
    entries,
    fields_of,
    hands_on,
    owned_by,
    without,
)

MAIN = 'k:{"name":"main"}'
ITEM: dict[str, Any] = {
    "metadata": {"labels": {"app": "shop", "mine": "1"}, "finalizers": ["a", "b"]},
    "spec": {
        "containers": [{"name": "side"}, {"name": "main", "image": "x", "ports": [1, 2]}],
        "replicas": 2,
    },
}


def test_fields_are_leaves_and_what_is_owned_besides_what_is_in_it():
    fields: dict[str, Any] = {"f:spec": {"f:containers": {MAIN: {".": {}, "f:image": {}}}, "f:replicas": {}}}
    assert fields_of({"fieldsV1": fields}) == {
        ("f:spec", "f:containers", MAIN),
        ("f:spec", "f:containers", MAIN, "f:image"),
        ("f:spec", "f:replicas"),
    }
    assert fields_of({}) == set()


def test_only_what_was_applied_to_the_object_itself_is_owned():
    replicas: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    managed = [
        {"manager": "flux", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}},
        {"manager": "flux", "operation": "Update", "fieldsV1": {"f:data": {"f:b": {}}}},
        {"manager": "flux", "operation": "Apply", "subresource": "scale", "fieldsV1": replicas},
        {"manager": "other", "operation": "Apply", "fieldsV1": replicas},
    ]
    item = {"metadata": {"managedFields": managed}}
    assert owned_by(item, "flux") == {("f:data", "f:a")}
    assert len(entries(item)) == 3
    assert owned_by({"metadata": {}}, "flux") == set()


@pytest.mark.parametrize(
    ("path", "kept", "place", "left"),
    [
        (("f:spec", "f:replicas"), (), ("spec",), {"containers": ITEM["spec"]["containers"]}),
        (("f:metadata", "f:labels", "f:mine"), (), ("metadata", "labels"), {"app": "shop"}),
        (("f:metadata", "f:finalizers", 'v:"b"'), (), ("metadata", "finalizers"), ["a"]),
        (("f:metadata", "f:finalizers", "i:0"), (), ("metadata", "finalizers"), ["b"]),
        (("f:spec", "f:containers", MAIN), (), ("spec", "containers"), [{"name": "side"}]),
        # What somebody else owns stays, with all that it lies in.
        (("f:spec", "f:replicas"), (("f:spec", "f:replicas"),), (), ITEM),
        (("f:spec", "f:containers", MAIN), (("f:spec", "f:containers", MAIN, "f:image"),), (), ITEM),
        # What is not there is not missed.
        (("f:spec", "f:paused"), (), (), ITEM),
        (("f:spec", "f:containers", 'k:{"name":"gone"}', "f:image"), (), (), ITEM),
        (("f:spec", "f:replicas", "f:deep"), (), (), ITEM),
        (("f:metadata", "f:finalizers", "i:7"), (), (), ITEM),
    ],
)
def test_an_object_without_a_field(path, kept, place, left):
    before = copy.deepcopy(ITEM)
    slim = without(ITEM, {path}, set(kept))
    for key in place:
        slim = slim[key]
    assert slim == left
    assert before == ITEM


def test_what_became_empty_goes_too():
    item = {"metadata": {"name": "x", "labels": {"mine": "1"}}}
    assert without(item, {("f:metadata", "f:labels", "f:mine")}, set()) == {"metadata": {"name": "x"}}


@pytest.mark.parametrize(
    ("manager", "entry", "seen"),
    [
        ("kubectl-edit", {"fieldsV1": {"f:spec": {}}}, ["kubectl-edit"]),
        ("flux", {"fieldsV1": {"f:metadata": {}, "f:spec": {"f:suspend": {}}}}, ["flux"]),
        ("kubectl-annotate", {"fieldsV1": {"f:metadata": {"f:annotations": {}}}}, []),
        ("kubectl-patch", {"fieldsV1": {"f:status": {}}, "subresource": "status"}, []),
        ("kustomize-controller", {"fieldsV1": {"f:spec": {}}}, []),
        ("gitops.flux_local", {"fieldsV1": {"f:spec": {}}}, []),
    ],
)
def test_only_what_people_asked_for_by_hand_is_drift(manager, entry, seen):
    assert hands_on({"metadata": {"managedFields": [{"manager": manager, **entry}]}}) == seen


def test_an_object_without_managed_fields_has_no_drift():
    assert hands_on({"metadata": {"name": "x"}}) == []


def test_hands_on_what_is_ignored_do_not_count():
    entry = {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    item = {"metadata": {"managedFields": [entry]}}
    assert hands_on(item, lambda path: path == ("f:spec", "f:size")) == ["kubectl-edit"]
    assert hands_on(item, lambda path: path == ("f:spec", "f:replicas")) == []
