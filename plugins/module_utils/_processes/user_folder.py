# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The folders of a user's own beside all loops: one for sockets, and one for who has which ports.

Sockets end with the machine, so they go where the system has a folder for that (XDG_RUNTIME_DIR). Who has
which ports outlives it, and is the same in every run, whatever the environment says. Otherwise both are below
the user's home, and in /tmp where there is none.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

NAME = "flux-local"
# A UNIX socket's path ends at 104 bytes on macOS, at 108 on Linux, with a zero (unix(4), unix(7)).
SOCKET_PATH_BYTES = 103
# "/", the loop's key, ".sock", and what supervisor adds to that until it listens: "." and its process number.
SOCKET_NAME_BYTES = 1 + 12 + len(".sock") + len(".4194304")


@dataclass(frozen=True)
class User:
    """Where a user may have folders; ``home`` and ``runtime`` are empty where there is none."""

    uid: int
    home: str
    runtime: str
    temporary: str = "/tmp"  # noqa: S108  # what is there is used only when it is the user's own


def this_user(environment: Mapping[str, str] | None = None) -> User:
    """The user that this process runs as. The home is the system's word, the same in every run."""
    variables = os.environ if environment is None else environment
    uid = os.getuid()
    try:
        home = pwd.getpwuid(uid).pw_dir
    except KeyError:  # a container's, of which the system knows nothing
        home = ""
    return User(uid=uid, home=home, runtime=variables.get("XDG_RUNTIME_DIR", ""))


def socket_folder(user: User) -> str:
    """Where sockets go: the first folder that is the user's own and whose path is short enough."""
    candidates = [f"{user.runtime}/{NAME}"] if _is_private(user.runtime, user.uid) else []
    for folder in (*candidates, *_at_home(user)):
        if len(os.fsencode(folder)) + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES and _is_usable(folder, user.uid):
            return folder
    return _in_temporary(user)


def shared_folder(user: User) -> str:
    """Where the links to a user's loops go."""
    return next((folder for folder in _at_home(user) if _is_usable(folder, user.uid)), _in_temporary(user))


def known_folders(user: User) -> list[str]:
    """The folders that may have sockets and links of any run: those that are there and the user's own."""
    runtime = [f"{user.runtime}/{NAME}"] if os.path.isabs(user.runtime) else []
    candidates = [*runtime, *_at_home(user), *_temporaries(user)]
    return [folder for folder in candidates if _is_own(folder, user.uid)]


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
    if not _is_own(folder, os.getuid()):
        raise LoopError(
            f"{folder}, where sockets and links to the user's loops go, belongs to somebody else. Remove it,"
            " or have its owner do so."
        )
    path.chmod(0o700)


def _at_home(user: User) -> list[str]:
    return [f"{user.home}/.local/state/{NAME}"] if os.path.isabs(user.home) else []


def _temporaries(user: User) -> list[str]:
    first = f"{user.temporary}/{NAME}-{user.uid}"
    return [first, *sorted(map(str, Path(user.temporary).glob(f"{NAME}-{user.uid}-*")))]


def _in_temporary(user: User) -> str:
    """The user's folder in /tmp; where somebody else has taken its name, one that nobody can guess."""
    first, *others = _temporaries(user)
    own = [folder for folder in (first, *others) if _is_own(folder, user.uid)]
    free = [] if os.path.lexists(first) else [first]
    return next(iter((*own, *free)), f"{first}-{secrets.token_hex(8)}")


def _is_own(folder: str, uid: int) -> bool:
    """Whether it is a folder of the user's, and no link to one."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid


def _is_private(folder: str, uid: int) -> bool:
    """Whether it is as XDG_RUNTIME_DIR has to be: the user's own, and closed to everybody else."""
    return os.path.isabs(folder) and _is_own(folder, uid) and os.lstat(folder).st_mode & 0o077 == 0


def _is_usable(folder: str, uid: int) -> bool:
    """Whether the user has the folder for itself and may write to it, or can make it."""
    if os.path.lexists(folder):
        return _is_own(folder, uid) and os.access(folder, os.W_OK | os.X_OK)
    above = next(parent for parent in Path(folder).parents if parent.exists())
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)
