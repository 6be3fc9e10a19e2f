# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The versions that a registry holds against the one that is applied."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.stored import stored_digests
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import (
    CONNECTIONS,
    Version,
    grouped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository

OLDER_SHOWN = 5  # versions that are listed besides those that are newer than the applied one


@dataclass(frozen=True)
class Held:
    """What a repository holds, the newest first; ``problem`` says why that is not known."""

    versions: tuple[Version, ...] = ()
    problem: str = ""


def lag(held: Held, applied: str) -> dict[str, Any]:
    """How far the digest ``applied`` is behind what the registry holds.

    ``behind`` is the number of versions that are newer, None where that is not known: the registry did not
    answer, or does not hold the applied one (any more).
    """
    position = next((n for n, version in enumerate(held.versions) if version.digest == applied), None)
    last = OLDER_SHOWN if position is None else position + OLDER_SHOWN
    return {
        "behind": position,
        "newest": _described(held.versions[0]) if held.versions else None,
        "versions": [_described(version) for version in held.versions[:last]],
        "versions_total": len(held.versions),
    }


def _described(version: Version) -> dict[str, Any]:
    created = version.created
    return {
        "digest": version.digest,
        "tags": list(version.tags),
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ") if created else None,
    }


def read_held(
    urls: Iterable[str],
    connect: Callable[[str], Repository],
    *,
    storage_dir: str | None,
    seconds: float,
) -> Mapping[str, Held]:
    """What the repositories of ``urls`` hold. After ``seconds``, what is still unread counts as not known."""
    deadline = time.monotonic() + seconds

    def read(url: str) -> tuple[str, Held]:
        try:
            return url, Held(tuple(_versions(connect(url), storage_dir, deadline)))
        except LoopError as error:
            return url, Held(problem=error.message)

    return dict(for_each(read, dict.fromkeys(urls), at_once=CONNECTIONS))


def _versions(repository: Repository, storage_dir: str | None, deadline: float) -> Sequence[Version]:
    names = list(repository.tags())
    if storage_dir:
        names += stored_digests(storage_dir, repository.reference)
    held = []
    for name in dict.fromkeys(names):
        if time.monotonic() > deadline:
            raise LoopError(
                f"not all {len(names)} versions of {repository.reference.url} could be read in time. Remove "
                "what nobody needs with prune.yml."
            )
        manifest = repository.manifest(name)
        if manifest is not None:
            held.append((name, manifest))
    return grouped(held)
