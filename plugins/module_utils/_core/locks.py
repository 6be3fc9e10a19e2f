# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Locks of this machine: the system's own on folders and files, and the marker that client-go makes.

The system gives a lock back when the process that has it ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

LONG_POLL_SECONDS = 0.1  # for what is locked for as long as a run takes


class HeldError(Exception):
    """Another process has the lock; ``holder`` is what it wrote into the file."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


@contextmanager
def locked_folder(folder: str) -> Iterator[None]:
    """The folder for this process alone, after waiting for whoever has it. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def folder_by(folder: str, *, deadline: float) -> Iterator[int]:
    """The folder for this process alone, and for each child that gets the open file that is yielded.

    Such a child keeps the lock when this process is killed. Raises HeldError when another process still has
    it at the ``deadline`` (of ``time.monotonic``), and OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        while not _is_locked_now(descriptor):
            if time.monotonic() >= deadline:
                raise HeldError("")
            time.sleep(LONG_POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def folder_if_free(folder: str) -> Iterator[bool]:
    """Whether nobody has the folder, which then is this process's alone meanwhile. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _is_locked_now(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked_file(path: str, *, mode: int = 0o600) -> Iterator[IO[str]]:
    """The file for this process alone, to read and write, after waiting for whoever has it.

    It is made with the permission bits ``mode`` where there is none, and stays afterwards. Raises OSError.
    """
    with _opened(path, mode) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


@contextmanager
def signed_file(path: str, *, deadline: float, on_wait: Callable[[str], None]) -> Iterator[None]:
    """The file for this process alone, which writes its number into it.

    ``on_wait`` is told once who has it, as that one has signed. Raises HeldError when that is still so at
    the ``deadline`` (of ``time.monotonic``), and OSError when the file cannot be written.
    """
    with _opened(path, 0o600) as stream:
        is_told = False
        while not _is_locked_now(stream.fileno()):
            stream.seek(0)
            holder = stream.read().strip() or "another"
            if time.monotonic() >= deadline:
                raise HeldError(holder)
            if not is_told:
                on_wait(holder)
                is_told = True
            time.sleep(LONG_POLL_SECONDS)
        stream.seek(0)
        stream.truncate()
        stream.write(str(os.getpid()))
        stream.flush()
        yield


@contextmanager
def held_marker(marker: str, *, seconds: float) -> Iterator[None]:
    """The file ``marker`` is there while this goes on, and who else respects it waits for its end.

    This is the lock of client-go, which kubectl and kind use on a kubeconfig: what it keeps apart are those
    who make the file. It outlives a process that is killed. Raises HeldError when it is there for longer
    than ``seconds``, and OSError when it cannot be made.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise HeldError("") from None
            time.sleep(LONG_POLL_SECONDS)
    try:
        yield
    finally:
        if os.path.lexists(marker):
            os.unlink(marker)


def _opened(path: str, mode: int) -> IO[str]:
    # What is damaged names nobody, and is written anew.
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, mode), "r+", encoding="utf-8", errors="replace")


def _is_locked_now(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
