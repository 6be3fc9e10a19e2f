# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Semver ranges as Flux reads them (github.com/Masterminds/semver/v3 3.5), and the tag it then chooses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver import (
    SemanticVersion,
    parse_version,
)

LONGEST_RANGE = 512  # bytes
MOST_ALTERNATIVES = 32

_SPACE = r"[\t\n\f\r ]"
_NUMBERS = (
    r"v?(?P<major>[0-9|xX*]+)(?:\.(?P<minor>[0-9|xX*]+))?(?:\.(?P<patch>[0-9|xX*]+))?"
    r"(?:-(?P<prerelease>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_UNNAMED = re.sub(r"\?P<[a-z]+>", "?:", _NUMBERS)
_HYPHEN = re.compile(rf"{_SPACE}*({_UNNAMED}){_SPACE}+-{_SPACE}+({_UNNAMED}){_SPACE}*")
_CONDITION = re.compile(rf"(?P<operator>~>|[!><]=|=[><]|[=><~^]|){_SPACE}*{_NUMBERS}")
_BETWEEN = re.compile(rf"{_SPACE}*,{_SPACE}*|{_SPACE}+")


@dataclass(frozen=True)
class _Bound:
    """A version in a range; ``parts`` says how many of its three numbers are given."""

    version: SemanticVersion
    parts: int

    @property
    def is_open(self) -> bool:
        return self.parts < 3

    def starts(self, version: SemanticVersion) -> bool:
        """Whether ``version`` begins with the numbers that are given."""
        return _numbers(version)[: self.parts] == _numbers(self.version)[: self.parts]


def _numbers(version: SemanticVersion) -> tuple[int, int, int]:
    return (version.major, version.minor, version.patch)


def _equals(version: SemanticVersion, bound: _Bound) -> bool:
    return _is_about(version, bound) if bound.is_open else version == bound.version


def _differs(version: SemanticVersion, bound: _Bound) -> bool:
    if bound.parts == 1:
        return version.major != bound.version.major
    if bound.parts == 2:
        # Flux's library takes an open patch for the same version only if the pre-releases are the same, too.
        return not bound.starts(version) or version.prerelease != bound.version.prerelease
    if bound.parts == 0:
        return _numbers(version) != (0, 0, 0) or version.prerelease != bound.version.prerelease
    return version != bound.version


def _is_above(version: SemanticVersion, bound: _Bound) -> bool:
    if not bound.is_open:
        return version > bound.version
    if version.major != bound.version.major:
        return version.major > bound.version.major
    if bound.parts == 1:
        return False
    return version.minor > bound.version.minor if bound.parts == 2 else version > bound.version


def _is_up_to(version: SemanticVersion, bound: _Bound) -> bool:
    if not bound.is_open:
        return version <= bound.version
    if version.major != bound.version.major:
        return version.major < bound.version.major
    return bound.parts == 1 or version.minor <= bound.version.minor


def _is_about(version: SemanticVersion, bound: _Bound) -> bool:
    """``~``: the same minor version, or the same major one where no minor version is given."""
    if version < bound.version:
        return False
    if _numbers(bound.version) == (0, 0, 0) and bound.parts in (0, 3):
        return True  # also ~0.0.0 is anything for Flux's library
    return _numbers(version)[: min(bound.parts, 2)] == _numbers(bound.version)[: min(bound.parts, 2)]


def _is_compatible(version: SemanticVersion, bound: _Bound) -> bool:
    """``^``: the leftmost number that is not zero stays."""
    least = bound.version
    if version < least:
        return False
    if least.major > 0 or bound.parts == 1:
        return version.major == least.major
    if version.major > 0:
        return False
    if least.minor > 0 or bound.parts == 2:
        return version.minor == least.minor
    return version.minor == 0 and version.patch == least.patch


_OPERATORS: dict[str, Callable[[SemanticVersion, _Bound], bool]] = {
    "": _equals,
    "=": _equals,
    "!=": _differs,
    ">": _is_above,
    "<": lambda version, bound: version < bound.version,
    ">=": lambda version, bound: version >= bound.version,
    "=>": lambda version, bound: version >= bound.version,
    "<=": _is_up_to,
    "=<": _is_up_to,
    "~": _is_about,
    "~>": _is_about,
    "^": _is_compatible,
}


@dataclass(frozen=True)
class SemverRange:
    """A range: alternatives, each a list of conditions that have to hold together."""

    text: str
    alternatives: tuple[tuple[tuple[str, _Bound], ...], ...]

    def allows(self, version: SemanticVersion) -> bool:
        """Whether ``version`` is in the range.

        A pre-release is only in an alternative that has a pre-release itself.
        """
        return any(
            (not version.prerelease or any(bound.version.prerelease for _operator, bound in conditions))
            and all(_OPERATORS[operator](version, bound) for operator, bound in conditions)
            for conditions in self.alternatives
        )


def parse_range(text: str) -> SemverRange:
    """The range ``text`` says. Raises LoopError where Flux would not understand it either."""
    if len(text.encode()) > LONGEST_RANGE:
        raise LoopError(
            f"semver: a range may have {LONGEST_RANGE} bytes, this one has {len(text.encode())}. Shorten it."
        )
    alternatives = _HYPHEN.sub(r">= \1, <= \2 ", text).split("||")
    if len(alternatives) > MOST_ALTERNATIVES:
        raise LoopError(
            f"semver: a range may have {MOST_ALTERNATIVES} alternatives, this one has {len(alternatives)}."
        )
    return SemverRange(text, tuple(tuple(_conditions(alternative, text)) for alternative in alternatives))


def _conditions(alternative: str, text: str) -> list[tuple[str, _Bound]]:
    found = []
    rest = alternative.strip("\t\n\f\r ")
    position = 0
    while True:
        match = _CONDITION.match(rest, position)
        bound = _bound(match) if match else None
        if match is None or bound is None:
            raise _unknown(text)
        found.append((match["operator"], bound))
        if match.end() == len(rest):
            return found
        between = _BETWEEN.match(rest, match.end())
        if not between:
            raise _unknown(text)
        position = between.end()


def _unknown(text: str) -> LoopError:
    return LoopError(
        f"semver: {text!r} is no range. Examples: '1.x', '>=1.2.0 <2.0.0', '^1.4', '~2.1.0', '>=1.0.0-0'.",
        semver=text,
    )


def _bound(match: re.Match[str]) -> _Bound | None:
    given: list[str] = []
    for part in ("major", "minor", "patch"):
        if match[part] in (None, "x", "X", "*"):
            break
        given.append(match[part])
    numbers = [*given, "0", "0", "0"][:3]
    prerelease = f"-{match['prerelease']}" if match["prerelease"] else ""
    version = parse_version(".".join(numbers) + prerelease)
    return _Bound(version, len(given)) if version else None


# What Go's regular expressions have and Python's have not: the same thing in Python's words.
_IN_PYTHON = {
    r"\z": r"\Z",
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:word:]": "0-9A-Za-z_",
    "[:xdigit:]": "0-9A-Fa-f",
}
# And the other way round: what looks ahead or back, or refers to a group.
_NOT_IN_GO = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:=|!|<=|<!|#|\()|\(\?P=|\\[1-9Z])")


