# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A folder that takes another one's place in one step."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import file_errors
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import (
    folder_if_free,
    locked_folder,
)

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # Linux, renameat2(2)
_RENAME_SWAP = 2  # macOS, renamex_np(2)
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


def check_replaceable(folder: str) -> str:
    """The real path of ``folder``, or LoopError where replacing all of it would hit more than an artifact."""
    path = os.path.realpath(folder)
    here = os.getcwd()
    reason, remedy = None, "Name a folder of its own"
    if os.path.lexists(path) and not os.path.isdir(path):
        reason = "is no folder"
    elif path == os.path.realpath(Path.home()):
        reason = "is your home folder"
    elif os.path.commonpath([path, here]) == path:
        reason = "is the folder you are in, or above it"
    elif os.path.ismount(path):
        reason = "is the root of a file system"
    elif _is_checkout(path):
        reason = "is a git checkout"
        remedy += ", or remove its .git if an earlier pull has brought it"
    if reason:
        raise LoopError(
            f"dest: {folder} {reason}, and everything in it would be replaced. {remedy}.", dest=folder
        )
    return path


def _is_checkout(folder: str) -> bool:
    """Whether git keeps anything of ``folder``: in its objects, or in another place that a file leads to.

    A pull once brought whatever was named ``.git``; the next one may take away what keeps nothing.
    """
    repository = os.path.join(folder, ".git")
    if not os.path.isdir(repository) or os.path.islink(repository):
        return os.path.lexists(repository)
    return any(files for _path, _folders, files in os.walk(os.path.join(repository, "objects")))


@contextmanager
def replacing(folder: str) -> Iterator[str]:
    """An empty folder beside ``folder`` that takes its place when the block ends without an exception.

    ``folder`` (a real path) keeps its mode. Whenever this is interrupted, ``folder`` has its old content or
    the new; ``remove_leftovers`` removes what a killed run leaves beside it.
    """
    parent, prefix = _staging(folder)
    with ExitStack() as held:
        with file_errors(f"dest: {folder} cannot be written"):
            os.makedirs(parent, exist_ok=True)
            with locked_folder(parent):  # or it would be taken for a leftover before it is locked itself
                staging = tempfile.mkdtemp(prefix=prefix, dir=parent)
                held.callback(shutil.rmtree, staging, ignore_errors=True)
                held.enter_context(locked_folder(staging))
        yield staging
        with file_errors(f"dest: {folder} cannot be replaced"):
            mode = stat.S_IMODE(os.stat(folder).st_mode) if os.path.isdir(folder) else 0o755
            os.chmod(staging, mode)
            _put_in_place(staging, folder)


def _put_in_place(staging: str, folder: str) -> None:
    """Rename; afterwards, what was in ``folder`` is in ``staging``."""
    if not os.path.lexists(folder):
        os.rename(staging, folder)
    elif not _exchanged(staging, folder):
        old = tempfile.mkdtemp(prefix=f"{os.path.basename(staging)}-", dir=os.path.dirname(folder))
        os.rename(folder, old)
        try:
            os.rename(staging, folder)
        except OSError:
            os.rename(old, folder)
            raise
        os.rename(old, staging)


def _exchanged(one: str, other: str) -> bool:
    """Swap two folders in one step; False where the system or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(other))
    if sys.platform == "darwin":
        failed = libc.renamex_np(*names, _RENAME_SWAP)
    elif hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    else:
        return False
    number = ctypes.get_errno()
    if failed and number not in _NO_EXCHANGE:
        raise OSError(number, os.strerror(number), one)
    return not failed


def _staging(folder: str) -> tuple[str, str]:
    """Where the folders are that will take the place of ``folder``, and how their names begin."""
    parent, name = os.path.split(folder)
    return parent, f".pull-{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}-"


def remove_leftovers(folder: str) -> None:
    """Remove what runs that were killed left beside ``folder``: what nobody holds a lock on."""
    parent, prefix = _staging(folder)
    if not os.path.isdir(parent):
        return
    with os.scandir(parent) as scan:
        leftovers = [child.path for child in scan if child.name.startswith(prefix)]
    for leftover in leftovers:
        with suppress(OSError), locked_folder(parent), folder_if_free(leftover) as is_free:
            if is_free:
                shutil.rmtree(leftover, ignore_errors=True)
