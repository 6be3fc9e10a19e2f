# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The tree of files that an image's layers make (OCI image spec, "Image Layer Filesystem Changeset").

Nothing is unpacked: a tree knows where in which layer the content of each file is. So no name, link or device
of an image ever touches the file system.
"""

from __future__ import annotations

import gzip
import importlib
import posixpath
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Literal

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MAX_LINKS = 40  # as many symbolic links as Linux follows in one path
CHUNK = 1024 * 1024  # bytes
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

Kind = Literal["file", "folder", "symlink", "hardlink", "other"]


@dataclass(frozen=True, slots=True)
class Content:
    """Where a file's bytes are: ``offset`` and ``size`` in the uncompressed archive of a layer."""

    layer: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a layer's archive; ``target`` is where a link leads."""

    name: str
    kind: Kind
    target: str = ""
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A file, symbolic link or anything else that is no folder."""

    kind: Kind
    target: str = ""
    content: Content | None = None


# A folder is a dictionary of what it holds by name.
Folder = dict[str, Any]


class Tree:
    """The files of an image as far as its layers have been added, the lowest first."""

    def __init__(self) -> None:
        self._root: Folder = {}

    def add(self, members: Iterable[Member]) -> None:
        """Lay the next layer over the tree. Whiteouts hide what is below it, never what is in it."""
        added: list[Member] = []
        for member in members:
            folder, name = posixpath.split(_absolute(member.name))
            if name == OPAQUE:
                self._clear(folder)
            elif name.startswith(WHITEOUT):
                self._remove(folder, name.removeprefix(WHITEOUT))
            else:
                added.append(member)
        for member in added:
            self._put(member)

    def find(self, path: str) -> Content | None:
        """Where the content of the file ``path`` is, symbolic links followed within the tree.

        None where there is no such file, or its links lead nowhere or in circles.
        """
        parts = self._resolved(path)
        found = self._at(parts) if parts is not None else None
        return found.content if isinstance(found, Node) else None

    def named(self, name: str) -> list[str]:
        """The paths of all that has this name and is no folder."""
        return sorted(path for path in self.nodes() if posixpath.basename(path) == name)

    def nodes(self) -> dict[str, Node]:
        """All that is no folder, by its path."""
        return dict(_listed(self._root, ""))

    def _clear(self, folder: str) -> None:
        below = self._at(self._resolved(folder))
        if isinstance(below, dict):
            below.clear()

    def _remove(self, folder: str, name: str) -> None:
        below = self._at(self._resolved(folder))
        if isinstance(below, dict):
            below.pop(name, None)

    def _put(self, member: Member) -> None:
        folder, name = posixpath.split(_absolute(member.name))
        if not name:
            return
        parent = self._made(folder)
        if member.kind == "folder":
            if not isinstance(parent.get(name), dict):
                parent[name] = {}
        elif member.kind == "hardlink":
            # A link to a link is a link: only the folders on the way are resolved.
            at, called = posixpath.split(_absolute(member.target))
            holder = self._at(self._resolved(at))
            linked = holder.get(called) if isinstance(holder, dict) else None
            if not isinstance(linked, Node):
                raise LoopError(f"{member.name} is a hard link to {member.target}, which is not there.")
            parent[name] = linked
        else:
            parent[name] = Node(member.kind, member.target, member.content)

    def _made(self, path: str) -> Folder:
        """The folder ``path``, made where it is missing, as by ``mkdir -p``."""
        parts = self._resolved(path)
        if parts is None:
            raise LoopError(f"The links of {path} lead nowhere or in circles.")
        here = self._root
        for part in parts:
            below = here.get(part)
            if not isinstance(below, dict):
                below = here[part] = {}
            here = below
        return here

    def _at(self, parts: list[str] | None) -> Node | Folder | None:
        if parts is None:
            return None
        here: Node | Folder = self._root
        for part in parts:
            if not isinstance(here, dict) or part not in here:
                return None
            here = here[part]
        return here

    def _resolved(self, path: str) -> list[str] | None:
        """``path`` without links, as if the tree were mounted at /; None where they lead nowhere."""
        waiting = path.split("/")[::-1]
        done: list[str] = []
        followed = 0
        while waiting:
            part = waiting.pop()
            if part in ("", ".", ".."):
                if not isinstance(self._at(done), dict):
                    return None
                if part == "..":
                    del done[-1:]
                continue
            node = self._at([*done, part])
            if not (isinstance(node, Node) and node.kind == "symlink"):
                done.append(part)
                continue
            followed += 1
            if followed > MAX_LINKS:
                return None
            if node.target.startswith("/"):
                done.clear()
            waiting += node.target.split("/")[::-1]
        return done


def _absolute(name: str) -> str:
    """A member's name from the root; none leads out of it."""
    return posixpath.normpath(f"/{name.lstrip('/')}")


def _listed(folder: Folder, path: str) -> Iterator[tuple[str, Node]]:
    for name, node in folder.items():
        if isinstance(node, dict):
            yield from _listed(node, f"{path}/{name}")
        else:
            yield f"{path}/{name}", node


def uncompress(blob: IO[bytes], archive: IO[bytes]) -> None:
    """Write the tar archive inside a layer to ``archive``, whatever the layer's media type says of it.

    Raises LoopError where it is damaged, or compressed in a way this Python cannot read.
    """
    blob.seek(0)
    beginning = blob.read(len(ZSTD))
    blob.seek(0)
    if beginning.startswith(GZIP):
        source: Any = gzip.GzipFile(mode="rb", fileobj=blob)
    elif beginning == ZSTD:
        source = _zstd_reader(blob)
    else:
        source = blob
    try:
        shutil.copyfileobj(source, archive, CHUNK)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise LoopError(f"A layer of the image cannot be decompressed: {error}.") from error
    archive.seek(0)


def _zstd_reader(blob: IO[bytes]) -> Any:
    """The uncompressed bytes, by Python itself from 3.14 on, before by the library zstandard."""
    with suppress(ImportError):
        return importlib.import_module("compression.zstd").ZstdFile(blob)
    with suppress(ImportError):
        decompressor = importlib.import_module("zstandard").ZstdDecompressor()
        return decompressor.stream_reader(blob, read_across_frames=True)
    raise LoopError(
        "A layer of the image is compressed with zstd, which this Python cannot read. Install the Python "
        "library zstandard, use Python 3.14 or later, or choose another source than images."
    )


def members(archive: IO[bytes], layer: int) -> Iterator[Member]:
    """The entries of the uncompressed archive of layer number ``layer``. Raises LoopError for no archive."""
    try:
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            for info in tar:
                kind = _kind(info)
                content = Content(layer, info.offset_data, info.size) if kind == "file" else None
                yield Member(info.name, kind, info.linkname, content)
                tar.members = []  # type: ignore[attr-defined]  # or every header stays in memory
    except tarfile.TarError as error:
        raise LoopError(f"A layer of the image is no tar archive that can be read: {error}.") from error


def _kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return "other" if info.issparse() else "file"
    if info.isdir():
        return "folder"
    if info.issym():
        return "symlink"
    return "hardlink" if info.islnk() else "other"


def copy_content(archive: IO[bytes], content: Content, into: IO[bytes]) -> None:
    """Write a file's bytes, from its layer's uncompressed archive, to ``into``."""
    archive.seek(content.offset)
    left = content.size
    while left:
        block = archive.read(min(CHUNK, left))
        if not block:
            raise LoopError("A layer of the image ends in the middle of a file.")
        into.write(block)
        left -= len(block)
