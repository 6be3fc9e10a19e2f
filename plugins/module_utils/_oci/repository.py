# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What can be done with a repository, whatever holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Descriptor, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Location


class Repository(Protocol):
    """One repository: of a registry, or an OCI image layout.

    Every method raises LoopError when the registry fails or refuses, and may be called from several threads.
    """

    @property
    def reference(self) -> Location:
        """Where it is."""

    def tags(self) -> list[str]:
        """All its tags, in the order of the registry; none where there is no such repository (yet)."""

    def manifest(self, name: str) -> Manifest | None:
        """The manifest under the tag or digest ``name``, None where there is none."""

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        """Make the tag (or digest) ``name`` hold ``manifest``, whose blobs are there."""

    def delete_manifest(self, digest: str) -> None:
        """Remove a manifest and all its tags; one that is not there is no error."""

    def delete_tag(self, tag: str) -> bool:
        """Remove a tag and leave its manifest; one that is not there is no error.

        False where the registry cannot do that: then nothing was removed.
        """

    def has_blob(self, blob: Descriptor) -> bool:
        """Whether the content of ``blob`` is there."""

    def put_blob(self, blob: Descriptor, content: IO[bytes] | bytes, mount_from: str | None = None) -> bool:
        """Store ``content``; false where the registry has it already.

        Where its repository ``mount_from`` has the blob, a registry may take it from there, unsent.
        """

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        """Write the content of ``blob`` to ``into``, verified by size and digest."""


# Opens the repository that the options of a module name. Raises LoopError.
Connect = Callable[[Mapping[str, Any]], Repository]
