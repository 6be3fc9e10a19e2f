# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Filling a mirror: the programs' images, and their manifests as artifacts beside them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Descriptor, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    ImageReference,
    parse_image,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.availability import (
    availability,
    grouped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.commands import (
    Commands,
    LocalCommands,
    go_runs,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.digests import FirstPulls
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_method import GoMethod
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_proxy import proxies
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_index import (
    INDEX_TYPES,
    only_platforms,
    platform_entries,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import (
    Found,
    Images,
    is_layout,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.manifests_artifact import (
    manifests_artifact,
    pack_manifests,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import lacking_manifests
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    Place,
    Program,
    cached,
    parse_program,
    select,
    this_platform,
    with_digests,
)

AT_ONCE = 4  # images that are copied


@dataclass
class Copied:
    """What a mirror holds of an image, and what had to be sent for that."""

    image: str
    digest: str | None = None
    blobs: int = 0
    bytes: int = 0
    changed: bool = False

    def as_result(self) -> dict[str, Any]:
        """The image's entry in the module's result."""
        return {
            "image": self.image,
            "digest": self.digest,
            "copied_blobs": self.blobs,
            "copied_bytes": self.bytes,
            "changed": self.changed,
        }


@dataclass(frozen=True)
class Mirror:
    """A mirror that is filled."""

    source: Images
    target: Images
    platforms: tuple[str, ...]  # empty for all there are
    cache: Path
    modules: Path
    commands: Commands
    check_mode: bool
    # What check mode would have copied by now: where to, and its digest.
    _foretold: dict[tuple[str, str], object] = field(default_factory=dict)

    def fill(self, programs: Sequence[Program]) -> list[Copied]:
        """Have the mirror hold the images and manifests. Raises LoopError for all that cannot be had."""
        with_manifests = [program for program in programs if program.manifests]
        images = self._found([program for program in programs if program.has_program])
        self._require_manifests(with_manifests)
        copied = for_each(lambda image: self._copy_image(*image), images, at_once=AT_ONCE)
        return copied + for_each(self._copy_artifact, with_manifests, at_once=AT_ONCE)

    def _found(self, programs: Sequence[Program]) -> list[tuple[ImageReference, Found]]:
        """The images to copy, each with the name that it gets."""
        refused = availability(self.source, programs).refused
        images: list[tuple[ImageReference, Found]] = []
        for program in programs:
            if program.name in refused:
                continue
            image = parse_image(program.image)
            found = self.source.require(image)
            try:
                self.pulls.verify(image, self.source.place(image), platform_entries(found.manifest))
                images.append((image, self._narrowed(image, found)))
            except LoopError as error:
                refused[program.name] = f"{image}: {error.message.rstrip('.')}"
        if refused:
            reasons = " ".join(f"{', '.join(names)}: {reason}." for names, reason in grouped(refused))
            raise LoopError(
                f"These images cannot be copied, and nothing has been. {reasons}", lacking=list(refused)
            )
        return images

    def _copy_image(self, image: ImageReference, found: Found) -> Copied:
        copied = self._copy(image, found)
        if not self.check_mode:
            self.pulls.record(image, platform_entries(found.manifest))
        return copied

    @property
    def pulls(self) -> FirstPulls:
        """What the cache knows of images that were pulled before."""
        return FirstPulls(self.cache)

    def _narrowed(self, image: ImageReference, found: Found) -> Found:
        """The image for the platforms that are wanted. One that is pinned to its digest keeps all."""
        if found.manifest.media_type not in INDEX_TYPES:
            for platform in self.platforms:
                self.source.for_platform(found, platform)
            return found
        if not self.platforms or image.digest:
            return found
        return replace(found, manifest=only_platforms(found.manifest, self.platforms))

    def _require_manifests(self, programs: Sequence[Program]) -> None:
        """Raise LoopError for all manifests that cannot be had."""
        needing_go = [
            program.name for program in programs if not self._in_source(program) and self._needs_go(program)
        ]
        if needing_go and not proxies(os.environ) and not go_runs(self.commands):
            raise LoopError(
                f"The manifests of {', '.join(needing_go)} are neither in a mirror to copy from nor in the "
                "cache. To fetch them from their Go modules, Go is needed, and there is none in PATH. "
                "Install it (https://go.dev/dl/), set GOPROXY to a Go module proxy, or name a mirror "
                "that has them as binaries_mirror."
            )

    def _in_source(self, program: Program) -> Found | None:
        return self.source.find(manifests_artifact(program)) if self.source.mirror else None

    def _needs_go(self, program: Program) -> bool:
        return self._cached(program) is None and self._held(program) is None

    def _held(self, program: Program) -> Found | None:
        """The manifests as the mirror has them already, complete."""
        held = self.target.find(manifests_artifact(program))
        if held and all(held.repository.has_blob(blob) for blob in held.manifest.blobs):
            return held
        return None

    def _cached(self, program: Program) -> Path | None:
        """A folder of the cache with the manifests, which are the same for every platform."""
        for folder in sorted((self.cache / program.name / program.edition).glob("*")):
            place = cached(self.cache, program, folder.name)
            if place.manifests and not lacking_manifests(place, program):
                return place.manifests
        return None

    def _copy_artifact(self, program: Program) -> Copied:
        artifact = manifests_artifact(program)
        found = self._in_source(program)
        if found:
            return self._copy(artifact, found)
        held = self._held(program)
        if held:
            return Copied(str(artifact), held.manifest.digest)
        if self.check_mode:
            return Copied(str(artifact), changed=True)
        with self._packed(program) as packed:
            return self._copy(artifact, packed)

    @contextmanager
    def _packed(self, program: Program) -> Iterator[Found]:
        """The manifests as an artifact, in a layout of its own."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = self._cached(program)
            if folder is None:
                folder = Path(scratch, "manifests")
                method = GoMethod(self.modules, this_platform(), self.commands)
                place = Place(Path(scratch, program.name), folder)
                with Path(scratch, "log").open("w+", encoding="utf-8") as log:
                    method.obtain_manifests(program, place, Path(scratch), log)
            layout = LayoutRepository(str(Path(scratch, "layout")))
            manifest = pack_manifests(folder, program, layout)
            yield Found(layout, program.version, manifest)

    def _copy(self, image: ImageReference, found: Found) -> Copied:
        """Have the mirror hold an image, or an index with the images in it."""
        target, name = self.target.locate(image)
        copied = Copied(str(image), found.manifest.digest)
        for digest in found.manifest.parts:
            part = found.repository.manifest(digest)
            if part is None:
                raise LoopError(f"{self.source.place(image)} lacks {digest}, which is part of {image}.")
            self._copy_blobs(part, found.repository, target, copied)
            self._put_part(part, target, copied)
        self._copy_blobs(found.manifest, found.repository, target, copied)
        held = target.manifest(name)
        if held is None or held.digest != found.manifest.digest:
            copied.changed = True
            if not self.check_mode:
                target.put_manifest(name, found.manifest)
        return copied

    def _copy_blobs(self, manifest: Manifest, source: Repository, target: Repository, copied: Copied) -> None:
        for blob in manifest.blobs:
            if target.has_blob(blob) or (self.check_mode and self._is_foretold(target, blob)):
                continue
            copied.changed = True
            copied.blobs += 1
            copied.bytes += blob.size
            if self.check_mode:
                continue
            with tempfile.TemporaryFile() as content:
                source.fetch_blob(blob, content)
                target.put_blob(blob, content)

    def _is_foretold(self, target: Repository, blob: Descriptor) -> bool:
        """Whether a blob, which several images may share, has been counted; notes that it is from now on."""
        mine = object()
        return self._foretold.setdefault((target.reference.url, blob.digest), mine) is not mine

    def _put_part(self, part: Manifest, target: Repository, copied: Copied) -> None:
        """Store a manifest that only an index names. In a layout, it is a blob like others."""
        if target.manifest(part.digest) is not None:
            return
        copied.changed = True
        if self.check_mode:
            return
        if isinstance(target, LayoutRepository):
            target.put_blob(part.descriptor, part.body)
        else:
            target.put_manifest(part.digest, part)


def run(options: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """What the module program_mirror does with its options."""
    known = [parse_program(entry) for entry in with_digests(options["programs"], options["digests"])]
    programs = select(known, options["names"] or [program.name for program in known])
    if not options["target"]:
        raise LoopError("target: name the mirror to fill, host[:port][/prefix] or the path of a folder.")
    mirror = Mirror(
        source=Images.from_params(options),
        target=Images.from_params({"mirror": options["target"], "connection": options["target_connection"]}),
        platforms=platforms(options["platforms"]),
        cache=Path(options["cache_dir"]),
        modules=Path(options["modules_dir"]),
        commands=LocalCommands(),
        check_mode=check_mode,
    )
    copied = mirror.fill(programs)
    return {
        "changed": any(image.changed for image in copied),
        "target": options["target"],
        "is_folder": is_layout(options["target"]),
        "images": [image.as_result() for image in copied],
    }


def platforms(wanted: Sequence[str]) -> tuple[str, ...]:
    """The platforms that an option names; none for all. Raises LoopError for what is no platform."""
    if "all" in wanted:
        return ()
    this = this_platform().replace("darwin-", "linux-")
    named = tuple(dict.fromkeys(this if name == "this" else name.replace("/", "-") for name in wanted))
    wrong = [name for name in named if name not in ("linux-amd64", "linux-arm64")]
    if wrong or not named:
        raise LoopError(
            f"platforms: {', '.join(wrong) or 'nothing'} is no platform that programs are for. "
            "There are linux-amd64, linux-arm64, this and all."
        )
    return named
