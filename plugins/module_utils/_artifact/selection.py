# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which version of an artifact the options ``tag``, ``digest``, ``semver`` and ``semver_filter`` name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import check_digest, check_tag
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver_ranges import (
    choose,
    parse_range,
    tag_filter,
)

# The options of the documentation fragment `version`.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "tag": {"type": "str"},
    "digest": {"type": "str"},
    "semver": {"type": "str"},
    "semver_filter": {"type": "str"},
}
EXCLUSIVE = ("tag", "digest", "semver")
NAMED_IN_A_MESSAGE = 10


@dataclass(frozen=True)
class Selection:
    """As in the ``ref`` of Flux's OCIRepository: one of tag, digest and semver, else the tag ``latest``."""

    tag: str | None = None
    digest: str | None = None
    semver: str | None = None
    semver_filter: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Selection:
        """The options among a module's ``params``. Raises LoopError where they cannot name a version."""
        wanted = cls(**{name: params.get(name) for name in cls.__dataclass_fields__})
        if wanted.tag is not None:
            check_tag(wanted.tag)
        if wanted.digest is not None:
            check_digest(wanted.digest, "digest", digest=wanted.digest)
        if wanted.semver is not None:
            parse_range(wanted.semver)
        if wanted.semver_filter is not None and wanted.semver is None:
            raise LoopError("semver_filter: it belongs to `semver`, which is missing. Set `semver` too.")
        tag_filter(wanted.semver_filter)
        return wanted

    def find(self, repository: Repository) -> Selected:
        """The version there is. Raises LoopError where there is none."""
        if self.digest is not None:
            held = repository.manifest(self.digest)
            if held is None:
                raise LoopError(
                    f"digest: {repository.reference.url} holds no {self.digest}. Correct it, or push it "
                    "first.",
                    url=repository.reference.url,
                )
            return Selected(None, held)
        tag = self.tag or "latest"
        if self.semver is not None:
            tag = self._chosen(repository)
        held = repository.manifest(tag)
        if held is None:
            raise LoopError(
                f"tag: {repository.reference.url} has no tag {tag}{_others(repository.tags())}.",
                url=repository.reference.url,
                tag=tag,
            )
        return Selected(tag, held)

    def _chosen(self, repository: Repository) -> str:
        tags = repository.tags()
        tag = choose(tags, self.semver or "", self.semver_filter)
        if tag is None:
            matching = f" that matches {self.semver_filter!r}" if self.semver_filter else ""
            raise LoopError(
                f"semver: {repository.reference.url} has no tag{matching} in the range {self.semver!r}"
                f"{_others(tags)}.",
                url=repository.reference.url,
                semver=self.semver,
            )
        return tag


@dataclass(frozen=True)
class Selected:
    """A version that is there; ``tag`` is None where it was named by its digest."""

    tag: str | None
    manifest: Manifest


def _others(tags: Sequence[str]) -> str:
    if not tags:
        return ". It has no tags at all: push an artifact first, or correct the url"
    shown = some_of(sorted(tags, reverse=True), NAMED_IN_A_MESSAGE)
    return f". It has {shown}: use one of these, or push it first"
