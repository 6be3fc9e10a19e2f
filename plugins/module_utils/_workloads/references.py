# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which versions of an artifact Flux refers to in a cluster: asked for, stored, applied or tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import Version
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ref_of
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    DIGEST,
    Location,
    Reference,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver_ranges import choose


@dataclass(frozen=True)
class LiveReference:
    """What a cluster refers to: a ``digest``, or what an OCIRepository's ref selects. ``by`` says who."""

    by: str
    digest: str | None = None
    tag: str | None = None
    semver: str | None = None
    semver_filter: str | None = None


def live_references(cluster: Cluster, repository: Location) -> list[LiveReference]:
    """All references of a cluster to versions of ``repository``. Raises ClusterError.

    A digest counts wherever it stands, since nothing else has the same one. A tag counts where the source's
    repository has the same path; its host does not, because a cluster may reach the registry by another.
    """
    return [
        *_of_sources(cluster.list(OCI_REPOSITORY).items, repository),
        *_of_kustomizations(cluster.list(KUSTOMIZATION).items),
    ]


def protected_digests(
    references: Iterable[LiveReference], versions: Sequence[Version]
) -> dict[str, list[str]]:
    """The digests that ``references`` name or select among ``versions``, each with who refers to it."""
    by_tag = {tag: version.digest for version in versions for tag in version.tags}
    protected: dict[str, list[str]] = {}
    for reference in references:
        for digest in _selected(reference, by_tag):
            protected.setdefault(digest, []).append(reference.by)
    return {digest: list(dict.fromkeys(users)) for digest, users in protected.items()}


def _of_sources(sources: Sequence[Object], repository: Location) -> Iterator[LiveReference]:
    for source in sources:
        name = str(ref_of(OCI_REPOSITORY, source))
        for digest in digests_in(source.get("status", {})):
            yield LiveReference(f"{name}: status", digest=digest)
        ref = source["spec"].get("ref") or {}
        if ref.get("digest"):
            yield LiveReference(f"{name}: ref.digest", digest=ref["digest"])
        if _is_same_path(source["spec"]["url"], repository):
            yield _of_ref(name, ref)


def _of_ref(name: str, ref: Mapping[str, Any]) -> LiveReference:
    """What a ref selects besides a digest, which Flux prefers; in a while it may be without one."""
    if ref.get("semver"):
        by = f"{name}: ref.semver {ref['semver']}"
        return LiveReference(by, semver=ref["semver"], semver_filter=ref.get("semverFilter"))
    tag = ref.get("tag") or "latest"
    return LiveReference(f"{name}: ref.tag {tag}", tag=tag)


def _of_kustomizations(kustomizations: Sequence[Object]) -> Iterator[LiveReference]:
    fields = {"lastAppliedRevision": "applied", "lastAttemptedRevision": "attempted", "history": "history"}
    for kustomization in kustomizations:
        name = str(ref_of(KUSTOMIZATION, kustomization))
        for field, word in fields.items():
            for digest in digests_in(kustomization.get("status", {}).get(field)):
                yield LiveReference(f"{name}: {word}", digest=digest)


def digests_in(value: Any) -> list[str]:
    """Every digest in the texts of a part of an object, such as ``latest@sha256:0123...``, in their order."""
    if isinstance(value, str):
        return DIGEST.findall(value)
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return list(dict.fromkeys(digest for each in below for digest in digests_in(each)))


def _is_same_path(url: str, repository: Location) -> bool:
    """Whether a source's url may be this repository, also through a proxy that puts a path in front."""
    if not isinstance(repository, Reference):
        return False
    path = url.removeprefix("oci://").partition("/")[2]
    mine = repository.repository
    return path == mine or path.endswith(f"/{mine}") or mine.endswith(f"/{path}")


def _selected(reference: LiveReference, by_tag: Mapping[str, str]) -> list[str]:
    if reference.digest:
        return [reference.digest]
    tag = reference.tag
    if reference.semver is not None:
        tag = choose(by_tag, reference.semver, reference.semver_filter)
    return [by_tag[tag]] if tag is not None and tag in by_tag else []
