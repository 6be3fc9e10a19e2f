# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from dataclasses import dataclass, field

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Kind,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    NotFoundError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Action,
    creation,
    pruning,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import (
    Predictor,
    live_inventories,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.substitutes import (
    found_substitutes,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

THING = Kind("example.org", "v1", "things", "Thing")
PLACE = Kind("example.org", "v1", "places", "Place", is_namespaced=False)
CONFIG = Kind("", "v1", "configmaps", "ConfigMap")
OWNER = "kustomize.toolkit.fluxcd.io"


@dataclass
class StubbornCluster(MemoryCluster):
    """Answers some requests with an error."""

    refusals: dict[str, ClusterError] = field(default_factory=dict)

    def apply(self, kind, manifest, **options):
        if error := self.refusals.get(manifest["metadata"]["name"]):
            raise error
        return super().apply(kind, manifest, **options)

    def list(self, kind, namespace=None, **options):
        if error := self.refusals.get(kind.name):
            raise error
        return super().list(kind, namespace, **options)


def thing(name="shop", kind="Thing", namespace="default", **spec):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "example.org/v1", "kind": kind, "metadata": metadata, "spec": spec}


def kustomization(*entries, **spec):
    return {
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "spec": spec,
        "status": {"inventory": {"entries": [{"id": entry, "v": "v1"} for entry in entries]}},
    }


@pytest.fixture
def cluster():
    return StubbornCluster(known=(THING, PLACE, CONFIG))


@pytest.fixture
def predictor(cluster):
    return Predictor(cluster)


def one_by_one(call, items):
    return list(map(call, items))


def applied(cluster, item, kind=THING, **labels):
    item = {**item, "metadata": {**item["metadata"], "labels": labels or {f"{OWNER}/name": "shop"}}}
    return cluster.apply(kind, item, manager="kustomize-controller")


def test_created_changed_and_left_as_it_is(cluster, predictor):
    assert predictor.change(thing(size=1), kustomization()).action is Action.CREATED
    cluster.apply(THING, thing(size=1), manager="kustomize-controller")
    assert predictor.change(thing(size=1), kustomization()) is None
    change = predictor.change(thing(size=2), kustomization())
    assert (change.action, change.sentences()) == (Action.CHANGED, ["Thing default/shop: spec.size: 1 -> 2"])
    assert cluster.objects[ObjectRef(THING, "default", "shop")]["spec"] == {"size": 1}


def test_what_another_manager_has_set_is_taken_over_and_what_it_added_stays(cluster, predictor):
    cluster.apply(THING, thing(size=1), manager="kustomize-controller")
    cluster.apply(THING, thing(size=5, colour="red"), manager="somebody", force=True)
    change = predictor.change(thing(size=1), kustomization())
    assert change.sentences() == ["Thing default/shop: spec.size: 5 -> 1"]


def test_what_kubectl_has_added_goes(cluster, predictor):
    cluster.apply(THING, thing(size=1), manager="kustomize-controller")
    cluster.apply(THING, thing(size=1, colour="red"), manager="kubectl")
    change = predictor.change(thing(size=1), kustomization())
    assert change.sentences() == ['Thing default/shop: spec.colour: "red" -> (none)']


def test_what_others_set_stays_where_it_is_left_to_them(cluster, predictor):
    leaves = kustomization(ignore=[{"paths": ["/spec/size"], "target": {"kind": "Thing"}}])
    cluster.apply(THING, thing(size=1, colour="red"), manager="kustomize-controller")
    cluster.apply(THING, thing(size=5), manager="somebody", force=True)
    assert predictor.change(thing(size=1, colour="red"), leaves) is None
    assert predictor.change(thing(size=1, colour="red"), kustomization()).sentences() == [
        "Thing default/shop: spec.size: 5 -> 1"
    ]
    change = predictor.change(thing(size=1, colour="blue"), leaves)
    assert change.sentences() == ['Thing default/shop: spec.colour: "red" -> "blue"']


def test_a_kind_without_a_namespace_has_none_whatever_kustomize_gives_it(cluster, predictor):
    cluster.apply(PLACE, thing(kind="Place", namespace=None, size=1), manager="kustomize-controller")
    assert predictor.change(thing(kind="Place", namespace="default", size=1), kustomization()) is None
    assert predictor.identity(thing(kind="Place")) == Identity("example.org", "Place", "", "shop")


def test_what_the_run_brings_first_makes_creations_of_refusals(cluster, predictor):
    strange = thing(kind="Strange")
    cluster.refusals["far"] = ClusterError("there is no namespace away", 404)
    far = thing("far", namespace="away")
    assert predictor.change(strange, kustomization()).action is Action.REFUSED
    assert predictor.change(far, kustomization()).action is Action.REFUSED
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "stranges.example.org"},
        "spec": {"group": "example.org", "names": {"kind": "Strange"}},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "away"}}
    predictor.expect([crd, namespace])
    assert predictor.change(strange, kustomization()).action is Action.CREATED
    assert predictor.change(far, kustomization()).action is Action.CREATED


IMMUTABLE = ClusterError("spec.size: Invalid value: 2: field is immutable", 422)


