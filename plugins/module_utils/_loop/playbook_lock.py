# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A lock on a loop that belongs to one process, and ends with it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import locked_file
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import process_start

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock. ``started`` tells it from a later process with the same number."""

    pid: int
    started: str
    command: str
    since: str


def take(
    lock_file: str,
    owner: Owner,
    *,
    timeout: float,
    on_wait: Callable[[Owner], None] | None = None,
) -> float:
    """Hold the lock for ``owner``; returns how many seconds another one had it.

    ``on_wait`` is told each holder that has to be waited for, once. Raises LoopError naming the holder after
    ``timeout`` seconds, or when the lock file cannot be written.
    """
    began = time.monotonic()
    told: Owner | None = None
    while True:
        with _guarded(lock_file) as stream:
            holder = _holder(stream.read())
            if holder is None or (holder.pid, holder.started) == (owner.pid, owner.started):
                stream.seek(0)
                stream.truncate()
                stream.write(json.dumps(asdict(owner)))
                return time.monotonic() - began if holder is None else 0.0
        if time.monotonic() - began > timeout:
            raise LoopError(
                f"Another playbook works on this loop since {holder.since}: process {holder.pid}, "
                f"{holder.command}. It still held {lock_file} after {timeout:g} s. Wait for it to end, or "
                "end it, then run this one again."
            )
        if on_wait and holder != told:
            on_wait(holder)
            told = holder
        time.sleep(POLL_SECONDS)


def release(lock_file: str, owner: Owner) -> None:
    """Let others have the lock that ``owner`` holds; one that it does not hold is left alone."""
    with _guarded(lock_file) as stream:
        holder = _holder(stream.read())
        if holder is not None and (holder.pid, holder.started) == (owner.pid, owner.started):
            stream.seek(0)
            stream.truncate()


def _holder(text: str) -> Owner | None:
    """Who holds the lock, None when nobody does any more."""
    try:
        holder = Owner(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    return holder if process_start(holder.pid) == holder.started else None


@contextlib.contextmanager
def _guarded(lock_file: str) -> Iterator[IO[str]]:
    try:
        Path(lock_file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked_file(lock_file) as stream:
            yield stream
    except OSError as error:
        # A full disk shows only when the file is closed.
        raise LoopError(
            f"{lock_file} cannot be written: {error.strerror}. Remove it if it is not a file, or choose a "
            "state folder with free space that the calling user may write to (flux_local_state_dir)."
        ) from error
