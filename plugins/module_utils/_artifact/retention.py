# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which versions of an artifact are kept, and which go: a decision without a registry or a clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import Version
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver import (
    SemanticVersion,
    parse_version,
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+[smhdw])+")
# How cosign and the fallback of the referrers API name what belongs to another manifest
# (OCI distribution spec, "Referrers Tag Schema").
_COMPANION = re.compile(r"sha256-(?P<hex>[a-f0-9]{64})(?:\.[a-z]+)?")

Protected = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Rules:
    """What to keep. A version is kept as soon as one of them says so.

    ``keep_last`` counts in the ``order`` of time (``created``) or of semantic versions (``semver``);
    ``keep_tags`` are patterns as of a shell; ``keep_latest_of`` is ``major``, ``minor`` or None.
    """

    keep_last: int | None = None
    keep_newer_than: timedelta | None = None
    keep_tags: tuple[str, ...] = ()
    keep_latest_of: str | None = None
    order: str = "created"

    def __post_init__(self) -> None:
        if self.keep_last is not None and self.keep_last < 0:
            raise LoopError(f"keep_last: {self.keep_last} is no number of versions. Set 0 or more.")
        if not self.is_any:
            raise LoopError(
                "Nothing says what to keep. Set keep_last, keep_newer_than, keep_tags or keep_latest_of; "
                "keep_last=0 keeps only what is referred to."
            )

    @property
    def is_any(self) -> bool:
        """Whether there is a rule at all."""
        return bool(
            self.keep_last is not None or self.keep_newer_than or self.keep_tags or self.keep_latest_of
        )


@dataclass(frozen=True)
class Decision:
    """Whether a version is kept, and every reason for that, or why none holds."""

    version: Version
    is_kept: bool
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As a module returns it."""
        created = self.version.created
        return {
            "digest": self.version.digest,
            "tags": list(self.version.tags),
            "created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if created else None,
            "kept": self.is_kept,
            "why": list(self.reasons),
        }


def parse_duration(text: str, option: str) -> timedelta:
    """The time that ``text`` says, such as ``90m``, ``7d`` or ``1d12h``. Raises LoopError."""
    if not _DURATION.fullmatch(text):
        raise LoopError(
            f"{option}: {text!r} is no duration. Write numbers with s, m, h, d or w, such as 12h or 30d."
        )
    total = timedelta()
    for number, unit in re.findall(r"(\d+)([smhdw])", text):
        try:
            total += timedelta(**{_UNITS[unit]: int(number)})
        except OverflowError as error:
            raise LoopError(f"{option}: {text!r} is longer than any time there is. Set less.") from error
    return total


def retain(versions: Sequence[Version], rules: Rules, protected: Protected, now: datetime) -> list[Decision]:
    """What becomes of each of ``versions``, in the order in which they count.

    ``protected`` are digests that are kept whatever the rules say, each with who needs it. What signs or
    describes another version (cosign's tags) shares its fate and is not counted; so do the parts of an index.
    """
    ranked = sorted(versions, key=lambda version: _rank(version, rules.order), reverse=True)
    counted = [version for version in ranked if not _subjects(version)]
    kept = {
        version.digest: reasons
        for place, version in enumerate(counted, start=1)
        if (reasons := tuple(_reasons(version, place, len(counted), rules, now)))
    }
    for version in _latest_of_each(counted, rules.keep_latest_of):
        kept[version.digest] = (*kept.get(version.digest, ()), f"latest {rules.keep_latest_of}")
    for version in ranked:
        if needed_by := protected.get(version.digest):
            kept[version.digest] = (*needed_by, *kept.get(version.digest, ()))
    _keep_what_belongs_to_kept(ranked, kept, set(protected))
    places = {version.digest: place for place, version in enumerate(counted, start=1)}
    return [
        Decision(version, True, kept[version.digest])
        if version.digest in kept
        else Decision(version, False, _why_removed(version, places.get(version.digest), rules, now))
        for version in ranked
    ]


def semantic_version(version: Version) -> SemanticVersion | None:
    """The highest semantic version among the tags of ``version``."""
    return max(filter(None, map(parse_version, version.tags)), default=None)


def _rank(version: Version, order: str) -> tuple[Any, ...]:
    semver = semantic_version(version)
    by_semver = (semver is not None, semver or SemanticVersion(0, 0, 0))
    age, digest = version.age_key
    # Within the same second, the higher version is the newer one.
    return (age, *by_semver, digest) if order == "created" else (*by_semver, age, digest)


def _reasons(version: Version, place: int, total: int, rules: Rules, now: datetime) -> Iterator[str]:
    if rules.keep_last is not None and place <= rules.keep_last:
        yield f"keep_last: number {place} of {total}"
    if rules.keep_newer_than is not None:
        if version.created is None:
            # Of what has no time nobody can say that it is old.
            yield "keep_newer_than: it does not say when it was created"
        elif now - version.created <= rules.keep_newer_than:
            yield f"keep_newer_than: {_age(now - version.created)} old"
    for tag in version.tags:
        yield from (
            f"keep_tags: {tag} is like {pattern}" for pattern in rules.keep_tags if fnmatchcase(tag, pattern)
        )


def _latest_of_each(versions: Sequence[Version], line: str | None) -> list[Version]:
    if line is None:
        return []
    latest: dict[tuple[int, ...], tuple[SemanticVersion, Version]] = {}
    for version in versions:
        semver = semantic_version(version)
        if semver is None or semver.prerelease:
            continue
        key = (semver.major,) if line == "major" else (semver.major, semver.minor)
        if key not in latest or semver > latest[key][0]:
            latest[key] = (semver, version)
    return [version for _semver, version in latest.values()]


def _subjects(version: Version) -> set[str]:
    """The digests that a version belongs to by its tags; none for one that stands for itself."""
    matches = [_COMPANION.fullmatch(tag) for tag in version.tags]
    return {f"sha256:{match['hex']}" for match in matches if match} if all(matches) else set()


def _keep_what_belongs_to_kept(
    versions: Sequence[Version], kept: dict[str, tuple[str, ...]], protected: set[str]
) -> None:
    """Add to ``kept`` what signs a version that stays, and what an index that stays consists of."""
    is_growing = True
    while is_growing:
        is_growing = False
        staying = protected | set(kept)
        parts = {
            part: version
            for version in versions
            if version.digest in staying
            for part in version.manifest.parts
        }
        for version in versions:
            if version.digest in kept:
                continue
            subject = next(iter(sorted(_subjects(version) & staying)), None)
            if subject:
                kept[version.digest] = (f"belongs to {subject}, which is kept",)
            elif version.digest in parts:
                kept[version.digest] = (f"part of {parts[version.digest].digest}, which is kept",)
            is_growing = is_growing or version.digest in kept


def _why_removed(version: Version, place: int | None, rules: Rules, now: datetime) -> tuple[str, ...]:
    if place is None:
        return (f"belongs to {', '.join(sorted(_subjects(version)))}, which is not kept",)
    reasons = []
    if rules.keep_last is not None:
        reasons.append(f"keep_last: number {place}, {rules.keep_last} are kept")
    if rules.keep_newer_than is not None and version.created is not None:
        reasons.append(f"keep_newer_than: {_age(now - version.created)} old")
    if rules.keep_tags:
        reasons.append("keep_tags: none of its tags is like one of them")
    if rules.keep_latest_of:
        reasons.append(f"keep_latest_of: not the latest {rules.keep_latest_of}")
    return tuple(reasons)


def _age(age: timedelta) -> str:
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