@pytest.mark.parametrize(
    ("error", "spec", "action"),
    [
        (IMMUTABLE, {}, Action.REFUSED),
        (IMMUTABLE, {"force": True}, Action.RECREATED),
        (ClusterError("spec.clusterIP: Invalid value: it was set", 422), {"force": True}, Action.RECREATED),
        (ClusterError("expected string, got 1", 500), {"force": True}, Action.REFUSED),
        (ClusterError('User "me" cannot patch resource "things"', 403), {}, Action.UNKNOWN),
        (ClusterError("exceeded quota: small", 403), {}, Action.REFUSED),
        (ClusterError("admission webhook denied the request", 500), {}, Action.REFUSED),
        (NotFoundError("it is gone", 404), {}, Action.REFUSED),
    ],
)
def test_what_the_api_server_says_no_to(cluster, predictor, error, spec, action):
    cluster.apply(THING, thing(size=1), manager="kustomize-controller")
    cluster.refusals["shop"] = error
    change = predictor.change(thing(size=2), kustomization(**spec))
    assert change.action is action
    if action is Action.RECREATED:
        assert [(each.field, each.before, each.after) for each in change.fields] == [("spec.size", "1", "2")]
    else:
        assert error.message in change.message


def test_a_cluster_that_does_not_answer_is_an_error(cluster, predictor):
    cluster.refusals["shop"] = ClusterError("no answer")
    with pytest.raises(ClusterError, match="no answer"):
        predictor.change(thing(), kustomization())


def test_an_object_needs_a_namespace(predictor):
    change = predictor.change(thing(namespace=None), kustomization())
    assert change.action is Action.REFUSED
    assert change.message.startswith("Thing/shop namespace not specified: ")


@pytest.mark.parametrize(
    ("answer", "action", "is_lost"),
    [
        (ClusterError("it already exists", 409, reason="AlreadyExists"), Action.RECREATED, False),
        (ClusterError("spec.size: Invalid value: 99999", 422, reason="Invalid"), Action.REFUSED, True),
        (ClusterError('"me" cannot create resource "things"', 403), Action.RECREATED, False),
        (ClusterError("exceeded quota: small", 403), Action.REFUSED, True),
    ],
)
def test_what_is_created_anew_may_be_refused_then(cluster, predictor, monkeypatch, answer, action, is_lost):
    def answered(_kind, _manifest, *, dry_run):
        assert dry_run
        raise answer

    cluster.apply(THING, thing(size=1), manager="kustomize-controller")
    cluster.refusals["shop"] = IMMUTABLE
    monkeypatch.setattr(cluster, "create", answered)
    change = predictor.change(thing(size=2), kustomization(force=True))
    assert (change.action, change.is_lost) == (action, is_lost)


def test_what_is_encrypted_cannot_be_told(predictor):
    masked = base64.b64encode(b"**SOPS**").decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": masked}}
    assert predictor.change(secret, kustomization()).action is Action.UNKNOWN
    assert predictor.change({**thing(), "sops": {}}, kustomization()).action is Action.UNKNOWN


def test_what_left_the_inventory_is_pruned_as_far_as_flux_owns_it(cluster, predictor):
    owned = {f"{OWNER}/name": "shop", f"{OWNER}/namespace": "flux-system"}
    for name, labels in (("kept", owned), ("gone", owned), ("foreign", {"a": "b"})):
        applied(cluster, thing(name), **labels)
    entries = [f"default_{name}_example.org_Thing" for name in ("kept", "gone", "foreign", "lost")]
    held = kustomization(*entries, "_x_gone.org_Old", prune=True)
    kept = [predictor.identity(thing("kept"))]
    assert [str(change.identity) for change in predictor.prunings(held, kept)] == ["Thing default/gone"]
    gone = {change.identity.name for change in predictor.deletions(held)}
    assert gone == {"kept", "gone"}
    assert predictor.deletions(kustomization(*entries, prune=False)) == []


def test_inventories_are_read_by_kind(cluster, predictor):
    owned = {f"{OWNER}/name": "shop"}
    for name in ("one", "two"):
        applied(cluster, thing(name), **owned)
    applied(cluster, thing("other"), **{f"{OWNER}/name": "other"})
    cluster.refusals["Place"] = ClusterError("not allowed", 403)
    held = kustomization(
        "default_one_example.org_Thing", "default_two_example.org_Thing", "_x_example.org_Place"
    )
    cluster.asked.clear()
    found, unseen = live_inventories(predictor, [held], one_by_one)
    assert {identity.name for identity in found} == {"one", "two"}
    assert unseen == {"Place": "not allowed"}
    assert [asked for asked in cluster.asked if asked.startswith("list")] == [
        f"list things default {OWNER}/name=shop"
    ]


def test_variables_are_those_that_there_will_be(cluster, predictor):
    names = [{"kind": "ConfigMap", "name": name} for name in ("old", "new", "going", "missing")]
    held = kustomization(
        postBuild={"substituteFrom": [*names, {"kind": "ConfigMap", "name": "x", "optional": True}]}
    )

    def config(name):
        metadata = {"name": name, "namespace": "flux-system"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"from": name}}

    cluster.objects[ObjectRef(CONFIG, "flux-system", "old")] = config("old")
    cluster.objects[ObjectRef(CONFIG, "flux-system", "going")] = config("going")
    predictor.take([creation(config("new")), pruning(config("going"))])
    found, missing = found_substitutes(predictor, held, {})
    assert [item["metadata"]["name"] for item in found] == ["old", "new"]
    assert [identity.name for identity in missing] == ["going", "missing"]
