# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The files of an artifact's layer, whoever made it: read within limits, refused by name, written safely.

Nothing here trusts what an archive says of itself: sizes are counted while it is decompressed, and a name is
only used when all of its parts are plain.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, cast

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    CHUNK,
    Blocks,
    Entry,
    Members,
    NotAnArchiveError,
    gzip_errors,
    tar_errors,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.names import (
    OF_VERSION_CONTROL,
    REMEDIES,
    Names,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.refusal import refuse
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import Tree
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import file_errors

with suppress(ImportError):  # module.require() names what is missing
    from pathspec import GitIgnoreSpec

LARGEST_READ = 1024 * 1024  # bytes; no name or extended header of an archive needs more
OVERHEAD = 4096  # bytes an entry's headers may take on average
CANNOT = "The artifact cannot be extracted."

_REMEDIES = {
    "absolute name": "archive the folder by relative names",
    "name with '..'": "archive the folder by names below it",
    "backslash in its name": "rename it; Flux rejects the whole artifact",
    "symlink": "replace it by a file, or set symlinks=skip to leave it out as Flux does",
    "hard link": "archive the file itself; Flux makes an empty file of it",
    "device": "leave it out of the archive",
    "named pipe": "leave it out of the archive",
    "entry of an unknown kind": "archive it with another program",
    "name of another file or folder": "rename one of the two: they are the same on this file system",
    **REMEDIES,
}


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: ``size`` in bytes of all files together, ``files`` counts folders too."""

    size: int
    files: int

    @property
    def decompressed(self) -> int:
        """The bytes of an archive that stays within the limits."""
        return self.size + (self.files + 2) * OVERHEAD


DEFAULT_LIMITS = Limits(2 * 1024**3, 200_000)


class _Forward:
    """A decompressed layer as ``tarfile`` reads it: forward only, and never more than ``limit`` bytes."""

    def __init__(self, layer: IO[bytes], limits: Limits) -> None:
        layer.seek(0)
        self._unpacker = gzip.GzipFile(mode="rb", fileobj=layer)
        self._limits = limits
        self._position = 0
        self.last = b""

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        while self._position < position and self.read(min(CHUNK, position - self._position)):
            pass
        return self._position

    def read(self, size: int) -> bytes:
        if size > LARGEST_READ:
            raise NotAnArchiveError("The artifact's layer has a header that is far too long. Make it again.")
        with gzip_errors():
            self.last = self._unpacker.read(size)
        self._position += len(self.last)
        if self._position > self._limits.decompressed:
            raise _too_large(self._limits)
        return self.last

    def close(self) -> None:
        self._unpacker.close()


def entries(
    layer: IO[bytes],
    limits: Limits,
    *,
    symlinks: str = "refuse",
    names: Names | None = None,
    is_wanted: Callable[[str], bool] = lambda _name: True,
) -> Members:
    """The folders and files of a tar+gzip ``layer``; a file's content is read before the next entry.

    ``is_wanted`` is asked about every name; a folder's ends with a slash. ``symlinks`` is ``refuse`` or
    ``skip``; ``names`` is asked where the archive is written to a folder. Raises LoopError at the end for
    everything that has to be refused, at once beyond a limit, and NotAnArchiveError for what is none.
    """
    refused: list[tuple[str, str]] = []
    left = limits.size
    for number, (tar, member) in enumerate(_members(layer, limits), start=1):
        if number > limits.files:
            raise LoopError(
                f"max_files: the artifact holds more than {limits.files} files and folders. Raise "
                "`max_files` if you trust whoever made it.",
                max_files=limits.files,
            )
        name, reason = _name(member.name)
        reason = reason or _kind(member)
        is_folder = member.isdir()
        if reason == "symlink" and symlinks == "skip":
            continue
        if not reason and (not name or not is_wanted(f"{name}/" if is_folder else name)):
            continue
        if not reason and names:
            reason = names.objection(name)
        if reason:
            refused.append((member.name, reason))
        elif is_folder:
            yield Entry(name, is_folder=True), None
        else:
            content = _Counted(tar.extractfile(member), left, limits)
            yield Entry(name, is_folder=False, is_executable=bool(member.mode & 0o111)), iter(content)
            content.finish()
            left = content.left
    if names:
        refused += [(name, OF_VERSION_CONTROL) for name in names.bare_repositories()]
    refuse(CANNOT, refused, _REMEDIES)


def _members(layer: IO[bytes], limits: Limits) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    archive = _Forward(layer, limits)
    with tar_errors(), tarfile.open(fileobj=cast("IO[bytes]", archive), mode="r:") as tar:
        while (member := tar.next()) is not None:
            yield tar, member
            tar.members = []  # type: ignore[attr-defined]  # or every header stays in memory
    # tarfile takes a damaged header for the end.
    if archive.last.strip(b"\0") or len(archive.last) % tarfile.BLOCKSIZE:
        raise NotAnArchiveError(
            "The artifact's layer is no tar archive that can be read: a header is damaged."
        )


class _Counted:
    """The content of a file, as long as ``left`` bytes of all files are not used up."""

    def __init__(self, file: IO[bytes] | None, left: int, limits: Limits) -> None:
        self._file = file
        self.left = left
        self._limits = limits

    def __iter__(self) -> Iterator[bytes]:
        while block := self._block():
            self.left -= len(block)
            if self.left < 0:
                raise _too_large(self._limits)
            yield block

    def _block(self) -> bytes:
        with tar_errors():
            return self._file.read(CHUNK) if self._file else b""

    def finish(self) -> None:
        """Read what nobody wanted."""
        for _block in self:
            pass


def _too_large(limits: Limits) -> LoopError:
    return LoopError(
        f"max_size: the artifact's files have more than {limits.size} bytes. Raise `max_size` if you trust "
        "whoever made it.",
        max_size=limits.size,
    )


def _name(name: str) -> tuple[str, str | None]:
    """A member's name without ``.`` and double slashes, and why it has to be refused."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/"):
        return name, "absolute name"
    if ".." in parts:
        return name, "name with '..'"
    if "\\" in name:
        return name, "backslash in its name"
    return "/".join(parts), None


def _kind(member: tarfile.TarInfo) -> str | None:
    """Why a member of its kind has to be refused."""
    if member.issym():
        return "symlink"
    if member.islnk():
        return "hard link"
    if member.isfifo():
        return "named pipe"
    if member.isdev():
        return "device"
    return None if member.isdir() or member.isreg() else "entry of an unknown kind"


def write_tree(members: Iterable[tuple[Entry, Blocks]], folder: str) -> Tree:
    """Write ``members`` into the empty ``folder``; returns what was written. Raises LoopError.

    Files get the mode 0644 or 0755, folders 0755. Where a name comes twice, the last one wins, as for Flux.
    """
    written = Tree()
    with file_errors(f"dest: {folder} cannot be written"):
        for entry, content in members:
            target = os.path.join(folder, entry.name)
            if content is None:
                _make_folder(folder, entry.name, written)
            else:
                _make_folder(folder, os.path.dirname(entry.name), written)
                written.add(entry, _write(target, entry, content, written))
    return written


def _make_folder(root: str, name: str, written: Tree) -> None:
    if not name or name in written.folders:
        return
    _make_folder(root, os.path.dirname(name), written)
    path = os.path.join(root, name)
    try:
        os.mkdir(path)
        os.chmod(path, 0o755)  # noqa: S103 - whatever the umask is: an artifact knows no other mode
    except FileExistsError:
        refuse(CANNOT, [(name, "name of another file or folder")], _REMEDIES)
    written.folders.add(name)


def _write(path: str, entry: Entry, content: Iterator[bytes], written: Tree) -> Iterator[bytes]:
    """Write a file while its blocks are passed on."""
    if entry.name in written.files:
        os.unlink(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        refuse(CANNOT, [(entry.name, "name of another file or folder")], _REMEDIES)
        raise
    with os.fdopen(handle, "wb", buffering=0) as file:
        os.fchmod(handle, 0o755 if entry.is_executable else 0o644)
        for block in content:
            file.write(block)
            yield block


def patterns(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name (a folder's with a slash at its end) is wanted, by patterns as in ``.gitignore``."""
    wanted = _spec("include", include)
    unwanted = _spec("exclude", exclude)
    return lambda name: (not include or wanted.match_file(name)) and not unwanted.match_file(name)


def _spec(option: str, lines: Sequence[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise LoopError(f"{option}: {error}. Write patterns as in .gitignore.") from error
