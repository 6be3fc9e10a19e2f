# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, identity_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rules import (
    deletes_what_it_applied,
    is_forced,
    is_left_alone,
    is_normalized,
    is_pruned,
    is_undone,
    kinds_brought,
    may_be_immutable,
    namespaces_brought,
    undone,
)

FLUX = "kustomize.toolkit.fluxcd.io"


def config(data=None, **metadata):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shop", "namespace": "default", **metadata},
        "data": data or {},
    }


def kustomization(**spec):
    return {"metadata": {"name": "shop", "namespace": "flux-system"}, "spec": spec}


def entry(manager, operation, *paths, **rest):
    fields: dict[str, Any] = {}
    for path in paths:
        place = fields
        for step in path.split("/"):
            place = place.setdefault(f"f:{step}", {})
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **rest}


OWNER = {"name": "shop", "namespace": "flux-system"}


OWNED = {f"{FLUX}/name": "shop", f"{FLUX}/namespace": "flux-system"}


@pytest.mark.parametrize("place", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("key", "value", "desired", "live", "both"),
    [
        ("reconcile", "disabled", True, True, True),
        ("ssa", "Ignore", True, True, True),
        ("ssa", "ignore", True, True, True),
        ("ssa", "IfNotPresent", True, False, True),
        ("ssa", "Merge", False, False, False),
        ("reconcile", "enabled", False, False, False),
    ],
)
def test_marks_that_have_an_object_left_alone(place, key, value, desired, live, both):
    marked = config(**{place: {f"{FLUX}/{key}": value}})
    assert is_left_alone(marked, config()) is desired
    assert is_left_alone(config(), marked) is live
    assert is_left_alone(marked, marked) is both
    # What is not there yet is made, unless it is never to be touched.
    assert is_left_alone(marked, None) is (desired and value != "IfNotPresent")


def test_force_is_asked_for_by_the_kustomization_or_by_either_object():
    marked = config(annotations={f"{FLUX}/force": "Enabled"})
    assert is_forced(marked, None, kustomization())
    assert is_forced(config(), marked, kustomization())
    assert is_forced(config(), config(), kustomization(force=True))
    assert not is_forced(config(), config(), kustomization(force=False))


@pytest.mark.parametrize(
    ("status", "message", "may_be"),
    [
        (422, "spec.ports[0].port: Invalid value: 99999", True),
        (409, "the object has been modified", True),
        (403, "the change of an immutable field is denied", True),
        (500, "admission webhook: spec.size is immutable", True),
        (500, "failed to create typed patch object", False),
        (403, "exceeded quota: small", False),
    ],
)
def test_what_the_controller_takes_for_a_field_that_cannot_change(status, message, may_be):
    assert may_be_immutable(status, message) is may_be


@pytest.mark.parametrize(
    ("group", "name", "is_read_by_type"),
    [
        ("apps", "Deployment", True),
        ("", "Service", True),
        ("networking.k8s.io", "Ingress", True),
        ("rbac.authorization.k8s.io", "RoleBinding", True),
        ("rbac.authorization.k8s.io", "Role", False),
        ("rbac.authorization.k8s.io", "ClusterRole", False),
        ("apiextensions.k8s.io", "CustomResourceDefinition", False),
        ("gateway.networking.k8s.io", "Gateway", False),
        ("cert-manager.io", "Issuer", False),
    ],
)
def test_which_kinds_lose_the_fields_that_they_do_not_have(group, name, is_read_by_type):
    assert is_normalized(Kind(group, "v1", "things", name)) is is_read_by_type


def test_what_kubectl_added_is_undone_and_what_others_added_is_not():
    desired = config({"ours": "1"})
    live = config(
        {"ours": "2", "theirs": "3", "hers": "4", "both": "5"},
        managedFields=[
            entry("kustomize-controller", "Apply"),
            entry("kubectl-edit", "Update", "data/ours", "data/theirs", "data/both"),
            entry("somebody", "Update", "data/hers", "data/both"),
        ],
    )
    applied = config(
        {"ours": "1", "theirs": "3", "hers": "4", "both": "5"},
        managedFields=[entry("kustomize-controller", "Apply", "data/ours")],
    )
    slim = undone(desired, live, applied)
    assert slim is not None
    assert slim["data"] == {"ours": "1", "hers": "4", "both": "5"}
    merged = config({"ours": "1"}, annotations={f"{FLUX}/ssa": "Merge"})
    assert undone(merged, live, applied) is None
    live["metadata"]["managedFields"].pop(1)
    assert undone(desired, live, applied) is None


def test_marks_of_kubectl_and_of_early_flux_go():
    gone = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "fluxcd.io/sync-checksum": "1"}
    live = config(annotations={"kept": "1", **gone}, labels={"fluxcd.io/sync-gc-mark": "1"})
    slim = undone(config(), live, live)
    assert slim is not None
    assert (slim["metadata"]["annotations"], slim["metadata"]["labels"]) == ({"kept": "1"}, {})


@pytest.mark.parametrize(
    ("manager", "operation", "is_theirs"),
    [
        ("kubectl", "Apply", True),
        ("kubectl-client-side-apply", "Update", True),
        ("before-first-apply", "Update", True),
        ("kustomize-controller", "Update", True),
        ("kustomize-controller", "Apply", False),
        ("helm", "Update", False),
    ],
)
def test_whose_fields_flux_takes_over(manager, operation, is_theirs):
    assert is_undone(entry(manager, operation)) is is_theirs


@pytest.mark.parametrize(
    ("metadata", "goes"),
    [
        ({"labels": OWNED}, True),
        ({"labels": {}}, False),
        ({"labels": OWNED | {f"{FLUX}/name": "other"}}, False),
        ({"labels": OWNED, "annotations": {f"{FLUX}/prune": "disabled"}}, False),
        ({"labels": OWNED, "annotations": {f"{FLUX}/reconcile": "disabled"}}, False),
        ({"labels": OWNED | {f"{FLUX}/ssa": "Ignore"}}, False),
        ({"labels": OWNED, "annotations": {f"{FLUX}/ssa": "Merge"}}, True),
    ],
)
def test_what_is_pruned(metadata, goes):
    assert is_pruned(config(**metadata), OWNER) is goes


@pytest.mark.parametrize(
    ("spec", "deletes"),
    [
        ({"prune": True}, True),
        ({"prune": False}, False),
        ({"prune": True, "suspend": True}, False),
        ({"prune": False, "deletionPolicy": "Delete"}, True),
        ({"prune": False, "deletionPolicy": "WaitForTermination"}, True),
        ({"prune": True, "deletionPolicy": "Orphan"}, False),
    ],
)
def test_what_a_kustomization_takes_along(spec, deletes):
    assert deletes_what_it_applied(kustomization(**spec)) is deletes


def test_what_a_run_brings_first():
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "names": {"kind": "Thing"}},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    assert kinds_brought([crd, namespace, config()]) == {("example.org", "Thing")}
    assert namespaces_brought([crd, namespace, config()]) == {"shop"}
    assert str(identity_of(namespace)) == "Namespace shop"
