# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A repository in memory, which keeps a record of what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Descriptor, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of


@dataclass
class MemoryRepository:
    """Implements ``registry.Repository``; raises KeyError where a real registry would refuse."""

    reference: Reference = field(default_factory=lambda: Reference("localhost:5050", "shop"))
    manifests: dict[str, Manifest] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    deletes_tags: bool = True

    def manifest(self, name: str) -> Manifest | None:
        self.asked.append(f"read {name}")
        held = [manifest for manifest in self.manifests.values() if manifest.digest == name]
        return self.manifests.get(name) or next(iter(held), None)

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        for layer in manifest.layers:
            self.blobs[layer.digest]
        self.asked.append(f"tag {name}")
        self.manifests[name] = manifest

    def has_blob(self, blob: Descriptor) -> bool:
        return blob.digest in self.blobs

    def put_blob(self, blob: Descriptor, content: IO[bytes] | bytes, mount_from: str | None = None) -> bool:
        if mount_from:
            self.asked.append(f"mount from {mount_from}")
        if not isinstance(content, bytes):
            content.seek(0)
            content = content.read()
        self.asked.append("blob")
        if (digest_of(content), len(content)) != (blob.digest, blob.size):
            raise KeyError(blob.digest)
        is_new = blob.digest not in self.blobs
        self.blobs[blob.digest] = content
        return is_new

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        self.asked.append("fetch")
        into.write(self.blobs[blob.digest])

    def tags(self) -> list[str]:
        self.asked.append("list")
        return sorted(name for name in self.manifests if ":" not in name)

    def delete_tag(self, tag: str) -> bool:
        self.asked.append(f"untag {tag}")
        return self.deletes_tags and bool(self.manifests.pop(tag, None))

    def delete_manifest(self, digest: str) -> None:
        self.asked.append(f"delete {digest}")
        for name in [name for name, held in self.manifests.items() if held.digest == digest]:
            del self.manifests[name]
