# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import (
    Comparison,
    Content,
    compare,
    content_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import FileDigest
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import (
    Mask,
)

SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: shop}\nspec: {ports: [{port: 80}]}\n"
)
DEPLOYMENT = """\
# what runs
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: proxy
          image: proxy:1
        - name: api
          image: api:1
          args: [serve]
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"aHVudGVyMg=="}}'
stringData:
  password: hunter2
  user: shop
"""


@pytest.fixture
def differ(tmp_path: Path):
    """Compares two folders, each given as contents by name; None is an empty folder."""

    def write(root: Path, files: dict[str, Any]) -> Path:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    def compared(before: dict[str, Any], after: dict[str, Any]) -> Comparison:
        with (
            pack(str(write(tmp_path / "before", before))) as one,
            pack(str(write(tmp_path / "after", after))) as other,
        ):
            return compare(
                content_of("before", one.archive, {}),
                content_of("after", other.archive, {"team": "shop"}),
                Mask(b"key"),
            )

    return compared


def shown(comparison: Comparison, header: str) -> tuple[str, str]:
    """What is shown under a header."""
    found = [one for one in comparison.shown if header in (one["before_header"], one["after_header"])]
    assert len(found) == 1, [one["before_header"] for one in comparison.shown]
    return found[0]["before"], found[0]["after"]


def test_a_changed_manifest_is_shown_by_the_fields_that_differ(differ):
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 3").replace("api:1", "api:2")
    comparison = differ(
        {"api.yaml": DEPLOYMENT + "---\n" + SERVICE}, {"api.yaml": SERVICE + "---\n" + changed}
    )
    assert [each.as_dict() for each in comparison.resources] == [
        {
            "change": "changed",
            "api_version": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "api",
            "file": "api.yaml",
            "previous_file": "api.yaml",
            "fields": [
                {"field": "spec.replicas", "before": "2", "after": "3"},
                {
                    "field": "spec.template.spec.containers[api].image",
                    "before": '"api:1"',
                    "after": '"api:2"',
                },
            ],
        }
    ]
    assert shown(comparison, "Deployment shop/api (api.yaml)") == (
        'spec.replicas: 2\nspec.template.spec.containers[api].image: "api:1"\n',
        'spec.replicas: 3\nspec.template.spec.containers[api].image: "api:2"\n',
    )
    assert len(comparison.shown) == 2  # the list of files, and this


def test_files_that_come_go_and_change(differ):
    before = {"gone.txt": "x\n", "a.txt": "one\n", "b.bin": b"\0\1", "same": "s", "e": "", "empty": None}
    after = {"new.txt": "y\n", "a.txt": "two\n", "b.bin": b"\0\2", "same": "s", "e": "", "other": None}
    comparison = differ(before, after)
    assert [(each.name, each.change, each.form) for each in comparison.files] == [
        ("a.txt", "changed", "text"),
        ("b.bin", "changed", "binary"),
        ("gone.txt", "removed", "text"),
        ("new.txt", "added", "text"),
    ]
    assert comparison.empty_folders == ["empty", "other"]
    assert not comparison.is_equal
    assert shown(comparison, "a.txt") == ("one\n", "two\n")
    assert shown(comparison, "new.txt") == ("", "y\n")
    listed = shown(comparison, "after")
    assert listed[1].splitlines()[0] == "team: shop"
    assert [line.split("  ")[0] for line in listed[0].splitlines()] == [
        "a.txt",
        "b.bin",
        "gone.txt",
        "empty/",
    ]
    assert "2 bytes" in listed[0]


def test_the_same_is_equal_and_annotations_do_not_count(differ):
    comparison = differ({"a.yaml": DEPLOYMENT, "d": None}, {"a.yaml": DEPLOYMENT, "d": None})
    assert comparison.is_equal
    assert [(one["before"], one["after"]) for one in comparison.shown] == [("", "team: shop\n")]


def test_a_comment_is_shown_as_text(differ):
    comparison = differ({"a.yaml": DEPLOYMENT}, {"a.yaml": DEPLOYMENT.replace("what runs", "what serves")})
    assert comparison.resources == []
    assert shown(comparison, "a.yaml")[1].startswith("# what serves\n")


