# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Images: what their references mean, where they are had from, and which of them is for a platform."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS, Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import INDEX_TYPE, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    LAYOUT_SCHEME,
    ImageReference,
    Reference,
    is_digest,
    parse_image,
    parse_url,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import Program

# A registry that does not answer at once is given up: other sources may have the programs.
SECONDS = 5.0
AT_ONCE = 8  # requests to one place
INDEX_TYPES = (INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json")
# Manifests of programs are no images: only mirrors have them, as artifacts of this name.
MANIFESTS_REPOSITORY = "flux-local/manifests"

# The options that say where images are had from, documented in the fragment `images`.
CONNECTION_ARGUMENTS: dict[str, dict[str, Any]] = {
    name: {**spec, "default": SECONDS} if name == "timeout" else spec
    for name, spec in ARGUMENTS.items()
    if name != "url"
}
IMAGE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "mirror": {"type": "str", "default": ""},
    "registries": {"type": "dict", "default": {}},
    "connection": {"type": "dict", "options": CONNECTION_ARGUMENTS},
}


@dataclass(frozen=True)
class Found:
    """An image, or the artifact with a program's manifests, and under which name a repository has it."""

    repository: Repository
    name: str
    manifest: Manifest


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


def manifests_artifact(program: Program) -> ImageReference:
    """What mirrors call the artifact with the manifests of a program."""
    return ImageReference("", f"{MANIFESTS_REPOSITORY}/{program.name}", program.version)


@dataclass(frozen=True)
class Images:
    """Where images are had from.

    ``mirror`` is ``host[:port][/prefix]`` or the path of an OCI image layout, and has all of them; without
    it, ``registries`` says which ``host[:port][/prefix]`` takes the place of an image's own host.
    """

    mirror: str = ""
    registries: Mapping[str, str] = field(default_factory=dict)
    connection: Connection = field(default_factory=lambda: Connection(timeout=SECONDS))

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Images:
        """As the options IMAGE_ARGUMENTS say. Raises LoopError where they cannot work."""
        connection = Connection.from_params({"timeout": SECONDS, **(params.get("connection") or {})})
        images = cls(params.get("mirror") or "", params.get("registries") or {}, connection)
        for option, place in [
            ("mirror", images.mirror),
            *(("registries", each) for each in images.registries.values()),
        ]:
            if place and not is_layout(place):
                _placed(option, str(place), "some/repository")
        return images

    def place(self, image: ImageReference) -> str:
        """The registry or folder that an image is had from, as a message names it."""
        return self.mirror or str(self.registries.get(image.host, image.host))

    def locate(self, image: ImageReference) -> tuple[Repository, str]:
        """The repository that has the image, and the name by which that knows it."""
        place = self.place(image)
        if is_layout(place):
            return LayoutRepository(place.removeprefix(LAYOUT_SCHEME)), image.digest or str(image)
        if place == image.host:
            return RegistryRepository(Reference(image.host, image.repository), self.connection), image.name
        option = "mirror" if self.mirror else "registries"
        return RegistryRepository(_placed(option, place, image.repository), self.connection), image.name

    def find(self, image: ImageReference) -> Found | None:
        """The image, None where its repository lacks it. Raises LoopError where that cannot be asked."""
        repository, name = self.locate(image)
        try:
            manifest = repository.manifest(name)
        except LoopError as error:
            # No option of this name led here.
            raise LoopError(error.message.removeprefix("url: "), **error.details) from error
        return Found(repository, name, manifest) if manifest is not None else None

    def require(self, image: ImageReference) -> Found:
        """The image. Raises LoopError also where its repository lacks it."""
        found = self.find(image)
        if found is None:
            raise LoopError(f"{self.place(image)} lacks {image}.")
        return found

    def for_platform(self, found: Found, platform: str) -> Manifest:
        """The manifest of the image for a platform (``linux-amd64``), verified. Raises LoopError for none."""
        if found.manifest.media_type not in INDEX_TYPES:
            self._check_config(found, platform)
            return found.manifest
        entries = platform_entries(found.manifest)
        digest = entries.get(platform)
        if digest is None:
            raise LoopError(f"It is for {', '.join(sorted(entries)) or 'no platform'}, not for {platform}.")
        manifest = found.repository.manifest(digest)
        if manifest is None:
            raise LoopError(f"Its manifest for {platform}, {digest}, is not there.")
        return manifest

    def _check_config(self, found: Found, platform: str) -> None:
        """Raise LoopError when the config of an image without an index names another platform."""
        config = found.manifest.config
        if config is None:
            raise LoopError(f"It is no image, but of type {found.manifest.media_type}.")
        body = io.BytesIO()
        found.repository.fetch_blob(config, body)
        fields = _fields(body.getvalue())
        built_for = f"{fields.get('os')}-{fields.get('architecture')}"
        if built_for != platform:
            raise LoopError(f"It is for {built_for}, not for {platform}.")

    def look(self, programs: Sequence[Program], platform: str = "") -> Availability:
        """Which of the programs can be had from images, for a platform or for any.

        A place that does not answer is asked once, whatever the number of programs, and all places at the
        same time: it costs seconds.
        """
        known = Availability()
        by_place: dict[str, list[Program]] = {}
        for program in programs:
            if program.image:
                by_place.setdefault(self.place(parse_image(program.image)), []).append(program)
            else:
                known.refused[program.name] = "no image is known that has it"
        if by_place:
            with ThreadPoolExecutor(len(by_place)) as pool:
                for asked in pool.map(lambda each: self._ask(each, platform), by_place.values()):
                    known.add(asked)
        return known

    def holding_manifests(self, programs: Sequence[Program]) -> set[str]:
        """Those whose manifests the mirror has. Raises LoopError where it does not answer."""
        if not self.mirror:
            return set()
        return {program.name for program in programs if self.find(manifests_artifact(program))}

    def _ask(self, programs: Sequence[Program], platform: str) -> Availability:
        """About programs that are all in the same place: first about one, then about the others at once."""
        first, *others = programs
        known = self._availability(first, platform)
        if known.is_dead:
            known.refused |= {program.name: known.refused[first.name] for program in others}
        elif others:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for asked in pool.map(lambda each: self._availability(each, platform), others):
                    known.add(asked)
        return known

    def _availability(self, program: Program, platform: str) -> Availability:
        try:
            why = self._why_not(program, platform)
            if why:
                return Availability(refused={program.name: why})
            with_manifests = self.holding_manifests([program] if program.manifests else [])
        except LoopError as error:
            # A registry that answered may refuse one repository and give another.
            return Availability(
                refused={program.name: error.message.rstrip(".")}, is_dead="status" not in error.details
            )
        return Availability({program.name}, with_manifests=with_manifests)

    def _why_not(self, program: Program, platform: str) -> str:
        """Why a program cannot be had from its image, nothing where it can be. Raises LoopError."""
        image = parse_image(program.image)
        found = self.find(image)
        if found is None:
            return f"{self.place(image)} lacks {image}"
        if (
            platform
            and found.manifest.media_type in INDEX_TYPES
            and platform not in (entries := platform_entries(found.manifest))
        ):
            return f"{image} is for {', '.join(sorted(entries)) or 'no platform'}, not for {platform}"
        return ""


