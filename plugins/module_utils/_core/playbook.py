# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A module ends with its playbook: one that was killed does nothing any more, wherever its modules run."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

try:
    import psutil
except ImportError:
    psutil = None

POLL_SECONDS = 1.0
GRACE_SECONDS = 15.0  # longer than a request that was begun may take

_is_watched = threading.Lock()


@dataclass(frozen=True)
class Ancestor:
    """A process, itself or one it descends from: its number and its arguments."""

    pid: int
    command: tuple[str, ...] = ()


def end_with_playbook() -> None:
    """Raise KeyboardInterrupt in the main thread once the playbook has ended that this process works for.

    What does not end then is ended. Called again, it does nothing more.
    """
    if not _is_watched.acquire(blocking=False):
        return
    signal.signal(signal.SIGTERM, interrupted)
    links = to_be_watched(_ancestors(), os.getsid(0))
    threading.Thread(target=_end_when_orphaned, args=(links,), daemon=True).start()


def interrupted(_number: int, _frame: object) -> NoReturn:
    """A signal's handler: raises KeyboardInterrupt, once: another one would interrupt the cleaning up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def to_be_watched(ancestors: Sequence[Ancestor], session: int) -> list[tuple[int, int]]:
    """The processes, each with its parent, that are there as long as the playbook is.

    ``ancestors`` begin with the process itself. A playbook forks for each task, and its fork has the same
    arguments: from there up, nothing matters (a playbook outlives the shell it was started from). Where there
    is no such fork, as on another host, the ``session`` is that of one connection, and its leader the last.
    """
    pairs = list(itertools.pairwise(ancestors))
    fork = [child.pid for child, parent in pairs if child.command and child.command == parent.command]
    last = fork[0] if fork else session
    links = [(child.pid, parent.pid) for child, parent in pairs]
    up_to = next((place for place, (pid, _parent) in enumerate(links, 1) if pid == last), 1)
    return links[:up_to]


def _ancestors() -> list[Ancestor]:
    own = Ancestor(os.getpid())
    if psutil is None:
        return [own, Ancestor(os.getppid())]
    process = psutil.Process()
    return [_described(one) for one in (process, *process.parents())]


def _described(process: psutil.Process) -> Ancestor:
    try:
        return Ancestor(process.pid, tuple(process.cmdline()))
    except psutil.Error:
        return Ancestor(process.pid)


def _parent_of() -> Callable[[int], int | None]:
    """How to ask for a process's parent; None of one that has ended."""

    def by_library(pid: int) -> int | None:
        try:
            return int(psutil.Process(pid).ppid())
        except psutil.Error:
            return None

    return by_library if psutil else lambda _pid: os.getppid()


def _end_when_orphaned(links: Sequence[tuple[int, int]]) -> None:
    parent_of = _parent_of()
    while all(parent_of(pid) == parent for pid, parent in links):
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)  # a thread waits for something; nobody reads what this process would say
