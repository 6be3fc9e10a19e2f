# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a folder or an archive holds: what two versions are compared by."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    CHUNK,
    Blocks,
    Entry,
    FileDigest,
    digested,
    read_tar,
    write_tar,
)


@dataclass
class Tree:
    """Files by name, and the names of all folders: what two versions are compared by."""

    files: dict[str, FileDigest] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    @property
    def sizes(self) -> list[int]:
        """The size of each file in bytes."""
        return [file.size for file in self.files.values()]

    @property
    def empty_folders(self) -> set[str]:
        """The folders that hold nothing."""
        return self.folders - {os.path.dirname(name) for name in (*self.files, *self.folders)}

    def add(self, entry: Entry, content: Blocks) -> None:
        """Take in an entry, whose content is read."""
        name = entry.name
        if content is None:
            self.folders.add(name)
        else:
            self.files[name] = digested(content, is_executable=entry.is_executable)
        while name := os.path.dirname(name).rstrip("/"):  # foreign archives may have absolute names
            self.folders.add(name)


def archive_tree(members: Iterable[tuple[Entry, Blocks]]) -> Tree:
    """What an archive holds."""
    tree = Tree()
    for entry, content in members:
        tree.add(entry, content)
    return tree


def holds_same_content(archive: IO[bytes], other: IO[bytes]) -> bool:
    """Whether two archives, of whatever producer, hold the same folders and files with the same content."""
    return archive_tree(read_tar(archive)) == archive_tree(read_tar(other))


def folder_entries(folder: str) -> list[Entry]:
    """Everything in ``folder``, in the order in which an artifact has it.

    Raises ForeignError for what no artifact can hold.
    """
    found: list[Entry] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(os.path.join(folder, prefix)) as scan:
            children = sorted(scan, key=lambda child: os.fsencode(child.name), reverse=True)
        for child in children:
            name = f"{prefix}{child.name}"
            if child.is_dir(follow_symlinks=False):
                waiting.append(f"{name}/")
            elif child.is_file(follow_symlinks=False):
                executable = bool(child.stat(follow_symlinks=False).st_mode & 0o111)
                found.append(Entry(name, is_folder=False, is_executable=executable, source=child.path))
            else:
                raise ForeignError(name)
        if prefix:
            found.append(Entry(prefix.rstrip("/"), is_folder=True))
    return sorted(found, key=lambda entry: os.fsencode(entry.name).split(b"/"))


class ForeignError(Exception):
    """A folder holds something that no artifact can hold."""


def folder_digest(found: Iterable[Entry]) -> str:
    """The digest of the archive that packing these entries gives."""
    with open(os.devnull, "wb") as nowhere:
        return write_tar(found, nowhere)


def folder_tree(found: Iterable[Entry]) -> Tree:
    """What the files on disk hold."""
    tree = Tree()
    for entry in found:
        if entry.is_folder:
            tree.add(entry, None)
            continue
        with open(entry.source, "rb", buffering=0) as file:
            tree.add(entry, iter(lambda: file.read(CHUNK), b""))
    return tree
