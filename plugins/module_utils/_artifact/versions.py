# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The versions of an artifact: every manifest of a repository, with all the tags that name it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository

CONNECTIONS = 8  # requests under way at once; more of them only wait for Python here, and for the disk there

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """One manifest, and the tags that name it, in alphabetical order; none where it only has its digest."""

    digest: str
    tags: tuple[str, ...]
    manifest: Manifest

    @property
    def created(self) -> datetime | None:
        """When it was made, by its own annotation; None where that is missing or no time."""
        return created_at(self.manifest)

    @property
    def age_key(self) -> tuple[datetime, str]:
        """What versions are sorted by: the newest is the greatest, those without a time are the oldest."""
        return (self.created or _EARLIEST, self.digest)


def created_at(manifest: Manifest) -> datetime | None:
    """The time in the annotation ``org.opencontainers.image.created`` (RFC 3339)."""
    try:
        created = datetime.fromisoformat(manifest.created or "")
    except (TypeError, ValueError):
        return None
    return created if created.tzinfo else created.replace(tzinfo=UTC)


def versions(repository: Repository, digests: Iterable[str] = ()) -> list[Version]:
    """Every version under a tag, and those of ``digests`` that are still there; the newest first.

    A tag that is removed while this runs is none. Raises LoopError.
    """
    names = list(dict.fromkeys([*repository.tags(), *digests]))
    held = zip(names, for_each(repository.manifest, names, at_once=CONNECTIONS), strict=True)
    return grouped([(name, manifest) for name, manifest in held if manifest is not None])


def grouped(held: Sequence[tuple[str, Manifest]]) -> list[Version]:
    """Tags (or digests) and the manifests under them, by manifest; the newest first."""
    tags: dict[str, set[str]] = {}
    manifests: dict[str, Manifest] = {}
    for name, manifest in held:
        manifests[manifest.digest] = manifest
        tags.setdefault(manifest.digest, set()).update([] if ":" in name else [name])
    found = [Version(digest, tuple(sorted(tags[digest])), manifest) for digest, manifest in manifests.items()]
    return sorted(found, key=lambda version: version.age_key, reverse=True)
