# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A folder, or a single file, as a tar archive that depends on its content alone.

The archive is written once, to memory or, when it is large, to an unnamed temporary file, and hashed on the
way. It is what gets compressed, pushed, rendered and compared: an edit meanwhile changes none of these.
"""

from __future__ import annotations

import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    KEPT_IN_MEMORY,
    Entry,
    FileDigest,
    Layer,
    compressed,
    file_digests,
    read_tar,
    write_tar,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_rules import (
    SOURCEIGNORE,
    IgnoreRules,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import file_errors
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of

NAMED_IN_A_MESSAGE = 10

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
    "name that is not UTF-8": "rename it, or ignore it",
    "folder name that ends in two dots": "Flux rejects the whole artifact: rename it, or ignore it",
    "hard link to another file of the folder": "replace it by a copy, or ignore it",
    "name that differs from another only in case or Unicode form": (
        "macOS and Windows take both for the same: rename it, or ignore it"
    ),
}


@dataclass
class Pack:
    """A packed folder or file.

    ``content_digest`` is the digest of the uncompressed archive, ``files`` how many files it holds,
    ``warnings`` what the user should know about it, and ``ignored`` what was left out (folders with a
    trailing slash). The archive lives until ``close``.
    """

    path: str
    archive: IO[bytes]
    content_digest: str
    files: int
    warnings: list[str] = field(default_factory=list)
    ignored: Sequence[str] = ()
    _layer: Layer | None = field(default=None, init=False, repr=False, compare=False)
    _layers_file: ExitStack = field(default_factory=ExitStack, init=False, repr=False, compare=False)

    @property
    def layer(self) -> Layer:
        """The archive compressed, as it is pushed: made when it is first asked for, and then kept."""
        if self._layer is None:
            self._layer = self._layers_file.enter_context(compressed(self.archive))
        return self._layer

    def drop_layer(self) -> None:
        """Give back what the compressed archive takes, of which nothing is needed any more."""
        self._layer = None
        self._layers_file.close()

    def extract(self, destination: str) -> None:
        """Write the content to the folder ``destination``, which must be empty or not exist."""
        with file_errors(f"{destination} cannot be written"):
            os.makedirs(destination, exist_ok=True)
            for member, content in read_tar(self.archive):
                target = os.path.join(destination, member.name)
                if content is None:
                    os.makedirs(target, exist_ok=True)
                    continue
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "xb") as file:
                    file.writelines(content)
                os.chmod(target, 0o755 if member.is_executable else 0o644)

    def file_digests(self) -> dict[str, FileDigest]:
        """The files of the archive by name."""
        return file_digests(self.archive)

    def close(self) -> None:
        self.drop_layer()
        self.archive.close()

    def __enter__(self) -> Pack:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def pack(
    path: str,
    *,
    ignore: Sequence[str] = (),
    symlinks: str = "refuse",
    max_size: int | None = None,
    max_files: int | None = None,
) -> Pack:
    """Pack the folder or file ``path``.

    ``ignore`` are patterns besides Flux's defaults and ``.sourceignore``; ``symlinks`` is ``refuse`` or
    ``follow``. Raises LoopError when there is nothing to pack, something that cannot be packed, or more than
    ``max_size`` bytes or ``max_files`` files.
    """
    if not os.path.exists(path):
        raise LoopError(f"path: {path} does not exist. Name an existing folder or file.", path=path)
    with file_errors(f"path: {path} cannot be packed"):
        walk = _Walk(os.path.realpath(path), symlinks == "follow")
        entries = list(walk.entries(os.path.basename(os.path.abspath(path)), IgnoreRules.for_root(ignore)))
        walk.refuse()
        files = [entry.name for entry in entries if not entry.is_folder]
        if all(os.path.basename(name) == SOURCEIGNORE for name in files):
            raise LoopError(_nothing_to_pack(path, walk), path=path)
        _refuse_too_much(path, len(files), walk.size, max_files, max_size)
        archive: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 - the Pack's
        try:
            content_digest = write_tar(entries, archive)
        except BaseException:
            archive.close()
            raise
    return Pack(path, archive, content_digest, len(files), _warnings(walk.dropped_by_flux), walk.ignored)


def _refuse_too_much(path: str, files: int, size: int, max_files: int | None, max_size: int | None) -> None:
    for option, value, most, unit in (
        ("max_files", files, max_files, "files"),
        ("max_size", size, max_size, "bytes"),
    ):
        if most is not None and value > most:
            raise LoopError(
                f"{option}: {path} has {value} {unit}, and {most} are allowed. Ignore what is not needed, or "
                f"set `{option}` higher.",
                path=path,
            )


def _nothing_to_pack(path: str, walk: _Walk) -> str:
    if walk.ignored:
        names = some_of(walk.ignored, NAMED_IN_A_MESSAGE)
        return (
            f"path: nothing is left of {path}: its files are all ignored ({names}). "
            "Change `ignore` or `.sourceignore`; Flux ignores images, archives and files of git and CI."
        )
    return f"path: {path} is empty. An artifact needs at least one file."


def _warnings(dropped_by_flux: Sequence[str]) -> list[str]:
    if not dropped_by_flux:
        return []
    names = some_of(dropped_by_flux, NAMED_IN_A_MESSAGE)
    return [
        (
            f"Flux will leave out {names}, which only the option `ignore` keeps. "
            "Put the same pattern into `.sourceignore`, or into the `ignore` of the source."
        )
    ]


class _Walk:
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
        if not self.refusals:
            return
        by_kind: dict[str, list[str]] = {}
        for name, kind in self.refusals:
            by_kind.setdefault(kind, []).append(_printable(name))
        sentences = [
            f"{some_of(names, NAMED_IN_A_MESSAGE)} ({kind}): {_REMEDIES[kind]}"
            for kind, names in by_kind.items()
        ]
        raise LoopError(
            f"path: {self.root} cannot be packed. " + ". ".join(sentences) + ".",
            refused=[{"name": _printable(name), "reason": kind} for name, kind in self.refusals],
        )

    def _folder(self, name: str, rules: IgnoreRules, seen: tuple[str, ...] = ()) -> Iterator[Entry]:
        """The entries below folder ``name`` (``""`` for the root, else with a trailing slash)."""
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
        if not reason and self._names.setdefault((folder, _folded(base)), base) != base:
            reason = "name that differs from another only in case or Unicode form"
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
    return None


def _folded(name: str) -> str:
    """What file systems compare that heed neither case nor Unicode forms (Unicode 3.13, D145)."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\n", "\\n")
