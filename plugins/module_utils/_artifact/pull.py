# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module oci_artifact_pull: a folder holds what an artifact holds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import described
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.selection import Selection
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    Entry,
    Members,
    NotAnArchiveError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.extraction import (
    DEFAULT_LIMITS,
    Limits,
    entries,
    patterns,
    write_tree,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.folder_swap import (
    check_replaceable,
    remove_leftovers,
    replacing,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.names import Names, folds_case
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import (
    ForeignError,
    Tree,
    archive_tree,
    folder_digest,
    folder_entries,
    folder_tree,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import file_errors
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Connect, Repository


@dataclass(frozen=True)
class PullRequest:
    """What of an artifact is wanted, and how much it may be. ``symlinks`` is ``refuse`` or ``skip``."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    media_type: str | None = None
    symlinks: str = "refuse"
    limits: Limits = DEFAULT_LIMITS

    @property
    def takes_all(self) -> bool:
        return not self.include and not self.exclude and self.media_type is None

    def members(self, layer: IO[bytes], dest: str) -> Members:
        """What is wanted of a layer, as far as it may be in ``dest``."""
        return entries(
            layer,
            self.limits,
            symlinks=self.symlinks,
            names=Names(folds_case=folds_case(dest)),
            is_wanted=patterns(self.include, self.exclude),
        )

    def layer_of(self, manifest: Manifest) -> Descriptor:
        """The layer that is wanted: as Flux, the first, or the first of ``media_type``. Raises LoopError."""
        layers = manifest.layers
        found = next((layer for layer in layers if self.media_type in (None, layer.media_type)), None)
        if found is None and not layers:
            raise LoopError(
                f"{manifest.digest} is no artifact with layers, but of the type {manifest.media_type}. "
                "Name another version."
            )
        if found is None:
            known = ", ".join(sorted({layer.media_type for layer in layers}))
            raise LoopError(
                f"media_type: {manifest.digest} has no layer of the type {self.media_type}, only {known}.",
                media_type=self.media_type,
            )
        if found.size > self.limits.decompressed:
            raise LoopError(
                f"max_size: the artifact's layer alone has {found.size} bytes. Raise `max_size` if you trust "
                "whoever made it.",
                max_size=self.limits.size,
            )
        return found


def run(
    params: Mapping[str, Any],
    *,
    connect: Connect,
    check_mode: bool = False,
    with_diff: bool = False,
) -> dict[str, Any]:
    """The return values of the module for its ``params``. Raises LoopError."""
    dest = check_replaceable(params["dest"])
    request = PullRequest(
        params["include"],
        params["exclude"],
        params["media_type"],
        params["symlinks"],
        _limits(params["max_size"], params["max_files"]),
    )
    patterns(request.include, request.exclude)  # raises before anything is fetched
    selection = Selection.from_params(params)
    repository = connect(params)
    selected = selection.find(repository)
    layer = request.layer_of(selected.manifest)
    outcome = pull(repository, selected.manifest, request, dest, check_mode=check_mode, with_diff=with_diff)
    return outcome | {
        "url": repository.reference.url,
        "tag": selected.tag,
        "digest": selected.manifest.digest,
        "folder": params["dest"],
        "media_type": layer.media_type,
        "created": selected.manifest.created,
        "source": selected.manifest.source,
        "revision": selected.manifest.revision,
    }


def _limits(size: int, files: int) -> Limits:
    for option, value in (("max_size", size), ("max_files", files)):
        if value < 1:
            raise LoopError(f"{option}: {value} allows nothing at all. Set a number above 0.")
    return Limits(size, files)


def pull(
    repository: Repository,
    manifest: Manifest,
    request: PullRequest,
    dest: str,
    *,
    check_mode: bool = False,
    with_diff: bool = False,
) -> dict[str, Any]:
    """Make the folder ``dest`` hold what is wanted of an artifact, and nothing else. Raises LoopError.

    Nothing is fetched where ``dest`` has the content digest that the artifact notes.
    """
    if not check_mode:
        remove_leftovers(dest)
    found = _found(dest)
    if found and request.takes_all and manifest.content_digest is not None:
        with file_errors(f"dest: {dest} cannot be read"):
            if folder_digest(found) == manifest.content_digest:
                return _outcome([os.stat(entry.source).st_size for entry in found if not entry.is_folder])
    with _fetched(repository, request.layer_of(manifest)) as layer:
        if found is None and not check_mode and not with_diff:
            with replacing(dest) as staging:
                return _outcome(write_tree(request.members(layer, dest), staging).sizes, changed=True)
        after = archive_tree(request.members(layer, dest))
        with file_errors(f"dest: {dest} cannot be read"):
            before = folder_tree(found or [])
        if found is not None and before == after:
            return _outcome(after.sizes)
        if not check_mode:
            with replacing(dest) as staging:
                write_tree(request.members(layer, dest), staging)
        diff = _diff(dest, before, after) if with_diff else {}
        return _outcome(after.sizes, changed=True) | diff


def _found(dest: str) -> list[Entry] | None:
    """What ``dest`` holds, None where it is missing or holds what no artifact can."""
    try:
        with file_errors(f"dest: {dest} cannot be read"):
            return folder_entries(dest)
    except ForeignError:
        return None
    except LoopError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


@contextmanager
def _fetched(repository: Repository, blob: Descriptor) -> Iterator[IO[bytes]]:
    """A layer in a temporary file, after its size and digest were verified."""
    with tempfile.TemporaryFile() as layer:
        with file_errors("The artifact cannot be stored while it is extracted"):
            repository.fetch_blob(blob, layer)
        try:
            yield layer
        except NotAnArchiveError as error:
            raise LoopError(
                f"{error.message} It is of the type {blob.media_type}; `media_type` chooses another layer.",
                digest=blob.digest,
            ) from error


def _outcome(sizes: Sequence[int], *, changed: bool = False) -> dict[str, Any]:
    return {"changed": changed, "files": len(sizes), "size": sum(sizes)}


def _diff(dest: str, before: Tree, after: Tree) -> dict[str, Any]:
    return {
        "diff": {
            "before": _lines(before),
            "after": _lines(after),
            "before_header": dest,
            "after_header": dest,
        }
    }


def _lines(tree: Tree) -> str:
    lines = [f"{name}/" for name in tree.empty_folders]
    lines += [described(name, file) for name, file in tree.files.items()]
    return "".join(f"{line}\n" for line in sorted(lines))
