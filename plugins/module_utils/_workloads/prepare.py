# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A workload made ready: its folder is read and packed once, and everything after looks at the pack alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushRequest, with_origin
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import Pack, pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.certain_builds import (
    certainly_builds,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.places import Manifests
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resources import resources
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import UnreadableError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.parse import Asked
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import Workload

MOST_NAMED = 5  # files in a warning
MOST_COMPARED = 1024 * 1024  # bytes of a folder's manifests that are compared with what Flux owns

Connect = Callable[[Reference, Connection], Repository]


@dataclass(frozen=True)
class Prepared:
    """A workload with its packed folder, what is pushed of it, and the repository that this goes to."""

    workload: Workload
    pack: Pack
    request: PushRequest
    repository: Repository
    warnings: tuple[str, ...] = ()
    _rendered: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.workload.name

    @cached_property
    def manifests(self) -> list[Object]:
        """The objects in the folder as they are written; a file that holds anything else counts as none."""
        found: list[Object] = []
        left = MOST_COMPARED
        for entry, blocks in read_tar(self.pack.archive):
            if blocks is not None and entry.name.endswith((".yaml", ".yml", ".json")):
                content = b"".join(blocks)
                left -= len(content)
                if left < 0:
                    break
                with suppress(UnreadableError):  # Flux says so, if it reads the file at all
                    held = resources(content, entry.name)
                    found += [resource.content for resource in held or []]
        return found

    @cached_property
    def places(self) -> Manifests:
        """Where in the user's folder its objects are written."""
        return Manifests(self.pack.path, self.pack.archive)

    def certainly_builds(self, kustomization: Object) -> bool:
        """Whether Flux builds it without a doubt, so that it need not be rendered to know that."""
        return certainly_builds(kustomization, self.pack.archive)

    def render(self, renderer: Renderer, kustomization: Object, *, is_strict: bool) -> str:
        """What Flux would build with a Kustomization, found out once. Raises LoopError."""
        key = json.dumps([kustomization["spec"], is_strict], sort_keys=True)
        if key not in self._rendered:
            self._rendered[key] = self._render(renderer, kustomization, is_strict=is_strict)
        return self._rendered[key]

    def _render(self, renderer: Renderer, kustomization: Object, *, is_strict: bool) -> str:
        asked = self.workload.options["kustomization_path"] or ""
        # As Flux takes it: from the root of the artifact, and never out of it.
        inside = os.path.normpath(f"/{asked}").lstrip("/")
        with tempfile.TemporaryDirectory(prefix="flux-local-") as scratch:
            folder = os.path.join(os.path.realpath(scratch), "content")
            self.pack.extract(folder)
            entry = os.path.join(folder, inside) if inside else folder
            if not os.path.isdir(entry):
                raise LoopError(
                    f"kustomization_path is {asked!r}, but {self.pack.path} has"
                    " no such folder. Name one inside the workload's path."
                )
            path = os.path.join(self.pack.path, inside) if inside else self.pack.path
            return renderer.render(entry, kustomization, path, is_strict=is_strict)


def prepare(workload: Workload, asked: Asked, connect: Connect, stack: ExitStack) -> Prepared:
    """Pack the workload's folder, which is kept until ``stack`` ends. Raises LoopError.

    Nothing is asked of the registry yet.
    """
    options, registry = workload.options, asked.registry
    repository = connect(parse_url(workload.url(registry.endpoint.host)), registry.connection)
    try:
        packed = stack.enter_context(
            pack(asked.path_of(workload), ignore=options["ignore"], symlinks=options["symlinks"])
        )
    except LoopError as error:
        raise LoopError(f"Workload {workload.name}: {error.message}") from error
    request = PushRequest((options["tag"],), compare=asked.compare)
    request, warnings = with_origin(request, packed.path, asked.source, asked.revision)
    prepared = Prepared(workload, packed, request, repository, (*packed.warnings, *warnings))
    try:
        prepared.places.refuse_unbounded()
    except LoopError as error:
        raise LoopError(f"Workload {workload.name}: {error.message}") from error
    return replace(prepared, warnings=(*prepared.warnings, *_left_encrypted(prepared)))


def _left_encrypted(prepared: Prepared) -> list[str]:
    """A warning about what SOPS has encrypted, where Flux is not told to decrypt it."""
    if prepared.workload.options.get("decryption"):
        return []
    found = prepared.places.encrypted()
    told = (
        f"decryption is not set, and SOPS has encrypted {some_of(found, MOST_NAMED)}: Flux applies the"
        " ciphertext as if it were the value. Set decryption (provider: sops), or ignore what is not applied."
    )
    return [told] if found else []
