# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the folder of a registry on this machine holds of a repository, also what no tag names any more."""

from __future__ import annotations

import os

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    Location,
    Reference,
    is_digest,
)

# Where the registry program keeps the revisions of a repository, tagged or not.
_REVISIONS = "docker/registry/v2/repositories/{repository}/_manifests/revisions/sha256"


def stored_digests(storage_dir: str, reference: Location) -> list[str]:
    """The manifests of a repository in the folder of a registry, also those that lost their last tag.

    Raises LoopError for a folder that is no registry's, or that cannot be read.
    """
    if not isinstance(reference, Reference):
        raise LoopError("storage_dir: the url is no registry's, so it has no folder. Leave it out.")
    if not os.path.isdir(os.path.join(storage_dir, "docker")):
        raise LoopError(
            f"storage_dir: {storage_dir} is no folder of a registry: it has no folder docker. Name the "
            "rootdirectory in the registry's configuration."
        )
    folder = os.path.join(storage_dir, _REVISIONS.format(repository=reference.repository))
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LoopError(f"storage_dir: {folder} cannot be read: {error.strerror}.") from error
    # What was deleted leaves an empty folder behind.
    return [
        f"sha256:{name}"
        for name in names
        if is_digest(f"sha256:{name}") and os.path.exists(os.path.join(folder, name, "link"))
    ]
