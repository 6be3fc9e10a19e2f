# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Programs out of their official images, and their manifests out of a mirror."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TextIO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_image
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.digests import FirstPulls, Pulled
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_method import GoMethod
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_tree import (
    Tree,
    copy_content,
    members,
    uncompress,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.manifests_artifact import (
    manifests_artifact,
    unpack_manifests,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import lacking_manifests
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import Place, Program


@dataclass(frozen=True)
class ImageMethod:
    """Takes programs out of images; ``modules`` supplies the manifests that no mirror has."""

    images: Images
    platform: str
    modules: GoMethod
    pulls: FirstPulls

    def obtain(self, program: Program, into: Place, scratch: Path, log: TextIO) -> Pulled | None:
        pulled = self._obtain_program(program, into, scratch, log) if program.has_program else None
        if into.manifests:
            self._obtain_manifests(program, into, scratch, log)
        return pulled

    def _obtain_program(self, program: Program, into: Place, scratch: Path, log: TextIO) -> Pulled:
        image = parse_image(program.image)
        try:
            found = self.images.require(image)
            manifest = self.images.for_platform(found, self.platform)
            place = self.images.place(image)
            log.write(f"{image} in {place}: {manifest.digest} for {self.platform}\n")
            self.pulls.verify(image, place, {self.platform: manifest.digest})
            with into.program.open("wb") as file:
                _extract(found.repository, manifest, program.path, file, scratch)
        except LoopError as error:
            raise LoopError(f"{image} gives no {program.name}. {error.message}", **error.details) from error
        return Pulled(image, self.platform, manifest.digest)

    def origin(self, program: Program) -> str:
        return f"{program.path} of {program.image}"

    def remedy(self, program: Program) -> str:
        place = self.images.place(parse_image(program.image))
        return (
            f"{place} holds another program under this name: have it hold {program.name} {program.version}, "
            "or use another source."
        )

    def _obtain_manifests(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:
        artifact = manifests_artifact(program)
        found = self.images.find(artifact) if self.images.mirror else None
        if found is None:
            self.modules.obtain_manifests(program, into, scratch, log)
            return
        log.write(f"{artifact} in {self.images.place(artifact)}: {found.manifest.digest}\n")
        unpack_manifests(found, program, into)
        absent = lacking_manifests(into, program)
        if absent:
            names = ", ".join(path.name for path in absent)
            raise LoopError(
                f"{artifact} in {self.images.place(artifact)} lacks {names}. Fill the mirror again."
            )


def _extract(repository: Repository, manifest: Manifest, path: str, into: IO[bytes], scratch: Path) -> None:
    """Write the file ``path`` of an image to ``into``."""
    with ExitStack() as stack:
        archives: list[IO[bytes]] = []
        tree = Tree()
        for number, layer in enumerate(manifest.layers):
            archive = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            with tempfile.TemporaryFile(dir=scratch) as blob:
                repository.fetch_blob(layer, blob)
                uncompress(blob, archive)
            tree.add(members(archive, number))
            archives.append(archive)
        content = tree.find(path)
        if content is None:
            others = tree.named(PurePosixPath(path).name)
            held = f"it has {', '.join(others)}" if others else f"none of its {len(archives)} layers has one"
            raise LoopError(f"It has no file {path} ({held}).")
        copy_content(archives[content.layer], content, into)
