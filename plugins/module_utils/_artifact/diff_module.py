# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module oci_artifact_diff: two artifacts, wherever each of them is, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.content import opened_content
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import (
    Comparison,
    Content,
    compare,
    content_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import check_digest, check_tag
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Connect


@dataclass(frozen=True)
class _Side:
    content: Content
    digest: str | None


def run(params: Mapping[str, Any], *, connect: Connect, with_diff: bool = False) -> dict[str, Any]:
    """The return values of the module for its ``params``. Raises LoopError."""
    for side in ("before", "after"):
        _check(params, side)
    with _opened("before", params, connect) as before, _opened("after", params, connect) as after:
        comparison = compare(*_comparable(before, after))
        return _returned(comparison, before, after) | ({"diff": list(comparison.shown)} if with_diff else {})


def _check(params: Mapping[str, Any], side: str) -> None:
    wanted = params[side]
    if wanted["path"]:
        return
    if not (wanted["url"] or params["url"]):
        raise LoopError(f"{side}: which repository is not said. Set `url`, or `url` in `{side}`.")
    if wanted["tag"]:
        check_tag(wanted["tag"])
    else:
        check_digest(wanted["digest"], side)


@contextmanager
def _opened(side: str, params: Mapping[str, Any], connect: Connect) -> Iterator[_Side]:
    wanted = params[side]
    if wanted["path"]:
        with pack(wanted["path"], ignore=params["ignore"], symlinks=params["symlinks"]) as packed:
            yield _Side(content_of(wanted["path"], packed.archive, {}), None)
        return
    repository = connect({**params, "url": wanted["url"] or params["url"]})
    held = repository.manifest(wanted["tag"] or wanted["digest"])
    name = f":{wanted['tag']}" if wanted["tag"] else f"@{wanted['digest']}"
    label = f"{repository.reference.url}{name}"
    if held is None:
        raise LoopError(f"{side}: {label} does not exist. Correct it, or push it first.", url=label)
    with opened_content(label, held, repository) as content:
        yield _Side(content, held.digest)


def _comparable(before: _Side, after: _Side) -> tuple[Content, Content]:
    """Both contents; without annotations where one side is a folder, which has none."""
    if before.digest and after.digest:
        return before.content, after.content
    return replace(before.content, annotations={}), replace(after.content, annotations={})


def _returned(comparison: Comparison, before: _Side, after: _Side) -> dict[str, Any]:
    return {
        "changed": not comparison.is_equal,
        "before": {"name": before.content.label, "digest": before.digest},
        "after": {"name": after.content.label, "digest": after.digest},
        "files": [file.as_dict() for file in comparison.files],
        "empty_folders": list(comparison.empty_folders),
        "resources": [resource.as_dict() for resource in comparison.resources],
    }
