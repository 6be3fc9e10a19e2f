# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.places import (
    Manifests,
    WorkloadOrigin,
)

WEB = """\
# A Service and what it serves
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - port: 80
    - name: admin
      port: 99999
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: two
"""
DEFINITION = """\
kind: CustomResourceDefinition
metadata: {name: orders.shop.example.com}
spec: {group: shop.example.com, names: {kind: Order}}
"""


@pytest.fixture
def folder(tmp_path):
    shop = tmp_path / "mein laden"
    (shop / "sub").mkdir(parents=True)
    (shop / "sub" / "web.yaml").write_text(WEB)
    (shop / "broken.yaml").write_text("a: [1\n")
    (shop / "text.md").write_text("kind: Service\n")
    (shop / "latin.yml").write_bytes(b"a: \xe4\n")
    (shop / "list.json").write_text('["neither kind nor name"]')
    return shop


@pytest.mark.parametrize(
    ("kind", "name", "field", "place"),
    [
        ("Service", "web", "", "sub/web.yaml:2"),
        ("Service", "web", "spec.ports[1].port", "sub/web.yaml:10"),
        # As far as it is there: what is required and missing has no line.
        ("Service", "web", "spec.selector.app", "sub/web.yaml:7"),
        ("Deployment", "web", "spec.replicas", "sub/web.yaml:16"),
        ("Deployment", "shop", "", ""),
    ],
)
def test_where_an_object_and_its_fields_are_written(folder, kind, name, field, place):
    with pack(str(folder)) as packed:
        found = Manifests(packed.path, packed.archive).place_of(kind, name, field)
    assert found == (f"{folder}/{place}" if place else "")


def test_which_fields_an_object_has_in_its_manifest(folder):
    with pack(str(folder)) as packed:
        manifests = Manifests(packed.path, packed.archive)
        asked = ["metadata.uid", "spec.ports", "spec.ports[1].name", "spec.ports[2]", "status"]
        assert manifests.written("Service", "web", asked) == ["spec.ports", "spec.ports[1].name"]
        assert manifests.written("Service", "shop", asked) == []


def test_a_workload_that_is_one_file_is_named_by_it(tmp_path):
    file = tmp_path / "web.yaml"
    file.write_text(WEB)
    with pack(str(file)) as packed:
        manifests = Manifests(packed.path, packed.archive)
        assert manifests.place_of("Deployment", "web") == f"{file}:12"
        assert manifests.file("web.yaml") == str(file)


def test_what_multiplies_is_refused_with_its_place(tmp_path):
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    (tmp_path / "glob.yaml").write_text("a: &a 1\nb: *\nc: *a\n")
    (tmp_path / "bomb.yaml").write_text(bomb)
    with pack(str(tmp_path)) as packed:
        manifests = Manifests(packed.path, packed.archive)
        with pytest.raises(LoopError, match=rf"{tmp_path}/bomb\.yaml:\d+: its aliases repeat"):
            manifests.refuse_unbounded()
        assert manifests.place_of("a0", "x") == ""
    (tmp_path / "bomb.yaml").unlink()
    with pack(str(tmp_path)) as packed:
        Manifests(packed.path, packed.archive).refuse_unbounded()


def test_who_brings_the_definition_of_a_kind(folder, tmp_path):
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "orders.yaml").write_text(DEFINITION)
    with pack(str(folder)) as shop, pack(str(tmp_path / "crds")) as crds:
        listed = {name: Manifests(one.path, one.archive) for name, one in (("shop", shop), ("crds", crds))}
        origin = WorkloadOrigin("127.0.0.1:5001", listed["shop"], listed)
        assert origin.bringer_of("Order", "shop.example.com") == "crds"
        assert origin.bringer_of("Order", "example.com") == ""
        assert origin.file("sub") == f"{folder}/sub"
        assert origin.place_of("Service", "web") == f"{folder}/sub/web.yaml:2"
        assert origin.written("Service", "web", ["status", "spec"]) == ["spec"]
