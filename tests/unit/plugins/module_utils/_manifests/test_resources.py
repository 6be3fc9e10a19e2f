# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resources import resources


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: api, namespace: shop}\n",
            ["Deployment shop/api"],
        ),
        ("", None),
        ("just text", None),
        ("kind: X\nmetadata: {}\napiVersion: v1\n", None),
        (
            "apiVersion: v1\nkind: NodeList\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: n}}",
            ["Node n"],
        ),
        (
            "{kind: List, items: [{kind: List, items: [{apiVersion: v1, kind: Node, metadata: {name: n}}]}]}",
            ["Node n"],
        ),
    ],
)
def test_what_is_a_manifest(text, expected):
    found = resources(text, "a.yaml")
    assert (None if found is None else [each.title for each in found]) == expected
