# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module oci_artifact_info: the versions of an artifact, and what is in them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.selection import Selection
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import (
    CONNECTIONS,
    Version,
    versions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import NotAnArchiveError
from ansible_collections.gitops.flux_local.plugins.module_utils._content.extraction import (
    DEFAULT_LIMITS,
    entries,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import archive_tree
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Connect, Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver_ranges import allowed


def run(params: Mapping[str, Any], *, connect: Connect) -> dict[str, Any]:
    """The return values of the module for its ``params``. Raises LoopError."""
    selection = Selection.from_params(params)
    if params["limit"] is not None and params["limit"] < 1:
        raise LoopError(f"limit: {params['limit']} shows nothing. Set a number above 0, or leave it out.")
    repository = connect(params)
    found = selected(versions(repository, [selection.digest] if selection.digest else []), selection)
    shown = found[: params["limit"]]
    described = [_described(version) for version in shown]
    if params["contents"]:
        contents = for_each(partial(_contents, repository), shown, at_once=CONNECTIONS)
        described = [fields | {"contents": files} for fields, files in zip(described, contents, strict=True)]
    return {
        "changed": False,
        "url": repository.reference.url,
        "versions": described,
        "total": len(found),
    }


def selected(every: Sequence[Version], selection: Selection) -> list[Version]:
    """The versions out of ``every`` that are asked for, in its order; those in a range by their version."""
    if selection.digest is not None:
        return [version for version in every if version.digest == selection.digest]
    if selection.tag is not None:
        return [version for version in every if selection.tag in version.tags]
    if selection.semver is None:
        return list(every)
    by_tag = {tag: version for version in every for tag in version.tags}
    in_range = allowed(sorted(by_tag), selection.semver, selection.semver_filter)
    return list({by_tag[tag].digest: by_tag[tag] for _version, tag in in_range}.values())


def _described(version: Version) -> dict[str, Any]:
    manifest = version.manifest
    return {
        "digest": version.digest,
        "tags": list(version.tags),
        "created": manifest.created,
        "source": manifest.source,
        "revision": manifest.revision,
        "content_digest": manifest.content_digest,
        "size": sum(layer.size for layer in manifest.layers),
        "media_type": manifest.media_type,
        "config_media_type": manifest.config.media_type if manifest.config else None,
        "layers": [
            {"media_type": layer.media_type, "digest": layer.digest, "size": layer.size}
            for layer in manifest.layers
        ],
        "annotations": manifest.annotations,
    }


def _contents(repository: Repository, version: Version) -> list[dict[str, Any]] | None:
    """The files of the first layer, which is the one Flux takes; None where it is no tar+gzip archive."""
    if not version.manifest.layers:
        return None
    with tempfile.TemporaryFile() as layer:
        repository.fetch_blob(version.manifest.layers[0], layer)
        try:
            files = archive_tree(entries(layer, DEFAULT_LIMITS, symlinks="skip")).files
        except NotAnArchiveError:
            return None
    return [
        {
            "name": name,
            "digest": f"sha256:{file.digest}",
            "size": file.size,
            "is_executable": file.is_executable,
        }
        for name, file in sorted(files.items())
    ]
