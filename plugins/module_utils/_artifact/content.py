# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact in a repository holds: its archive, or what can be said of another kind of artifact."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import Content, content_of
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    FileDigest,
    NotAnArchiveError,
    decompressed,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository


@contextmanager
def opened_archive(held: Manifest, repository: Repository) -> Iterator[IO[bytes] | None]:
    """The archive of an artifact, None where it is of another kind: an index, an image, a single file."""
    layers = held.layers
    if len(layers) != 1 or not layers[0].media_type.endswith("tar+gzip"):
        yield None
        return
    with tempfile.TemporaryFile() as blob:
        repository.fetch_blob(layers[0], blob)
        with decompressed(blob) as archive:
            yield archive


@contextmanager
def opened_content(label: str, held: Manifest | None, repository: Repository) -> Iterator[Content]:
    """One side of a comparison: nothing for None; for what is no archive, its layers as they are named."""
    with ExitStack() as stack:
        yield _content(label, held, repository, stack) if held else Content(label)


def _content(label: str, held: Manifest, repository: Repository, stack: ExitStack) -> Content:
    try:
        archive = stack.enter_context(opened_archive(held, repository))
        if archive is not None:
            return content_of(label, archive, held.annotations)
    except NotAnArchiveError:
        pass
    return Content(label, _named_layers(held), annotations=held.annotations)


def _named_layers(held: Manifest) -> dict[str, FileDigest]:
    layers = {
        f"layer {number}, {layer.media_type}": layer for number, layer in enumerate(held.layers, start=1)
    }
    files = {
        name: FileDigest(layer.digest.removeprefix("sha256:"), layer.size, False)
        for name, layer in layers.items()
    }
    digest = held.digest.removeprefix("sha256:")
    return files or {f"something else, {held.media_type}": FileDigest(digest, len(held.body), False)}
