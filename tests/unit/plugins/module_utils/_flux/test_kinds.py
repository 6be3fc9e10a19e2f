# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    SOURCE_KINDS,
    dependencies_of,
    source_of,
)


def test_references_of_a_kustomization():
    item = {
        "metadata": {"namespace": "apps", "name": "shop"},
        "spec": {
            "sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "flux-system"},
            "dependsOn": [{"name": "base"}, {"name": "infra", "namespace": "flux-system"}],
        },
    }
    assert source_of(item) == ObjectRef(SOURCE_KINDS["GitRepository"], "flux-system", "repo")
    assert [str(ref) for ref in dependencies_of(item)] == [
        "Kustomization apps/base",
        "Kustomization flux-system/infra",
    ]
