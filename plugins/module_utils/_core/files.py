# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Files: read when they may be missing, replaced in one step, and what an error of the file system says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

SCRATCH = ".new-"  # how the name of a file begins that has not taken its place yet


@contextmanager
def file_errors(what: str) -> Iterator[None]:
    """Turn an error of the file system into a LoopError that begins with ``what``."""
    try:
        yield
    except OSError as error:
        room = f"leave room in {tempfile.gettempdir()}, or set TMPDIR"
        raise LoopError(f"{what}: {error}. Make it readable and writable, and {room}.") from error


def read_bytes(path: str) -> bytes | None:
    """The file's content, or None where there is none. Raises LoopError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LoopError(
            f"{path} cannot be read: {error.strerror}. Make it readable for the calling user."
        ) from error


def write_atomically(path: str, content: bytes, *, mode: int) -> None:
    """Replace the file in one step, with these permission bits; a missing folder is made with 0700.

    A power cut leaves the old content or the new. Raises LoopError when it cannot be written.
    """
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing_file(path, mode=mode) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise LoopError(
            f"{path} cannot be written: {error.strerror}. Give the calling user a state folder with free "
            "space that it may write to (flux_local_state_dir)."
        ) from error


@contextmanager
def replacing_file(path: str, *, mode: int, prefix: str = SCRATCH) -> Iterator[IO[bytes]]:
    """A file beside ``path``, its name begun by ``prefix``, that takes its place when the block is done.

    The file at ``path`` stays as it is when the block raises. Raises OSError.
    """
    handle, scratch = tempfile.mkstemp(prefix=prefix, dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        os.chmod(scratch, mode)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
