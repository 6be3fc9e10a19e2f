# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.kustomization import (
    is_kustomization,
    referenced_files,
    secret_files,
)


@pytest.mark.parametrize(
    ("text", "files"),
    [
        (
            "resources: [a.yaml, ../shared, https://example.com/x.yaml]",
            ["app/a.yaml", "shared", "app/https:/example.com/x.yaml"],
        ),
        ("components: [c]\ncrds: [crd.yaml]\nresources: [1, {a: b}]", ["app/c", "app/crd.yaml"]),
        (
            "patches: [{path: p.yaml}, {patch: inline}]\npatchesStrategicMerge: [s.yaml]",
            ["app/s.yaml", "app/p.yaml"],
        ),
        ("configMapGenerator: [{name: x, files: [k=../f, g], env: e.env}]", ["f", "app/g", "app/e.env"]),
        ("resources: none\nconfigMapGenerator: {files: [a]}", []),
        ("[]", []),
    ],
)
def test_what_a_kustomization_refers_to_is_called_from_the_root(text, files):
    assert referenced_files("app/kustomization.yaml", yaml.safe_load(text)) == files


def test_only_generators_of_secrets_make_secrets():
    text = "secretGenerator: [{files: [p=../s], envs: [a.env]}, text]\nconfigMapGenerator: [{files: [c]}]"
    assert secret_files("app/kustomization.yaml", yaml.safe_load(text)) == ["s", "app/a.env"]
    assert secret_files("kustomization.yaml", None) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kustomization.yaml", True),
        ("a/Kustomization", True),
        ("a/kustomization.yml", True),
        ("kustomization.json", False),
        ("my-kustomization.yaml", False),
    ],
)
def test_what_kustomize_begins_with(name, expected):
    assert is_kustomization(name) is expected
