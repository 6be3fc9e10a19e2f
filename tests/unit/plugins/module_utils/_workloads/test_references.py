# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import Version
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.references import (
    live_references,
    protected_digests,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rollback import healthy_digests
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

HERE = Reference("localhost:5050", "team/shop")


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def cluster(*objects: tuple[Kind, dict[str, Any], dict[str, Any]]) -> MemoryCluster:
    held = MemoryCluster()
    for kind, spec, status in objects:
        metadata = {"namespace": "apps", "name": "shop", "resourceVersion": "1"}
        held.objects[ObjectRef(kind, "apps", "shop")] = {"metadata": metadata, "spec": spec, "status": status}
    return held


def version(number: int, *tags: str) -> Version:
    return Version(digest(number), tags, Manifest(b"{}"))


VERSIONS = [
    version(1, "1.0.0"),
    version(2, "1.1.0", "latest"),
    version(3, "2.0.0-rc.1"),
    version(4, "main"),
]


@pytest.mark.parametrize(
    ("url", "ref", "expected"),
    [
        ("oci://localhost:5050/team/shop", {"tag": "1.0.0"}, {1: "ref.tag 1.0.0"}),
        ("oci://registry.other:5000/team/shop", None, {2: "ref.tag latest"}),
        ("oci://proxy.example.com/cache/team/shop", {}, {2: "ref.tag latest"}),
        ("oci://localhost:5050/team/shop", {"semver": ">=1.0.0"}, {2: "ref.semver >=1.0.0"}),
        ("oci://localhost:5050/team/shop", {"semver": ">=1.0.0-0"}, {3: "ref.semver >=1.0.0-0"}),
        ("oci://localhost:5050/team/shop", {"semver": "*", "semverFilter": "^1.0"}, {1: "ref.semver *"}),
        ("oci://localhost:5050/team/shop", {"tag": "none"}, {}),
        ("oci://localhost:5050/team/other", {"tag": "1.0.0"}, {}),
        ("oci://localhost:5050/team/other", {"digest": digest(4)}, {4: "ref.digest"}),
    ],
)
def test_what_a_source_asks_for(url, ref, expected):
    spec = {"url": url} | ({} if ref is None else {"ref": ref})
    references = live_references(cluster((OCI_REPOSITORY, spec, {})), HERE)
    protected = protected_digests(references, VERSIONS)
    assert protected == {
        digest(number): [f"OCIRepository apps/shop: {by}"] for number, by in expected.items()
    }


def test_what_is_stored_applied_attempted_and_in_the_history():
    source = {"artifact": {"revision": f"latest@{digest(1)}", "digest": digest(90)}}
    kustomization = {
        "lastAppliedRevision": f"latest@{digest(2)}",
        "lastAttemptedRevision": digest(3),
        "lastAppliedOriginRevision": "main@sha1:abc",
        "history": [
            {"digest": digest(91), "metadata": {"revision": f"latest@{digest(4)}"}},
            {"digest": digest(92), "metadata": {"revision": f"latest@{digest(2)}"}},
        ],
    }
    held = cluster(
        (OCI_REPOSITORY, {"url": "oci://elsewhere/x"}, source), (KUSTOMIZATION, {"path": "."}, kustomization)
    )
    protected = protected_digests(live_references(held, HERE), VERSIONS)
    name = "Kustomization apps/shop"
    assert {number: protected[digest(number)] for number in (1, 2, 3, 4)} == {
        1: ["OCIRepository apps/shop: status"],
        2: [f"{name}: applied", f"{name}: history"],
        3: [f"{name}: attempted"],
        4: [f"{name}: history"],
    }
    assert held.asked == ["list ocirepositories None None", "list kustomizations None None"]


def test_objects_without_a_status_refer_to_nothing():
    assert live_references(cluster((KUSTOMIZATION, {}, {})), HERE) == []


def test_the_version_that_was_healthy_last_is_referred_to_whatever_failed_since():
    """What a rollback needs is what retention keeps: both read the Kustomization's status."""
    failed = [
        {"lastReconciledStatus": "HealthCheckFailed", "metadata": {"revision": f"latest@{digest(9)}"}}
    ] * 5
    status = {"lastAppliedRevision": f"latest@{digest(1)}", "history": failed}
    held = cluster((KUSTOMIZATION, {"sourceRef": {"kind": "OCIRepository", "name": "shop"}}, status))
    kustomization = held.objects[ObjectRef(KUSTOMIZATION, "apps", "shop")]
    assert healthy_digests(kustomization) == [digest(1)]
    assert digest(1) in protected_digests(live_references(held, HERE), VERSIONS)
