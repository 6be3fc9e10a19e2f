# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What of a folder belongs into an artifact, in lexical order, and what cannot be packed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import Entry
from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_rules import (
    SOURCEIGNORE,
    IgnoreRules,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.names import (
    CONTROLS,
    DEEP,
    DEEPEST,
    SAME,
    folded,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.refusal import refuse
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import is_obeyed

_REMEDIES = {
    "symlink": "Flux drops symbolic links silently: replace it by a file, ignore it, or set symlinks=follow",
    "symlink that leads out of the folder": "copy what it points to into the folder, or ignore it",
    "symlink that points to nothing": "repair it, or ignore it",
    "symlink into one of its own parents": "remove it, or ignore it",
    "named pipe": "remove it, or ignore it",
    "socket": "remove it, or ignore it",
    "device": "remove it, or ignore it",
    "unreadable": "give the user who runs this the permission to read it, or ignore it",
    "backslash in its name": "Flux rejects the whole artifact: rename it, or ignore it",
    "newline in its name": "rename it, or ignore it",
    CONTROLS: "rename it, or ignore it",
    DEEP: "move it up, or ignore it",
    "name that is not UTF-8": "rename it, or ignore it",
    "folder name that ends in two dots": "Flux rejects the whole artifact: rename it, or ignore it",
    "hard link to another file of the folder": "replace it by a copy, or ignore it",
    SAME: "macOS and Windows take both for the same: rename it, or ignore it",
}


class Walk:
    """Collects the entries of a folder in lexical order, and what has to be refused."""

    def __init__(self, root: str, follows_symlinks: bool) -> None:
        self.root = root
        self.follows_symlinks = follows_symlinks
        self.refusals: list[tuple[str, str]] = []
        self.ignored: list[str] = []
        self.dropped_by_flux: list[str] = []
        self.size = 0  # bytes of all files
        self._inodes: dict[tuple[int, int], str] = {}
        self._names: dict[tuple[str, str], str] = {}

    def entries(self, name: str, rules: IgnoreRules) -> Iterator[Entry]:
        """What the root holds, or the root itself where it is a file of this ``name``."""
        if os.path.isdir(self.root):
            yield from self._folder("", rules)
        elif rules.ignores(name):
            self.ignored.append(name)
        else:
            yield from self._file(name, self.root, rules)

    def refuse(self) -> None:
        """Raise what cannot be packed, all of it at once."""
        refuse(f"path: {self.root} cannot be packed.", self.refusals, _REMEDIES)

    def _folder(self, name: str, rules: IgnoreRules, seen: tuple[str, ...] = ()) -> Iterator[Entry]:
        """The entries below folder ``name`` (``""`` for the root, else with a trailing slash)."""
        if name.count("/") > DEEPEST:
            self.refusals.append((name, DEEP))
            return
        source = os.path.join(self.root, name)
        try:
            with os.scandir(source) as scan:
                children = sorted(scan, key=lambda child: os.fsencode(child.name))
        except OSError:
            self.refusals.append((name or self.root, "unreadable"))
            return
        seen = (*seen, os.path.realpath(source) if self.follows_symlinks else source)
        sourceignore_holds = any(
            child.name == SOURCEIGNORE and child.is_file() for child in children
        ) and not (name and rules.ignores(name) and rules.ignores(f"{name}{SOURCEIGNORE}"))
        if sourceignore_holds:
            rules = self._with_sourceignore(name, rules)
        for child in children:
            yield from self._child(f"{name}{child.name}", child, rules, seen, sourceignore_holds)

    def _with_sourceignore(self, folder: str, rules: IgnoreRules) -> IgnoreRules:
        try:
            with open(os.path.join(self.root, folder, SOURCEIGNORE), encoding="utf-8", newline="") as file:
                return rules.within(folder, file.read())
        except OSError:
            self.refusals.append((f"{folder}{SOURCEIGNORE}", "unreadable"))
        except UnicodeDecodeError as error:
            raise LoopError(f"{folder}{SOURCEIGNORE} is not UTF-8 text. Correct it, or remove it.") from error
        return rules

    def _child(
        self,
        name: str,
        child: os.DirEntry[str],
        rules: IgnoreRules,
        seen: tuple[str, ...],
        sourceignore_holds: bool,
    ) -> Iterator[Entry]:
        if child.name == ".git":
            return
        is_folder = _is_folder(child)
        is_ignored = rules.ignores(f"{name}/" if is_folder else name)
        if child.name == SOURCEIGNORE and sourceignore_holds:
            is_ignored = False  # source-controller must read the rules that were applied here
        is_searched = is_folder and not child.is_symlink() and rules.can_bring_back
        if is_ignored and not is_searched:
            self.ignored.append(f"{name}/" if is_folder else name)
            return
        if child.is_symlink() and self._refuses_symlink(name, child, seen):
            return
        if not is_folder:
            yield from self._file(name, child.path, rules)
            return
        below = list(self._folder(f"{name}/", rules, seen))
        if not is_ignored or below:
            self._check_name(name, is_folder=True)
            yield Entry(name, is_folder=True)
        yield from below

    def _refuses_symlink(self, name: str, link: os.DirEntry[str], seen: tuple[str, ...]) -> bool:
        target = os.path.realpath(link.path)
        if not os.path.exists(target):
            reason = "symlink that points to nothing"
        elif os.path.commonpath([target, self.root]) != self.root:
            reason = "symlink that leads out of the folder"
        elif not self.follows_symlinks:
            reason = "symlink"
        elif target in seen:
            reason = "symlink into one of its own parents"
        else:
            return False
        self.refusals.append((name, reason))
        return True

    def _file(self, name: str, source: str, rules: IgnoreRules) -> Iterator[Entry]:
        self._check_name(name, is_folder=False)
        status = os.stat(source)
        mode = status.st_mode
        self.size += status.st_size
        if not stat.S_ISREG(mode):
            self.refusals.append((name, _special_kind(mode)))
        elif not os.access(source, os.R_OK):
            self.refusals.append((name, "unreadable"))
        elif status.st_nlink > 1 and self._is_packed_already(status, source):
            self.refusals.append((name, "hard link to another file of the folder"))
        else:
            if rules.own and rules.flux_ignores(name) and os.path.basename(name) != SOURCEIGNORE:
                self.dropped_by_flux.append(name)
            yield Entry(name, is_folder=False, is_executable=bool(mode & 0o111), source=source)

    def _is_packed_already(self, status: os.stat_result, source: str) -> bool:
        """Whether a file has another name in the folder; a symbolic link that is followed is none."""
        real = os.path.realpath(source)
        return self._inodes.setdefault((status.st_dev, status.st_ino), real) != real

    def _check_name(self, name: str, is_folder: bool) -> None:
        folder, base = os.path.split(name)
        reason = _bad_name(base, is_folder)
        if not reason and self._names.setdefault((folder, folded(base)), base) != base:
            reason = SAME
        if reason:
            self.refusals.append((name, reason))


def _is_folder(child: os.DirEntry[str]) -> bool:
    try:
        return child.is_dir()
    except OSError:  # a symbolic link to itself
        return False


def _special_kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _bad_name(name: str, is_folder: bool) -> str | None:
    if "\\" in name:
        return "backslash in its name"
    if "\n" in name:
        return "newline in its name"
    if is_folder and name.endswith(".."):
        return "folder name that ends in two dots"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "name that is not UTF-8"
    return CONTROLS if is_obeyed(name) else None
