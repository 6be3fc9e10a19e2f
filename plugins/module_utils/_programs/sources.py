# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where programs come from: the cache, a folder, images or Go, in that order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.availability import (
    Availability,
    availability,
    grouped,
    holding_manifests,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import (
    find_in_folder,
    lacking,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    Program,
    cached,
    log_file,
    parse_program,
    select,
)


@dataclass(frozen=True)
class Step:
    """A program that has to be installed, and by which method."""

    program: Program
    method: str


@dataclass(frozen=True)
class Sources:
    """Where programs that the cache lacks may come from: one ``source``, or with ``auto`` all of them."""

    source: str
    folder: Path | None
    images: Images
    platform: str

    def allow(self, source: str) -> bool:
        """Whether programs may come from there."""
        return self.source in ("auto", source)


def look(
    entries: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    cache: Path,
    sources: Sources,
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """Where the programs are or will be, and how those that are missing will be installed, in order.

    Raises LoopError naming all that the only source lacks.
    """
    programs = select([parse_program(entry) for entry in entries], names)
    folder = sources.folder
    if folder and not folder.is_dir():
        raise LoopError(f"folder {folder} is no directory. Name one that has the programs, or leave it out.")
    places = {program.name: cached(cache, program, sources.platform) for program in programs}
    present = {program.name for program in programs if not lacking(places[program.name], program)}
    wanted = [program for program in programs if program.name not in present]
    in_folder = _in_folder(wanted, sources) if sources.allow("folder") else set()
    found = Availability()
    if sources.allow("image"):
        remaining = [program for program in wanted if program.name not in in_folder]
        found = _in_images(remaining, sources, warn)
    steps = plan(
        programs, present=present, in_folder=in_folder, in_images=found.available, source=sources.source
    )
    originals = {entry["name"]: dict(entry) for entry in entries}
    return {
        "changed": False,
        "platform": sources.platform,
        "paths": {program.name: places[program.name].as_fact(program) for program in programs},
        "missing": [
            {
                "name": step.program.name,
                "version": step.program.version,
                "method": step.method,
                "needs_module": _needs_module(step, found),
                "log": str(log_file(cache, step.program)),
                "program": originals[step.program.name],
            }
            for step in steps
        ],
    }


def plan(
    programs: Iterable[Program],
    *,
    present: Collection[str],
    in_folder: Collection[str],
    in_images: Collection[str],
    source: str,
) -> list[Step]:
    """How each program that is not ``present`` will be installed, in order.

    A program that its source lacks keeps that as its method, but for ``auto``, which builds it.
    """

    def method(program: Program) -> str:
        if source != "auto":
            return source
        if program.name in in_folder:
            return "folder"
        return "image" if program.name in in_images else "go"

    return [Step(program, method(program)) for program in programs if program.name not in present]


def _needs_module(step: Step, found: Availability) -> bool:
    """Whether a Go module has to be had only for the manifests in it."""
    if step.method == "image":
        return bool(step.program.manifests) and step.program.name not in found.with_manifests
    return step.method == "go" and not step.program.has_program


def _in_folder(programs: Sequence[Program], sources: Sources) -> set[str]:
    """Those that the folder has. Raises LoopError for all that it lacks, when it is the only source."""
    if sources.folder is None:
        return set()
    absent = {
        program.name: find_in_folder(sources.folder, program, sources.platform)[1] for program in programs
    }
    if sources.source == "folder" and any(absent.values()):
        missing = ", ".join(str(path) for paths in absent.values() for path in paths)
        raise LoopError(
            f"folder {sources.folder} lacks {missing}. "
            "Put them there, or let other sources supply what it lacks (source: auto).",
            lacking=[name for name, paths in absent.items() if paths],
        )
    return {name for name, paths in absent.items() if not paths}


def _in_images(programs: Sequence[Program], sources: Sources, warn: Callable[[str], None]) -> Availability:
    """Those that can be had from images. Raises LoopError for all others when it is the only source."""
    is_only = sources.source == "image"
    if not sources.platform.startswith("linux-"):
        if is_only:
            raise LoopError(
                f"source: images have programs for Linux, and this is {sources.platform}. "
                "Let them be copied from a folder or built with Go (source: auto)."
            )
        return Availability()
    found = availability(
        sources.images, [program for program in programs if program.has_program], sources.platform
    )
    reasons = [f"{', '.join(names)}: {reason}." for names, reason in grouped(found.refused)]
    if reasons and is_only:
        raise LoopError(
            "These programs cannot be had from images. " + " ".join(reasons) + " "
            "Fill the mirror (playbooks/mirror.yml), or let other sources supply them (source: auto).",
            lacking=list(found.refused),
        )
    for reason in reasons:
        warn(f"Not from images but with Go: {reason}")
    alone = _with_manifests([program for program in programs if not program.has_program], sources, warn)
    found.add(Availability(alone, with_manifests=alone))
    return found


def _with_manifests(programs: Sequence[Program], sources: Sources, warn: Callable[[str], None]) -> set[str]:
    """Those whose manifests the mirror has."""
    try:
        return holding_manifests(sources.images, programs)
    except LoopError as error:
        if sources.source == "image":
            raise
        warn(f"Manifests not from the mirror but from Go modules: {error.message}")
        return set()
