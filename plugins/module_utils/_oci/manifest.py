# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The manifest and config of an artifact as the exact bytes that are pushed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of, is_digest

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.cncf.flux.config.v1+json"
LAYER_TYPE = "application/vnd.cncf.flux.content.v1.tar+gzip"
# A tag can name any of these: what it holds has to be known before it is moved.
ACCEPTED_TYPES = (
    MANIFEST_TYPE,
    INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

CREATED = "org.opencontainers.image.created"
SOURCE = "org.opencontainers.image.source"
REVISION = "org.opencontainers.image.revision"
# The digest of the uncompressed layer. With it, one request for the manifest tells whether the content is
# the same, whatever zlib compressed it.
CONTENT_DIGEST = "io.github.gitops-flux-local.content.digest"


@dataclass(frozen=True)
class Descriptor:
    """What a manifest says of a blob (OCI image spec, "Content Descriptors"). ``size`` in bytes."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def of(cls, media_type: str, body: bytes) -> Descriptor:
        """What a manifest says of ``body``."""
        return cls(media_type, digest_of(body), len(body))


@dataclass(frozen=True)
class Manifest:
    """A manifest as a registry holds it: its exact bytes."""

    body: bytes
    media_type: str = MANIFEST_TYPE

    @cached_property
    def digest(self) -> str:
        return digest_of(self.body)

    @cached_property
    def _fields(self) -> Mapping[str, Any]:
        try:
            fields = from_json(self.body)
        except ValueError:
            return {}
        return fields if isinstance(fields, dict) else {}

    @property
    def annotations(self) -> dict[str, str]:
        """What the producer noted; nothing where the manifest is not understood."""
        annotations = self._fields.get("annotations")
        return dict(annotations) if isinstance(annotations, dict) else {}

    @property
    def created(self) -> str | None:
        """When it was made, as its producer noted it (RFC 3339)."""
        return self.annotations.get(CREATED)

    @property
    def source(self) -> str | None:
        """Where the content is from."""
        return self.annotations.get(SOURCE)

    @property
    def revision(self) -> str | None:
        """Which revision of its source the content is, as Flux writes it."""
        return self.annotations.get(REVISION)

    @property
    def content_digest(self) -> str | None:
        """The digest of the uncompressed content, None where the producer did not note it."""
        return self.annotations.get(CONTENT_DIGEST)

    @property
    def layers(self) -> list[Descriptor]:
        """The layers, of which Flux takes the first; none in an index, or where they are not understood."""
        return _descriptors(self._fields.get("layers"))

    @property
    def config(self) -> Descriptor | None:
        """The config, None in an index, or where it is not understood."""
        return next(iter(_descriptors([self._fields.get("config")])), None)

    @property
    def blobs(self) -> list[Descriptor]:
        """All that has to be there beside the manifest itself: config and layers."""
        return [*([self.config] if self.config else []), *self.layers]

    @property
    def descriptor(self) -> Descriptor:
        """What an index says of it."""
        return Descriptor(self.media_type, self.digest, len(self.body))

    @property
    def parts(self) -> list[str]:
        """The digests of the manifests an index consists of; none in anything else."""
        parts = self._fields.get("manifests")
        if not isinstance(parts, list):
            return []
        return [str(part["digest"]) for part in parts if isinstance(part, dict) and "digest" in part]


def _descriptors(items: Any) -> list[Descriptor]:
    try:
        return [Descriptor(str(item["mediaType"]), _sha256(item), int(item["size"])) for item in items or []]
    except (KeyError, TypeError, ValueError):
        return []


def _sha256(item: Mapping[str, Any]) -> str:
    """The digest of a descriptor. Raises ValueError for one that cannot be verified."""
    digest = str(item["digest"])
    if not is_digest(digest):
        raise ValueError(digest)
    return digest


def config_bytes(content_digest: str) -> bytes:
    """The config blob: what tools need that look into image configs (OCI image spec, "rootfs"); no time."""
    return _compact(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [content_digest]},
        }
    )


def flux_config(content_digest: str) -> tuple[Descriptor, bytes]:
    """The config blob of an artifact, and what its manifest says of it."""
    body = config_bytes(content_digest)
    return Descriptor.of(CONFIG_TYPE, body), body


def manifest_bytes(config: Descriptor, layer: Descriptor, annotations: Mapping[str, str]) -> bytes:
    """The manifest as Flux's own CLI writes it, with sorted annotations."""
    return _compact(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(config),
            "layers": [_descriptor(layer)],
            "annotations": dict(sorted(annotations.items())),
        }
    )


def metadata_annotations(source: str | None, revision: str | None, own: Mapping[str, str]) -> dict[str, str]:
    """The annotations that say where the content is from; the user's ``own`` win."""
    known = {SOURCE: source, REVISION: revision}
    return {key: value for key, value in known.items() if value} | dict(own)


def comparable(
    annotations: Mapping[str, str], besides: Iterable[str] = (CREATED, CONTENT_DIGEST)
) -> dict[str, str]:
    """``annotations`` less those that say when it was pushed and what the content is."""
    return {key: value for key, value in annotations.items() if key not in set(besides)}


def _descriptor(blob: Descriptor) -> dict[str, str | int]:
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}


def _compact(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
