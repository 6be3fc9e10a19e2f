# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One run at a time works on a workload: locks of this machine that end with the process that has them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

POLL_SECONDS = 0.1


def lock_folder() -> str:
    """Where the locks of this user are."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "flux-local", "locks")


@contextmanager
def exclusive(
    folder: str,
    server: str,
    workloads: Iterable[str],
    *,
    timeout: float,
    on_wait: Callable[[str, str], None],
) -> Iterator[None]:
    """Be the only one on this machine that works on these workloads of the API server ``server``.

    ``on_wait`` is told each workload that another process works on, and which one. Raises LoopError when
    that takes longer than ``timeout`` seconds, or when the folder cannot be written.
    """
    deadline = time.monotonic() + timeout
    with ExitStack() as held:
        # Always in the same order: two runs never wait for each other.
        for workload in sorted(workloads):
            name = hashlib.sha256(f"{server} {workload}".encode()).hexdigest()
            stream = held.enter_context(_opened(os.path.join(folder, f"{name}.lock")))
            _lock(stream, workload, deadline, timeout, on_wait)
        yield


@contextmanager
def _opened(path: str) -> Iterator[IO[str]]:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
    except OSError as error:
        raise LoopError(
            f"{path} cannot be written: {error.strerror}. It keeps two runs from working on a workload at"
            " once: make its folder writable, or set XDG_CACHE_HOME."
        ) from error
    with stream:
        yield stream


def _lock(
    stream: IO[str], workload: str, deadline: float, timeout: float, on_wait: Callable[[str, str], None]
) -> None:
    is_told = False
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "another"
            if time.monotonic() >= deadline:
                raise LoopError(
                    f"Workload {workload}: process {holder} works on it, and still did after {timeout:g} s."
                    " Wait for it to end, or end it, then run this again."
                ) from None
            if not is_told:
                on_wait(workload, holder)
                is_told = True
            time.sleep(POLL_SECONDS)
        else:
            stream.seek(0)
            stream.truncate()
            stream.write(str(os.getpid()))
            stream.flush()
            return
