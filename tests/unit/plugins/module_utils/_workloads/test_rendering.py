# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import (
    readable_render_error,
)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (
            "✗ failed: lstat /scratch/content/missing.yaml: no such file\n",
            "./shop does not build: failed: lstat ./shop/missing.yaml: no such file",
        ),
        (
            "► building\n✗ malformed /scratch/content/a b.yaml\n\n",
            "./shop does not build: malformed ./shop/a b.yaml",
        ),
        (
            (
                "✗ failed to generate kustomization.yaml: failed to decode Kubernetes YAML from"
                " /scratch/content/a b.yaml: MalformedYAMLError: yaml: line 4: mapping values are not"
                " allowed in"
                " this context <nil>\n"
            ),
            "./shop/a b.yaml:4 does not build: yaml: line 4: mapping values are not allowed in this context",
        ),
        (
            "✗ failed to decode Kubernetes YAML from /scratch/content/b.yaml: missing kind in object\n",
            "./shop/b.yaml does not build: missing kind in object",
        ),
        ("", "./shop does not build: it ended without a word"),
    ],
)
def test_the_users_own_path_is_named(output, told):
    assert readable_render_error(output, "/scratch/content", "./shop") == told
