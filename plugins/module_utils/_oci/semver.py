# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic versions as Flux reads them in tags (github.com/fluxcd/pkg/version on Masterminds' semver)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, total_ordering

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?"
    rf"(?:-(?P<prerelease>{_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)
LARGEST_NUMBER = 2**64 - 1


@total_ordering
@dataclass(frozen=True)
class SemanticVersion:
    """A version in the order of https://semver.org, where build metadata do not count."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""

    @cached_property
    def _key(self) -> tuple[object, ...]:
        # A release comes after its pre-releases; in those, numbers come before words.
        identifiers = [
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in (self.prerelease.split(".") if self.prerelease else [])
        ]
        return (self.major, self.minor, self.patch, not self.prerelease, identifiers)

    def __lt__(self, other: object) -> bool:
        return self._key < other._key if isinstance(other, SemanticVersion) else NotImplemented

    def __str__(self) -> str:
        suffix = f"-{self.prerelease}" if self.prerelease else ""
        return f"{self.major}.{self.minor}.{self.patch}{suffix}"

    def bumped(self, part: str) -> SemanticVersion:
        """The next ``major``, ``minor`` or ``patch`` release; that of a pre-release, where it is one."""
        if part == "major":
            ends = self.prerelease and not self.minor and not self.patch
            return SemanticVersion(self.major + (not ends), 0, 0)
        if part == "minor":
            return SemanticVersion(self.major, self.minor + (not (self.prerelease and not self.patch)), 0)
        return SemanticVersion(self.major, self.minor, self.patch + (not self.prerelease))


def parse_version(text: str) -> SemanticVersion | None:
    """The version of a tag, with or without a leading ``v``; None where it is none.

    It has to have two dots, though not between numbers: Flux takes ``1.2-rc.1`` for ``1.2.0-rc.1``.
    """
    match = _VERSION.fullmatch(text) if text.count(".") > 1 else None
    if not match:
        return None
    prerelease = match["prerelease"] or ""
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in prerelease.split(".")):
        return None
    major, minor, patch = (int(match[part] or 0) for part in ("major", "minor", "patch"))
    if max(major, minor, patch) > LARGEST_NUMBER:
        return None
    return SemanticVersion(major, minor, patch, prerelease)
