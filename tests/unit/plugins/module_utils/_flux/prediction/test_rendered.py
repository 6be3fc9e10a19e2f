# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rendered import (
    normalized,
    read_rendered,
    variables,
    with_variables,
)


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


def test_what_is_rendered_is_read_as_the_controller_reads_it():
    text = (
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  day: "2020-01-01"\n  equal: =\n---\n'
    )
    assert read_rendered(text, [])[0]["data"] == {"day": "2020-01-01", "equal": "="}
    assert read_rendered(" \n", []) == []
    with pytest.raises(LoopError, match="no Kubernetes object"):
        read_rendered("a: 1\n", [])
    with pytest.raises(LoopError, match="cannot be read: line 1: key 'a' is already there"):
        read_rendered("{a: 1, a: 2}\n", [])


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
