# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Tags that say where the content is from, or which version follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.gitops.flux_local.plugins.module_utils._content.git_revision import DETACHED
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    check_tag,
    spelled_as_tag,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver import (
    SemanticVersion,
    parse_version,
)

NEXT = "{next}"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# As Flux writes a revision.
_REVISION = re.compile(r"(?:(?P<branch>.*)@)?sha(?:1|256):(?P<commit>[0-9a-f]+)(?P<dirty>-dirty)?")
_SHORT = 7  # digits of a commit, as git abbreviates it
_FIRST = {
    "patch": SemanticVersion(0, 1, 0),
    "minor": SemanticVersion(0, 1, 0),
    "major": SemanticVersion(1, 0, 0),
}


def known_values(revision: str | None) -> dict[str, str]:
    """What the placeholders stand for in an artifact of this ``revision``."""
    match = _REVISION.fullmatch(revision or "")
    if not match:
        return {}
    dirty = match["dirty"] or ""
    values = {"commit": match["commit"] + dirty, "short_commit": match["commit"][:_SHORT] + dirty}
    branch = spelled_as_tag(match["branch"] or "")
    return values | ({"branch": branch} if branch else {})


def filled_in(tags: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """The tags with ``values`` in place of their placeholders, each once. Raises LoopError."""

    def value(tag: str, name: str) -> str:
        if name in values:
            return values[name]
        if name == "next":
            raise LoopError(f"tag: {tag!r} needs `next`: set it to patch, minor or major.", tag=tag)
        if name in ("branch", "commit", "short_commit"):
            raise LoopError(
                f"tag: {tag!r} needs a revision, and none is known that has a {name}. Set `revision` to "
                "branch@sha1:commit, or push from a git checkout.",
                tag=tag,
            )
        raise LoopError(
            f"tag: {tag!r} has the unknown placeholder {{{name}}}. There are {{branch}}, {{commit}}, "
            "{short_commit} and {next}.",
            tag=tag,
        )

    def filled(tag: str) -> str:
        return check_tag(_PLACEHOLDER.sub(lambda match: value(tag, match[1]), tag))

    return list(dict.fromkeys(map(filled, tags)))


def without_a_branch(tags: Sequence[str], revision: str | None) -> list[str]:
    """A warning where ``{branch}`` stands for no branch in one of the ``tags``."""
    named = next((tag for tag in tags if "{branch}" in tag), None)
    match = _REVISION.fullmatch(revision or "")
    if named is None or match is None or match["branch"] != DETACHED:
        return []
    return [
        (
            f"tag: {{branch}} in {named!r} becomes {DETACHED}, since the checkout is on no branch (CI often "
            "checks out a commit alone). Set `revision` to branch@sha1:commit; CI has the branch in a "
            "variable, such as GITHUB_REF_NAME, CI_COMMIT_REF_NAME or BRANCH_NAME."
        )
    ]


def newest_version(tags: Sequence[str]) -> tuple[str, SemanticVersion] | None:
    """The tag with the highest semantic version, None where no tag is one."""
    found = [(version, tag) for tag in tags if (version := parse_version(tag))]
    return max(((tag, version) for version, tag in found), key=lambda pair: pair[1], default=None)


def next_version(newest: SemanticVersion | None, part: str) -> SemanticVersion:
    """The version after ``newest`` when its ``part`` (patch, minor, major) changes; first 0.1.0 or 1.0.0."""
    return newest.bumped(part) if newest else _FIRST[part]
