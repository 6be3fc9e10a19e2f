# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of Flux that the collection knows, and which objects one of them names."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
)

REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"


OCI_REPOSITORY = Kind("source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository")
KUSTOMIZATION = Kind("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization")
SOURCE_KINDS = {
    kind.name: kind
    for kind in (
        OCI_REPOSITORY,
        Kind("source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository"),
        Kind("source.toolkit.fluxcd.io", "v1", "buckets", "Bucket"),
        Kind("source.toolkit.fluxcd.io", "v1", "externalartifacts", "ExternalArtifact"),
    )
}


def source_of(kustomization: Object) -> ObjectRef:
    """The source that a Kustomization names in ``spec.sourceRef``."""
    reference = kustomization["spec"]["sourceRef"]
    namespace = reference.get("namespace") or kustomization["metadata"]["namespace"]
    return ObjectRef(SOURCE_KINDS[reference["kind"]], namespace, reference["name"])


def dependencies_of(kustomization: Object) -> list[ObjectRef]:
    """The Kustomizations that ``spec.dependsOn`` names."""
    namespace = kustomization["metadata"]["namespace"]
    return [
        ObjectRef(KUSTOMIZATION, dependency.get("namespace") or namespace, dependency["name"])
        for dependency in kustomization["spec"].get("dependsOn", [])
    ]
