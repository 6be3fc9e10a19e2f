# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Names of files that harm where they are put: what git runs commands from, what rewrites a terminal."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import is_obeyed

# Folders around a file. No manifest comes near; 1,200 are more than Python, tar and others can follow.
DEEPEST = 100

DEEP = f"more than {DEEPEST} levels deep"
CONTROLS = "characters in its name that a terminal obeys"
OF_VERSION_CONTROL = "what git or Mercurial take for their own"
SAME = "name that differs from another only in case or Unicode form"
REMEDIES: Mapping[str, str] = {
    DEEP: "move it up",
    CONTROLS: "rename it",
    OF_VERSION_CONTROL: "they would run commands that it names; leave it out of the archive, or `exclude` it",
    SAME: "rename one of the two: they are the same on this file system",
}

# Folders whose settings may name commands that `git status` or `hg status` run. `git~1` is what NTFS may call
# `.git`; what git itself refuses is in its verify_path (path.c, is_ntfs_dotgit and utf8.c, is_hfs_dotgit).
_OF_VERSION_CONTROL = frozenset({".git", "git~1", ".hg", "hg~1"})


class Names:
    """The names in an archive, one after the other, and why it may not bring them.

    ``folds_case`` says that they are put where names are the same that only differ in case or Unicode form.
    """

    def __init__(self, *, folds_case: bool = False) -> None:
        self._folds_case = folds_case
        self._spelled: dict[str, str] = {}
        self._heads: list[str] = []

    def objection(self, name: str) -> str | None:
        """Why the archive may not bring ``name``, with all folders in front of it."""
        parts = name.split("/")
        if len(parts) - 1 > DEEPEST:
            return DEEP
        if is_obeyed(name):
            return CONTROLS
        if any(map(_is_of_version_control, parts)):
            return OF_VERSION_CONTROL
        if folded(parts[-1]) == "head":
            self._heads.append(name)
        return SAME if self._was_spelled_otherwise(name) and self._folds_case else None

    def _was_spelled_otherwise(self, name: str) -> bool:
        """Take note of a name and the folders in front of it."""
        while name:
            known = self._spelled.setdefault(folded(name), name)
            if known is not name:
                return known != name
            name = os.path.dirname(name)
        return False

    def bare_repositories(self) -> list[str]:
        """The HEAD of each folder that git takes for a repository, with settings that may name commands.

        https://git-scm.com/docs/gitrepository-layout: beside it are objects and refs, or what leads to them.
        """
        return [
            head for head in self._heads if self._has(head, "objects", "refs") or self._has(head, "commondir")
        ]

    def _has(self, head: str, *beside: str) -> bool:
        folder = os.path.dirname(head)
        return all(folded(os.path.join(folder, name)) in self._spelled for name in beside)


def _is_of_version_control(part: str) -> bool:
    """Whether a file system may take a name for one of those, whatever its case and form.

    HFS+ leaves out invisible characters; NTFS dots and blanks at the end, and what follows a colon.
    """
    seen = "".join(char for char in part if unicodedata.category(char) != "Cf")
    return folded(seen).partition(":")[0].rstrip(". ") in _OF_VERSION_CONTROL


def folded(name: str) -> str:
    """What file systems compare that heed neither case nor Unicode forms (Unicode 3.13, D145)."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def folds_case(folder: str) -> bool:
    """Whether names that only differ in case are the same in ``folder``, which may be missing.

    Nothing is written to find out: its own name tells, or that of a folder above.
    """
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    while folder != os.path.dirname(folder):
        parent, name = os.path.split(folder)
        other = name.swapcase()
        if other != name:
            return _is_same(folder, os.path.join(parent, other))
        folder = parent
    return False


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False
