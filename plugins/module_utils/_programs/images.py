# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Images: what their references mean, and where they are had from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS, Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    LAYOUT_SCHEME,
    ImageReference,
    Reference,
    parse_url,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_index import (
    INDEX_TYPES,
    json_object,
    platform_entries,
)

# A registry that does not answer at once is given up: other sources may have the programs.
SECONDS = 5.0

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
            *(("registries", registry) for registry in images.registries.values()),
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
        fields = json_object(body.getvalue())
        built_for = f"{fields.get('os')}-{fields.get('architecture')}"
        if built_for != platform:
            raise LoopError(f"It is for {built_for}, not for {platform}.")


def is_layout(place: str) -> bool:
    """Whether a mirror is a folder: it is written as a path, or as ``oci-layout://path``."""
    return place.startswith((LAYOUT_SCHEME, "/", "~", "./", "../")) or place in (".", "..")


def _placed(option: str, place: str, repository: str) -> Reference:
    """``repository`` in the ``host[:port][/prefix]`` that ``place`` names, or LoopError for the option."""
    try:
        return parse_url(f"oci://{place.removeprefix('oci://').rstrip('/')}/{repository}")
    except LoopError as error:
        raise LoopError(
            f"{option}: {place!r} is no place for images. It has to be host[:port][/prefix]"
            + (", or the path of a folder." if option != "registries" else ".")
        ) from error
