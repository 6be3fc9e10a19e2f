# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Files: read when they may be missing, replaced in one step, and what an error of the file system says."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

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
    except IsADirectoryError as error:
        raise LoopError(f"{path} is a folder, where a file is expected. Remove or rename it.") from error
    except OSError as error:
        raise LoopError(
            f"{path} cannot be read: {error.strerror}. Make it readable for the calling user."
        ) from error


def read_text(path: str) -> str | None:
    """The file's text, or None where there is none; bytes that are not UTF-8 are replaced.

    Raises LoopError when it cannot be read.
    """
    content = read_bytes(path)
    return None if content is None else content.decode(errors="replace")


def read_json_object(path: str, *, what: str, remedy: str) -> dict[str, Any] | None:
    """The object that the file holds, or None where there is no file.

    Raises LoopError that says ``what`` the file is and the ``remedy``, where it holds anything else.
    """
    content = read_bytes(path)
    return None if content is None else json_object(content, path=path, what=what, remedy=remedy)


def json_object(content: bytes, *, path: str, what: str, remedy: str) -> dict[str, Any]:
    """The object that the content of the file at ``path`` is, as ``read_json_object`` says it."""
    try:
        found = json.loads(content.decode())
    except UnicodeDecodeError:
        wrong = "it is not UTF-8"
    except (ValueError, RecursionError) as error:
        wrong = f"it is not JSON ({error})" if content.strip() else "it is empty"
    else:
        if isinstance(found, dict):
            return found
        wrong = "it does not hold an object"
    raise LoopError(f"{path} cannot be read as {what}: {wrong}. {remedy}")


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
