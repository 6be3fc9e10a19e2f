# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import tarfile

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.certain_builds import (
    LARGEST,
    certainly_builds,
    identities_of,
)

PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: greeting\ndata:\n  text: hello\n"
GREETING = Identity("", "ConfigMap", "default", "greeting")
KUSTOMIZATION = {"spec": {"sourceRef": {"name": "shop"}, "interval": "10m", "prune": True, "wait": True}}


def archive_of(**files):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PLAIN, [GREETING]),
        (f"---\n{PLAIN}---\n{PLAIN}", [GREETING] * 2),
        (PLAIN.replace("v1", "apps/v1beta2"), [Identity("apps", "ConfigMap", "default", "greeting")]),
        (PLAIN.replace("greeting", "greeting\n  namespace: shop"),
         [Identity("", "ConfigMap", "shop", "greeting")]),
        (PLAIN.replace("greeting", "greeting\n  labels:\n    app: shop\n    n: '1'"),
         [GREETING]),
        (PLAIN.replace("hello", "|\n    if a && b; then {\n\n      *\n"), [GREETING]),
        (PLAIN.replace("hello", "|\n    a\tb"), None),
        (PLAIN.replace("hello", "|\n   *a\n  *b"), None),
        (PLAIN.replace("hello", "hello  # for all"), [GREETING]),
        (PLAIN.replace("hello", "[a, 'b', \"c: d\"]"), [GREETING]),
        (PLAIN.replace("hello", "\n    - a: hello\n      b:\n        - c"), [GREETING]),
        (PLAIN.replace("hello", "hello\n    world"), None),
        (PLAIN.replace("ConfigMap", "Secret"), None),
        (PLAIN.replace("greeting", "greeting\n  labels: {app: shop, n: '1'}"), None),
        (PLAIN.replace("hello", "größer"), [GREETING]),
        (PLAIN.replace("hello", "a && b, 2 * 3"), None),
        ("", None),
        ("# nothing\n", None),
        (f"{PLAIN}---\n", [GREETING]),
        ("hello", None),
        ("[1, 2]", None),
        (PLAIN.replace("greeting", "greeting\n  labels:\n    n: 1"), None),
        (PLAIN.replace("greeting", "greeting\n  labels:\n    n: 1e3"), None),
        (PLAIN.replace("greeting", "greeting\n  labels:\n    n: yes"), [GREETING]),
        (PLAIN.replace("greeting", "greeting\n  labels: [n]"), None),
        (PLAIN.replace("greeting", "g\n  annotations:\n    config.kubernetes.io/local-config: 'true'"), None),
        (PLAIN.replace("greeting", "greeting\n  annotations:"), None),
        (PLAIN.replace("greeting", "123"), None),
        (PLAIN.replace("greeting", "off"), None),
        (PLAIN.replace("greeting", "greeting\n  name: twice"), None),
        (PLAIN.replace("hello", "&a hello"), None),
        (PLAIN.replace("hello", "hello\n  text: again"), None),
        (PLAIN.replace("text", "1"), None),
        (PLAIN.replace("hello", "!!binary aGVsbG8="), None),
        (PLAIN.replace("hello", "a\tb"), None),
        (PLAIN.replace("hello", "'unfinished"), None),
        (PLAIN.replace("ConfigMap", "ConfigMapList"), None),
        (PLAIN.replace("apiVersion: v1", "apiVersion: kustomize.config.k8s.io/v1beta1"), None),
        (PLAIN.replace("name: greeting", "generateName: greeting-"), None),
        (PLAIN.replace("kind: ConfigMap\n", ""), None),
        (PLAIN.replace("apiVersion: v1", "apiVersion: 1"), None),
    ],
)  # fmt: skip
def test_what_is_certainly_a_plain_manifest(text, found):
    assert identities_of(text.encode()) == found


def test_what_is_no_utf_8_is_not_certain():
    assert identities_of(PLAIN.replace("hello", "größer").encode("latin-1")) is None


@pytest.mark.parametrize(
    ("files", "spec", "certainly"),
    [
        ({"a__yaml": PLAIN, "notes__txt": "{{", "values__json": "{"}, {}, True),
        ({"a__yaml": PLAIN, "sub/b__yml": PLAIN.replace("greeting", "other")}, {}, True),
        ({}, {}, False),
        ({"notes__txt": "{{"}, {}, False),
        ({"a__yaml": PLAIN, "b__yaml": PLAIN}, {}, False),
        ({"a__yaml": f"{PLAIN}---\n{PLAIN}"}, {}, False),
        ({"a__yaml": PLAIN, "b__yaml": "{{"}, {}, False),
        ({"a__yaml": PLAIN, "kustomization__yaml": "resources: [a.yaml]"}, {}, False),
        ({"a__yaml": PLAIN, "sub/Kustomization": ""}, {}, False),
        ({"a__yaml": PLAIN + f"  more: {'x' * LARGEST}\n"}, {}, False),
        ({"a__yaml": PLAIN}, {"path": "./sub"}, False),
        ({"a__yaml": PLAIN}, {"postBuild": {"substitute": {"a": "b"}}}, False),
        ({"a__yaml": PLAIN}, {"patches": []}, False),
        ({"a__yaml": PLAIN}, {"targetNamespace": "shop"}, False),
        ({"a__yaml": PLAIN}, {"dependsOn": [{"name": "base"}], "timeout": "2m"}, True),
    ],
)
def test_which_folders_certainly_build(files, spec, certainly):
    kustomization = {"spec": KUSTOMIZATION["spec"] | spec}
    assert certainly_builds(kustomization, archive_of(**files)) is certainly
