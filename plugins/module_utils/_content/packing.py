# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A folder, or a single file, as a tar archive that depends on its content alone.

The archive is written once, to memory or, when it is large, to an unnamed temporary file, and hashed on the
way. It is what gets compressed, pushed, rendered and compared: an edit meanwhile changes none of these.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    KEPT_IN_MEMORY,
    FileDigest,
    Layer,
    compressed,
    read_tar,
    write_tar,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_rules import (
    SOURCEIGNORE,
    IgnoreRules,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.refusal import NAMED_IN_A_MESSAGE
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import archive_tree
from ansible_collections.gitops.flux_local.plugins.module_utils._content.walk import Walk
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import file_errors
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of


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
        return archive_tree(read_tar(self.archive)).files

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
        walk = Walk(os.path.realpath(path), symlinks == "follow")
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


def _nothing_to_pack(path: str, walk: Walk) -> str:
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