def tag_filter(pattern: str | None) -> re.Pattern[str]:
    """The regular expression of Flux's ``semverFilter``, for ``search``. Raises LoopError."""
    wanted = pattern or ""
    if found := _NOT_IN_GO.search(wanted):
        raise LoopError(
            f"semver_filter: {wanted!r} has {found[0]!r}, which Flux's regular expressions lack. "
            "Write it without looking around and without references to groups.",
            semver_filter=pattern,
        )
    for go, python in _IN_PYTHON.items():
        wanted = wanted.replace(go, python)
    wanted = re.sub(r"\(\?<([A-Za-z_])", r"(?P<\1", wanted)
    try:
        return re.compile(wanted, re.ASCII)
    except re.error as error:
        raise LoopError(
            f"semver_filter: {pattern!r} is no regular expression: {error}. Correct it.",
            semver_filter=pattern,
        ) from error


def allowed(
    tags: Iterable[str], range_text: str | None, filter_regex: str | None = None
) -> list[tuple[SemanticVersion, str]]:
    """The ``tags`` that match ``filter_regex`` and are versions in the range, the highest version first."""
    wanted = parse_range(range_text) if range_text is not None else None
    pattern = tag_filter(filter_regex)
    known = [
        (version, tag)
        for tag in tags
        if pattern.search(tag)
        and (version := parse_version(tag)) is not None
        and (wanted is None or wanted.allows(version))
    ]
    return sorted(known, key=_by_version, reverse=True)


def _by_version(item: tuple[SemanticVersion, str]) -> Any:
    return item[0]


def choose(tags: Iterable[str], range_text: str, filter_regex: str | None = None) -> str | None:
    """The tag Flux's ``ref.semver`` chooses out of ``tags``, None where none is in the range."""
    return next((tag for _version, tag in allowed(tags, range_text, filter_regex)), None)
