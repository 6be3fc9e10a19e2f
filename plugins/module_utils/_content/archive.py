# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The tar archive inside an artifact, and the gzip layer around it."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import file_errors

CHUNK = 256 * 1024  # bytes
KEPT_IN_MEMORY = 8 * 1024 * 1024  # bytes of an archive; a larger one goes to a temporary file
# Manifests compress almost as well as at level 6, in less than half of the time.
COMPRESSION_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of an archive: ``name`` is relative to its root and has no trailing slash."""

    name: str
    is_folder: bool
    is_executable: bool = False
    source: str = ""


# The content of a file; None for a folder.
Blocks: TypeAlias = "Iterator[bytes] | None"
Members: TypeAlias = "Iterator[tuple[Entry, Blocks]]"


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What tells one version of a file from another: its sha256 (hexadecimal), its size in bytes."""

    digest: str
    size: int
    is_executable: bool


@dataclass
class Layer:
    """A compressed archive, its digest and its size in bytes."""

    content: IO[bytes]
    digest: str
    size: int


class NotAnArchiveError(LoopError):
    """A layer that is no tar archive, or is damaged."""


class _Hashing:
    """A file that hashes and counts what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, block: bytes) -> int:
        self._hash.update(block)
        self._file.write(block)
        self.size += len(block)
        return len(block)

    def flush(self) -> None:
        self._file.flush()


def write_tar(entries: Iterable[Entry], archive: IO[bytes]) -> str:
    """Write ``entries`` to ``archive`` and return the digest of what was written.

    Owner, group and times are zero, modes 0644 or 0755. Long names are GNU's, which Go reads and which need
    no extended headers.
    """
    out = _Hashing(archive)
    for entry in entries:
        if entry.is_folder:
            out.write(_header(entry, 0))
            continue
        with open(entry.source, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            out.write(_header(entry, size))
            _copy_exactly(file, out, size, entry.name)
        out.write(b"\0" * (-size % tarfile.BLOCKSIZE))
    out.write(b"\0" * (2 * tarfile.BLOCKSIZE))
    return out.digest


def _header(entry: Entry, size: int) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.size = size
    info.type = tarfile.DIRTYPE if entry.is_folder else tarfile.REGTYPE
    info.mode = 0o755 if entry.is_folder or entry.is_executable else 0o644
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def _copy_exactly(file: IO[bytes], out: _Hashing, size: int, name: str) -> None:
    left = size
    while left:
        block = file.read(min(CHUNK, left))
        if not block:
            raise LoopError(
                f"{name} became shorter while it was read. Run again when it is complete.", path=name
            )
        out.write(block)
        left -= len(block)


@contextmanager
def compressed(archive: IO[bytes]) -> Iterator[Layer]:
    """The ``archive`` as the gzip layer that is pushed, in memory or, when it is large, a temporary file."""
    with tempfile.SpooledTemporaryFile(max_size=KEPT_IN_MEMORY) as blob:
        with file_errors("The artifact cannot be compressed"):
            layer = _compress(archive, blob)
        yield layer


def _compress(archive: IO[bytes], blob: IO[bytes]) -> Layer:
    out = _Hashing(blob)
    sink: Any = out  # GzipFile needs no more of a file than write and flush
    with gzip.GzipFile(
        filename="", mode="wb", compresslevel=COMPRESSION_LEVEL, fileobj=sink, mtime=0
    ) as packer:
        archive.seek(0)
        while block := archive.read(CHUNK):
            packer.write(block)
    return Layer(blob, out.digest, out.size)


@contextmanager
def decompressed(layer: IO[bytes]) -> Iterator[IO[bytes]]:
    """The archive of a gzip layer of any producer. Raises NotAnArchiveError when it is none."""
    with tempfile.SpooledTemporaryFile(max_size=KEPT_IN_MEMORY) as archive:
        layer.seek(0)
        with (
            file_errors("The artifact cannot be decompressed"),
            gzip_errors(),
            gzip.GzipFile(mode="rb", fileobj=layer) as unpacker,
        ):
            while block := unpacker.read(CHUNK):
                archive.write(block)
        yield archive


def read_tar(archive: IO[bytes]) -> Members:
    """The folders and files of an archive of any producer; a file's content is read before the next entry.

    Other kinds of members are left out, as Flux does. Raises NotAnArchiveError when it is none.
    """
    archive.seek(0)
    with tar_errors(), tarfile.open(fileobj=archive, mode="r:") as tar:
        for member in tar:
            name = os.path.normpath(member.name)
            if name == ".":
                continue
            if member.isdir():
                yield Entry(name, is_folder=True), None
            elif member.isreg():
                content = tar.extractfile(member)
                if content is not None:
                    is_executable = bool(member.mode & 0o111)
                    yield Entry(name, is_folder=False, is_executable=is_executable), _blocks(content)
            tar.members = []  # type: ignore[attr-defined]  # or every header stays in memory


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(CHUNK):
        yield block


def digested(blocks: Iterable[bytes], *, is_executable: bool) -> FileDigest:
    """What tells the file of these blocks from others."""
    digest = hashlib.sha256()
    size = 0
    for block in blocks:
        digest.update(block)
        size += len(block)
    return FileDigest(digest.hexdigest(), size, is_executable)


@contextmanager
def gzip_errors() -> Iterator[None]:
    """Turn what is wrong with a gzip layer into a NotAnArchiveError."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise NotAnArchiveError(
            f"The artifact's layer is no gzip archive that can be read: {error}."
        ) from error


@contextmanager
def tar_errors() -> Iterator[None]:
    """Turn what is wrong with a tar archive into a NotAnArchiveError."""
    try:
        yield
    except tarfile.TarError as error:
        raise NotAnArchiveError(
            f"The artifact's layer is no tar archive that can be read: {error}."
        ) from error