def is_layout(place: str) -> bool:
    """Whether a mirror is a folder: it is written as a path, or as ``oci-layout://path``."""
    return place.startswith((LAYOUT_SCHEME, "/", "~", "./", "../")) or place in (".", "..")


def platform_entries(index: Manifest) -> dict[str, str]:
    """The digest of the image for each platform of an index, as ``<os>-<arch>``.

    Attestations, which have the platform ``unknown``, and variants beside the one that comes first (OCI image
    spec, "Image Index", says to take the first match) are left out.
    """
    return {platform: str(entry["digest"]) for platform, entry in reversed([*_platforms(index)])}


def only_platforms(index: Manifest, platforms: Sequence[str]) -> Manifest:
    """The index with nothing but the images for ``platforms``. Raises LoopError naming those it lacks."""
    offered = platform_entries(index)
    lacking = [platform for platform in platforms if platform not in offered]
    if lacking:
        raise LoopError(
            f"It is for {', '.join(sorted(offered)) or 'no platform'}, not for {', '.join(lacking)}."
        )
    kept = [entry for platform, entry in _platforms(index) if platform in platforms]
    fields = {**_fields(index.body), "manifests": kept}
    return Manifest(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode(), index.media_type)


def grouped(refused: Mapping[str, str]) -> Iterator[tuple[list[str], str]]:
    """The names that were refused for each reason."""
    for reason in dict.fromkeys(refused.values()):
        yield [name for name, why in refused.items() if why == reason], reason


def _platforms(index: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = _fields(index.body).get("manifests")
    for entry in entries if isinstance(entries, list) else []:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(platform, dict) or not is_digest(str(entry.get("digest"))):
            continue
        name = f"{platform.get('os')}-{platform.get('architecture')}"
        if re.fullmatch(r"[a-z0-9]+-[a-z0-9]+", name) and "unknown" not in name:
            yield name, entry


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _placed(option: str, place: str, repository: str) -> Reference:
    """``repository`` in the ``host[:port][/prefix]`` that ``place`` names, or LoopError for the option."""
    try:
        return parse_url(f"oci://{place.removeprefix('oci://').rstrip('/')}/{repository}")
    except LoopError as error:
        raise LoopError(
            f"{option}: {place!r} is no place for images. It has to be host[:port][/prefix]"
            + (", or the path of a folder." if option != "registries" else ".")
        ) from error