def test_resources_move_between_files(differ):
    before = {"all.yaml": DEPLOYMENT + "---\n" + SERVICE}
    comparison = differ(before, {"one.yaml": DEPLOYMENT, "two.yaml": SERVICE.replace("80", "81")})
    assert [(each.change, each.resource.file) for each in comparison.resources] == [
        ("moved", "one.yaml"),
        ("changed", "two.yaml"),
    ]
    assert shown(comparison, "Service shop/api (two.yaml)") == (
        "spec.ports[80].port: 80\n",
        "spec.ports[81].port: 81\n",
    )


def test_the_same_name_in_a_base_and_an_overlay_are_two(differ):
    overlay = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\n"
    overlay += "spec: {replicas: %d}\n"
    comparison = differ(
        {"base/a.yaml": DEPLOYMENT, "overlay/a.yaml": overlay % 5},
        {"base/a.yaml": DEPLOYMENT.replace("api:1", "api:2"), "overlay/a.yaml": overlay % 6},
    )
    assert [(each.resource.file, [one.field for one in each.fields]) for each in comparison.resources] == [
        ("base/a.yaml", ["spec.template.spec.containers[api].image"]),
        ("overlay/a.yaml", ["spec.replicas"]),
    ]


def everything(comparison: Comparison) -> str:
    return json.dumps([list(comparison.shown), [each.as_dict() for each in comparison.resources]])


ENCODED = base64.b64encode(b"hunter2").decode()
HOLDING = {
    "a manifest": {"s.yaml": SECRET},
    "in base64": {"s.yaml": SECRET.replace("stringData", "data").replace("hunter2", ENCODED)},
    "beside what is no resource": {"s.yaml": "a: 1\n---\n" + SECRET},
    "a list": {
        "s.yaml": yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(SECRET)]})
    },
    "json": {"s.json": json.dumps(yaml.safe_load(SECRET))},
    "not YAML": {"s.yaml": SECRET + "x: [\n"},
    "literals": {"kustomization.yaml": "secretGenerator:\n  - name: db\n    literals: [password=hunter2]\n"},
    "a file": {
        "k/kustomization.yaml": "secretGenerator:\n- name: db\n  files: [p=../password.txt]\n",
        "password.txt": "hunter2",
    },
    "an environment": {
        "kustomization.yaml": "secretGenerator:\n- {name: db, envs: [db.env]}\n",
        "db.env": "password=hunter2\n",
    },
    "an inline patch": {"kustomization.yaml": yaml.safe_dump({"patches": [{"patch": SECRET}]})},
}


@pytest.mark.parametrize("files", HOLDING.values(), ids=HOLDING)
def test_no_value_of_a_secret_is_shown(differ, files):
    def replaced(content: str) -> str:
        other = base64.b64encode(b"correct horse").decode()
        return content.replace("hunter2", "correct horse").replace(ENCODED, other)

    changed = {name: replaced(content) for name, content in files.items()}
    comparison = differ({"x": "1"} | files, {"x": "1"} | changed)
    told = everything(comparison)
    for secret in (
        "hunter2",
        "correct horse",
        ENCODED,
        "aHVudGVyMg",
        base64.b64encode(b"correct horse").decode(),
    ):
        assert secret not in told
    assert len(comparison.shown) > 1  # that it differs is shown


def test_an_unchanged_value_of_a_secret_does_not_differ(differ):
    comparison = differ({"s.yaml": SECRET}, {"s.yaml": SECRET.replace("user: shop", "user: other")})
    assert [each.field for each in comparison.resources[0].fields] == ["stringData.user"]
    assert Mask().value("a") != Mask().value("a")  # or values could be tried out


def test_a_bomb_of_anchors_is_text():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n{bomb}"
    sides = {"before": manifest, "after": manifest + "more: 1\n"}

    def reading(text: str) -> Callable[[Collection[str]], Mapping[str, bytes]]:
        return lambda _names: {"a.yaml": text.encode()}

    contents = [
        Content(label, {"a.yaml": FileDigest(label, 1, False)}, read=reading(text))
        for label, text in sides.items()
    ]
    comparison = compare(contents[0], contents[1])
    assert comparison.resources == []
    assert comparison.shown[-1]["after"].endswith("more: 1\n")
