# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module oci_artifact_tag: tags are added, moved and removed; content is not touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.selection import (
    EXCLUSIVE,
    Selection,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import check_tag
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.refusals import HOW_TO_ALLOW_DELETION
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Connect, Repository


def run(
    params: Mapping[str, Any],
    *,
    connect: Connect,
    check_mode: bool = False,
    with_diff: bool = False,
) -> dict[str, Any]:
    """The return values of the module for its ``params``. Raises LoopError."""
    tags = list(dict.fromkeys(check_tag(tag) for tag in params["tags"]))
    if not tags:
        raise LoopError("tags: it is empty. Name at least one tag.")
    selection = _selection(params)
    repository = connect(params)
    held = {tag: repository.manifest(tag) for tag in tags}
    if selection is None:
        wanted, changes = None, [tag for tag in tags if held[tag] is not None]
        if not check_mode:
            _remove(repository, changes)
    else:
        wanted = selection.find(repository).manifest
        changes = [tag for tag in tags if held[tag] != wanted]
        if params["immutable"]:
            _refuse_moves(repository, {tag: held[tag] for tag in changes}, wanted)
        if not check_mode:
            for tag in changes:
                repository.put_manifest(tag, wanted)
    before = {tag: manifest.digest if manifest else None for tag, manifest in held.items()}
    after = dict.fromkeys(tags, wanted.digest if wanted else None)
    diff = {"diff": {"before": _lines(before), "after": _lines(after)}} if with_diff else {}
    return {
        "changed": bool(changes),
        "url": repository.reference.url,
        "digest": wanted.digest if wanted else None,
        "tags": tags,
        "previous": {tag: before[tag] for tag in changes},
    } | diff


def _selection(params: Mapping[str, Any]) -> Selection | None:
    """Which version gets the tags; None where they are removed. Raises LoopError."""
    named = [option for option in EXCLUSIVE if params[option] is not None]
    if params["state"] == "present":
        if not named:
            raise LoopError("tag: which version gets the tags is not said. Set `tag`, `digest` or `semver`.")
        return Selection.from_params(params)
    if named:
        raise LoopError(
            f"{named[0]}: tags are removed whatever they name. Leave `{named[0]}` out; those "
            "to remove are listed in `tags`."
        )
    return None


def _remove(repository: Repository, tags: Sequence[str]) -> None:
    for tag in tags:
        if not repository.delete_tag(tag):
            raise LoopError(
                f"url: the registry of {repository.reference.url} does not allow to remove the tag {tag}. "
                f"{HOW_TO_ALLOW_DELETION}",
                url=repository.reference.url,
                tag=tag,
            )


def _refuse_moves(repository: Repository, held: Mapping[str, Manifest | None], wanted: Manifest) -> None:
    moved = [tag for tag, manifest in held.items() if manifest is not None]
    if moved:
        raise LoopError(
            f"immutable: {', '.join(moved)} of {repository.reference.url} already "
            f"{'name' if len(moved) > 1 else 'names'} something else than {wanted.digest}. Use another tag, "
            "or set immutable=false to move it.",
            url=repository.reference.url,
            tags=moved,
        )


def _lines(tags: Mapping[str, str | None]) -> str:
    return "".join(f"{tag}: {digest}\n" for tag, digest in sorted(tags.items()) if digest)
