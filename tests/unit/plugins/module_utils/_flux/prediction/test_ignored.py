# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import Path
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.ignored import (
    differs_besides,
    ignored_fields,
    leads_to,
    left_to_others,
    pointer,
)

REPLICAS = ("spec", "replicas")


def web(**spec):
    metadata = {"name": "web", "namespace": "default", "labels": {"app": "web"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def kustomization(**target):
    return {"spec": {"ignore": [{"paths": ["/spec/replicas"], "target": target}]}}


@pytest.mark.parametrize(
    ("target", "is_meant"),
    [
        ({}, True),
        ({"kind": "Deployment", "group": "apps", "version": "v1"}, True),
        ({"kind": "Deploy"}, False),  # the whole of it
        ({"name": "we.*", "namespace": "default"}, True),
        ({"name": "web|api"}, True),
        ({"namespace": "other"}, False),
        ({"labelSelector": "app in (web)"}, True),
        ({"labelSelector": "app!=web"}, False),
        ({"annotationSelector": "any"}, False),
    ],
)
def test_whose_fields_are_left_to_others(target, is_meant):
    assert ignored_fields(kustomization(**target), web()) == ([REPLICAS] if is_meant else [])


def test_without_rules_nothing_is_left_to_others():
    assert ignored_fields({"spec": {}}, web()) == []


def test_pointers():
    assert pointer("/metadata/annotations/a.b~1c~0d") == ("metadata", "annotations", "a.b/c~d")


def test_two_states_differ_besides_what_is_ignored():
    assert not differs_besides(web(replicas=1, size=1), web(replicas=2, size=1), [REPLICAS])
    assert differs_besides(web(replicas=1, size=1), web(replicas=2, size=2), [REPLICAS])
    assert differs_besides(web(size=1), web(size=2), [REPLICAS, ("spec", "none", "at", "0")])


OTHERS: Path = ("f:spec", "f:replicas")


@pytest.mark.parametrize(
    ("owned", "kept"),
    [
        ([], {"replicas": 7, "size": 2}),
        ([OTHERS], {"size": 2}),
        ([("f:spec", "f:size")], {"replicas": 7, "size": 2}),
    ],
)
def test_what_differs_is_adopted_or_where_somebody_applies_it_left_out(owned, kept):
    desired, live = web(replicas=1, size=2), web(replicas=7, size=1)
    assert left_to_others(desired, live, desired, [REPLICAS], owned)["spec"] == kept
    assert desired == web(replicas=1, size=2)


def test_what_is_the_same_is_applied_as_it_is():
    desired = web(replicas=1)
    assert left_to_others(desired, web(replicas=1), desired, [REPLICAS], [OTHERS]) == desired


def test_what_is_gone_stays_gone_and_what_no_manifest_has_cannot_be_adopted():
    desired = web(replicas=1)
    assert left_to_others(desired, web(), desired, [REPLICAS], [])["spec"] == {"replicas": None}
    with pytest.raises(LoopError, match="doc is missing key: /spec/replicas"):
        left_to_others(web(), web(replicas=1), web(), [REPLICAS], [])


@pytest.mark.parametrize(
    ("path", "place", "leads"),
    [
        (("f:spec",), REPLICAS, False),
        (("f:spec", "f:replicas"), REPLICAS, True),
        (("f:spec", "f:replicas", "f:deep"), REPLICAS, True),
        (("f:spec", "f:other"), REPLICAS, False),
        (("f:spec", "f:ports", 'k:{"name":"b"}', "f:port"), ("spec", "ports", "1"), True),
        (("f:spec", "f:ports", 'k:{"name":"a"}', "f:port"), ("spec", "ports", "1"), False),
        (("f:spec", "f:ports", 'k:{"name":"a"}'), ("spec", "ports", "9"), False),
        (("f:spec", "f:8080"), ("spec", "8080"), False),  # to Flux a number is an index
        (("f:spec",), (), False),
    ],
)
def test_which_managed_fields_a_place_has(path, place, leads):
    assert leads_to(path, place, web(ports=[{"name": "a"}, {"name": "b"}])) is leads
