# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which programs can be had from images, and why others cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_image
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_index import (
    INDEX_TYPES,
    platform_entries,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.manifests_artifact import (
    manifests_artifact,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import Program

AT_ONCE = 8  # requests to one place


@dataclass
class Availability:
    """Which programs can be had from images.

    ``refused`` says of each one that cannot be, why; ``with_manifests`` are those whose manifests the mirror
    has too; ``is_dead`` says that what was asked gave no answer.
    """

    available: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    with_manifests: set[str] = field(default_factory=set)
    is_dead: bool = False

    def add(self, other: Availability) -> None:
        """What is known of other programs."""
        self.available |= other.available
        self.refused |= other.refused
        self.with_manifests |= other.with_manifests


def availability(images: Images, programs: Sequence[Program], platform: str = "") -> Availability:
    """Which of the programs can be had from images, for a platform or for any.

    A place that does not answer is asked once, whatever the number of programs, and all places at the
    same time: it costs seconds.
    """
    known = Availability()
    by_place: dict[str, list[Program]] = {}
    for program in programs:
        if program.image:
            by_place.setdefault(images.place(parse_image(program.image)), []).append(program)
        else:
            known.refused[program.name] = "no image is known that has it"
    if by_place:
        places = by_place.values()
        for answer in for_each(lambda asked: _ask(images, asked, platform), places, at_once=len(places)):
            known.add(answer)
    return known


def holding_manifests(images: Images, programs: Sequence[Program]) -> set[str]:
    """Those whose manifests the mirror has. Raises LoopError where it does not answer."""
    if not images.mirror:
        return set()
    return {program.name for program in programs if images.find(manifests_artifact(program))}


def _ask(images: Images, programs: Sequence[Program], platform: str) -> Availability:
    """About programs that are all in the same place: first about one, then about the others at once."""
    first, *others = programs
    known = _of_one(images, first, platform)
    if known.is_dead:
        known.refused |= {program.name: known.refused[first.name] for program in others}
    elif others:
        for answer in for_each(lambda other: _of_one(images, other, platform), others, at_once=AT_ONCE):
            known.add(answer)
    return known


def _of_one(images: Images, program: Program, platform: str) -> Availability:
    try:
        why = _why_not(images, program, platform)
        if why:
            return Availability(refused={program.name: why})
        with_manifests = holding_manifests(images, [program] if program.manifests else [])
    except LoopError as error:
        # A registry that answered may refuse one repository and give another.
        return Availability(
            refused={program.name: error.message.rstrip(".")}, is_dead="status" not in error.details
        )
    return Availability({program.name}, with_manifests=with_manifests)


def _why_not(images: Images, program: Program, platform: str) -> str:
    """Why a program cannot be had from its image, nothing where it can be. Raises LoopError."""
    image = parse_image(program.image)
    found = images.find(image)
    if found is None:
        return f"{images.place(image)} lacks {image}"
    if (
        platform
        and found.manifest.media_type in INDEX_TYPES
        and platform not in (entries := platform_entries(found.manifest))
    ):
        return f"{image} is for {', '.join(sorted(entries)) or 'no platform'}, not for {platform}"
    return ""


def grouped(refused: Mapping[str, str]) -> Iterator[tuple[list[str], str]]:
    """The names that were refused for each reason."""
    for reason in dict.fromkeys(refused.values()):
        yield [name for name, why in refused.items() if why == reason], reason
