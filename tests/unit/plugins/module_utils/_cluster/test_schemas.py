# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.schemas import Schemas
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import (
    MemoryCluster,
    descriptions,
)

WEB = Kind("apps", "v1", "webs", "Web")
DESCRIBED = {
    "Web": {
        "properties": {"kind": {}, "spec": {"default": {}, "allOf": [{"$ref": "#/components/schemas/Spec"}]}},
        "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Web"}],
    },
    "Spec": {
        "properties": {
            "size": {"type": "integer"},
            "labels": {"additionalProperties": {"type": "string"}},
            "ports": {"items": {"$ref": "#/components/schemas/Port"}},
            "named": {"additionalProperties": {"$ref": "#/components/schemas/Port"}},
            "free": {"type": "object"},
        },
    },
    "Port": {"properties": {"port": {}}},
}


@pytest.fixture
def cluster():
    return MemoryCluster(texts=descriptions("apis/apps/v1", DESCRIBED))


@pytest.mark.parametrize(
    ("spec", "dropped"),
    [
        ({"size": 1, "labels": {"any": "x"}, "free": {"any": {"thing": 1}}}, []),
        ({"Size": 1}, ["spec.Size"]),
        ({"ports": [{"port": 1}, {"port": 2, "prot": "TCP"}]}, ["spec.ports[1].prot"]),
        ({"named": {"a": {"port": 1, "prot": "x"}}, "b": {"c": 1}}, ["spec.named.a.prot", "spec.b"]),
        ("no object", []),
        ({"ports": "no list"}, []),
    ],
)
def test_the_fields_that_a_kind_does_not_have_are_known(cluster, spec, dropped):
    item, found = Schemas(cluster).known_part(WEB, {"kind": "Web", "spec": spec})
    assert found == dropped
    again, none_left = Schemas(cluster).known_part(WEB, item)
    assert (again, none_left) == (item, [])


def test_where_it_is_not_said_which_fields_there_are_all_are_kept(cluster, monkeypatch):
    item = {"kind": "Thing", "any": 1}
    schemas = Schemas(cluster)
    assert schemas.known_part(Kind("apps", "v1", "things", "Thing"), item) == (item, [])
    assert schemas.known_part(Kind("", "v1", "things", "Thing"), item) == (item, [])

    def refuse(_path):
        raise ClusterError("not allowed", 403)

    monkeypatch.setattr(cluster, "fetch", refuse)
    assert Schemas(cluster).known_part(WEB, item) == (item, [])


def test_what_is_described_once_is_not_read_again(cluster):
    Schemas(cluster).known_part(WEB, {"kind": "Web"})
    cluster.asked.clear()
    later = Schemas(cluster)
    later.known_part(WEB, {"kind": "Web"})
    later.known_part(WEB, {"kind": "Web"})
    assert cluster.asked == ["fetch /openapi/v3"]
