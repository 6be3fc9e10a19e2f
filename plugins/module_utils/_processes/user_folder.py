# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a machine that all loops of a user share while it is up: sockets, and who has which ports."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError


def user_folder(uid: int) -> str:
    """Its path: the same in every run, whatever the environment says."""
    return f"/tmp/flux-local-{uid}"  # noqa: S108  # it is used only when it is the user's own


def loop_key(state_dir: str) -> str:
    """What a loop is called in there: short, and the same by all ways to its state folder."""
    return hashlib.sha256(os.path.realpath(state_dir).encode()).hexdigest()[:12]


def make_own(folder: str) -> None:
    """Make the folder, for nobody else. Raises LoopError when it cannot be, or belongs to somebody else."""
    path = Path(folder)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LoopError(
            f"{folder}, where sockets and links to the user's loops go, cannot be made: {error.strerror}."
            " Remove what is in its place, and let the calling user write beside it."
        ) from error
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise LoopError(
            f"{folder}, where sockets and links to the user's loops go, belongs to somebody else. Remove it,"
            " or have its owner do so."
        )
