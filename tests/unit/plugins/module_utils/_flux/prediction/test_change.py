# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import identity_of
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Action,
    change_of,
    creation,
    deletes_what_it_applied,
    is_forced,
    is_immutable,
    is_left_alone,
    is_pruned,
    is_undone,
    kinds_brought,
    namespaces_brought,
    normalized,
    pruning,
    read_rendered,
    recreation,
    refusal,
    undone,
    variables,
    with_variables,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask

FLUX = "kustomize.toolkit.fluxcd.io"


def config(data=None, **metadata):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shop", "namespace": "default", **metadata},
        "data": data or {},
    }


def secret(**values):
    item = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "default"}}
    return item | values


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def kustomization(**spec):
    return {"metadata": {"name": "shop", "namespace": "flux-system"}, "spec": spec}


def entry(manager, operation, *paths, **rest):
    fields: dict[str, Any] = {}
    for path in paths:
        place = fields
        for step in path.split("/"):
            place = place.setdefault(f"f:{step}", {})
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **rest}


def test_what_is_rendered_is_read_as_the_controller_reads_it():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  day: 2020-01-01\n---\n"
    assert read_rendered(text, [])[0]["data"] == {"day": "2020-01-01"}
    assert read_rendered(" \n", []) == []
    with pytest.raises(LoopError, match="no Kubernetes object"):
        read_rendered("a: 1\n", [])


def test_texts_of_a_secret_that_the_flux_program_takes_for_numbers_are_those_of_the_manifest():
    # As flux 2.9.5 prints stringData {a: "0123", b: "null", c: "", d: "2020-01-01", e: "text"}.
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x-key\nstringData:\n"
        '  a: 83\n  b: null\n  c: null\n  d: "2020-01-01T00:00:00Z"\n  e: text\n  f: 5\n'
    )
    meant = {"a": "0123", "b": "null", "c": "", "d": "2020-01-01", "e": "other"}
    [item] = read_rendered(text, [secret(stringData=meant), config()])
    read = {key: base64.b64decode(value).decode() for key, value in item["data"].items()}
    assert read == {"a": "0123", "b": "null", "c": "", "d": "2020-01-01", "e": "text", "f": "5"}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", ("spec",)),
        ("Deployment", ("spec", "template", "spec")),
        ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
    ],
)
def test_ports_of_containers_have_a_protocol(kind, path):
    ports = [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]
    spec: dict[str, Any] = {"containers": [{"name": "main", "ports": ports}, {"name": "side"}]}
    for key in reversed(path):
        spec = {key: spec}
    item = normalized({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, **spec})
    for key in path:
        item = item[key]
    assert [port["protocol"] for port in item["containers"][0]["ports"]] == ["TCP", "UDP"]


def test_ports_of_services_have_a_protocol_and_status_and_time_stamps_go():
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x", "creationTimestamp": None}}
    done = normalized({**item, "spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {}}})
    assert done == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": {"ports": [{"port": 80, "protocol": "TCP"}]},
    }
    assert normalized({**item, "spec": None})["spec"] is None


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
    assert is_immutable("spec.selector: Invalid value: field is immutable")
    assert is_immutable("the change of an immutable field is denied")
    assert not is_immutable("spec.ports[0].port: Invalid value: 99999")


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


def test_a_change_names_the_fields_that_differ_and_neither_status_nor_other_metadata():
    live = config({"a": "1"}, resourceVersion="1", labels={"x": "y"}) | {"status": {"a": 1}}
    assert change_of(live, config({"a": "1"}, resourceVersion="2", labels={"x": "y"}), Mask()) is None
    change = change_of(live, config({"a": "2"}, labels={"x": "z"}), Mask())
    assert change is not None
    assert sorted(change.sentences()) == [
        'ConfigMap default/shop: data.a: "1" -> "2"',
        'ConfigMap default/shop: metadata.labels.x: "y" -> "z"',
    ]
    assert change.as_dict()["fields"][0].keys() == {"field", "before", "after"}


def test_secrets_are_masked_in_all_that_is_said():
    mask = Mask()
    before, after = secret(data={"a": encoded("hidden")}), secret(data={"a": encoded("other"), "b": "eA=="})
    changes = [
        change_of(before, after, mask),
        creation(after),
        pruning(before),
        recreation(before, after, mask),
    ]
    for change in filter(None, changes):
        said = f"{change.as_dict()} {change.shown(mask)} {change.sentences()}"
        assert "***" in said or change.action in (Action.CREATED, Action.PRUNED)
        for hidden in ("hidden", "other", encoded("hidden"), encoded("other"), "eA=="):
            assert hidden not in said


def test_what_comes_and_goes_is_shown_whole():
    shown = creation(config({"a": "1"}, uid="u")).shown(Mask())
    assert (shown["before"], shown["after"].splitlines()[-2:]) == ("", ["data:", "  a: '1'"])
    assert "uid" not in shown["after"]
    assert shown["before_header"] == "ConfigMap default/shop in the cluster, none"
    assert shown["after_header"] == "ConfigMap default/shop in the cluster, created by Flux"
    gone = pruning(config({"a": "1"})).shown(Mask())
    assert (gone["before"] != "", gone["after"]) == (True, "")
    assert refusal(config(), "too big").shown(Mask())["after"] == "too big\n"
    assert refusal(config(), "too big").sentences() == ["ConfigMap default/shop: refused: too big"]
    assert not refusal(config(), "not allowed", is_final=False).is_certain
    assert pruning(config()).sentences() == ["ConfigMap default/shop: pruned"]


OWNER = {"name": "shop", "namespace": "flux-system"}
OWNED = {f"{FLUX}/name": "shop", f"{FLUX}/namespace": "flux-system"}


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


def test_variables_come_from_objects_and_the_kustomization_s_own_win():
    found = [config({"a": "1", "b": "two\nlines"}), secret(data={"b": encoded("3"), "c": encoded("4")})]
    assert variables(found) == {"a": "1", "b": "3", "c": "4"}
    assert variables([config({"b": "two\nlines"})]) == {"b": "twolines"}
    given = kustomization(postBuild={"substituteFrom": [{"kind": "ConfigMap"}], "substitute": {"a": "own"}})
    assert with_variables(given, {"a": "1", "b": "2"})["spec"] == {
        "postBuild": {"substitute": {"a": "own", "b": "2"}}
    }
    bare = kustomization(postBuild={"substituteFrom": [{"kind": "ConfigMap"}]}, prune=True)
    assert with_variables(bare, {})["spec"] == {"prune": True}
    always = kustomization(postBuild={"substituteStrategy": "Always"})
    assert with_variables(always, {})["spec"] == {"postBuild": {"substituteStrategy": "Always"}}
