# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How a program is obtained: what all methods are to the cache, and copying from a folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.digests import Pulled
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    Place,
    Program,
    cached,
    flat,
)


class Method(Protocol):
    """A way to get programs."""

    def obtain(self, program: Program, into: Place, scratch: Path, log: TextIO) -> Pulled | None:
        """Leave the program and its manifests in ``into``, using ``scratch`` meanwhile. Raises LoopError.

        Returns what was pulled for that, None where it was no image.
        """

    def origin(self, program: Program) -> str:
        """Where the program came from, as an error message says it."""

    def remedy(self, program: Program) -> str:
        """What to do when the program is not the right one."""


def lacking(place: Place, program: Program) -> list[Path]:
    """What is not there of a program and its manifests."""
    is_there = not program.has_program or (place.program.is_file() and os.access(place.program, os.X_OK))
    return [*([] if is_there else [place.program]), *lacking_manifests(place, program)]


def lacking_manifests(place: Place, program: Program) -> list[Path]:
    """The folders with manifests that are not there."""
    if place.manifests is None:
        return []
    folders = [place.manifests / target for target in program.targets]
    return [folder for folder in folders if not folder.is_dir()]


def find_in_folder(folder: Path, program: Program, platform: str) -> tuple[Place | None, list[Path]]:
    """Where a folder has the program, laid out flat or as a cache; else what a flat one lacks."""
    side_by_side = flat(folder, program)
    absent = lacking(side_by_side, program)
    for place in (side_by_side, cached(folder, program, platform)):
        if not lacking(place, program):
            return place, []
    return None, absent


@dataclass(frozen=True)
class FolderMethod:
    """Copies from a folder that has the programs already."""

    folder: Path
    platform: str

    def obtain(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:  # noqa: ARG002  # a copy needs no scratch
        place, absent = find_in_folder(self.folder, program, self.platform)
        if place is None:
            raise LoopError(f"folder {self.folder} lacks {', '.join(map(str, absent))}.")
        log.write(f"copied from {place.program if program.has_program else place.manifests}\n")
        if program.has_program:
            shutil.copyfile(place.program, into.program)
        if place.manifests and into.manifests:
            for target in program.targets:
                copy_manifests(place.manifests / target, into.manifests / target)

    def origin(self, program: Program) -> str:
        place, _absent = find_in_folder(self.folder, program, self.platform)
        return str(place.program if place else self.folder / program.name)

    def remedy(self, program: Program) -> str:
        return f"Put {program.name} {program.version} for {self.platform} there, or use another source."


def copy_manifests(origin: Path, target: Path) -> None:
    """Copy the YAML files directly in ``origin``. Kustomize's own file is not a manifest."""
    if not origin.is_dir():
        raise LoopError(f"{origin} is no folder.")
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(origin.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            shutil.copyfile(path, target / path.name)
