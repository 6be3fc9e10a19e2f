# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One repository of an OCI registry (OCI distribution spec); what is read and written is verified."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import refusals
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.answers import is_from_registry
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.blobs import download, upload
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.endpoints import Endpoints, referred
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    ACCEPTED_TYPES,
    CREATED,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.request import PUSH, Request
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.transport import Transport

with suppress(ImportError):  # module.require() names what is missing
    import requests

# 400: registries from before tags could be deleted take a tag for a malformed digest.
REFUSALS_TO_DELETE = frozenset({400, 405, 501})
DELETED = frozenset({200, 202, 204})
# Where a list of tags that does not come to its end is given up.
MOST_LISTING = 6  # times the option timeout
MOST_TAGS = 200_000
EMPTY = Descriptor.of("application/vnd.oci.empty.v1+json", b"{}")


class RegistryRepository:
    """A Repository on a real registry."""

    def __init__(self, reference: Reference, connection: Connection | None = None) -> None:
        self.reference = reference
        self.transport = Transport(reference, connection or Connection())
        self._endpoints = Endpoints(reference)

    def tags(self) -> list[str]:
        found: dict[str, None] = {}  # in their order, each once
        allowed = MOST_LISTING * self.transport.timeout
        end = Deadline.after(allowed)
        page: str | None = self.transport.url(self._endpoints.paged_tags)
        while page:
            response = self.transport.send(Request("GET", page))
            if response.status_code == 400 and not found and "?" in page:
                page = self.transport.url(self._endpoints.tags)  # its pages are smaller
                continue
            if self.transport.is_absent(response):
                return list(found)
            self.transport.require(response, f"list the tags of {self.reference.repository}", 200)
            new = [tag for tag in self._listed_tags(response) if tag not in found]
            found.update(dict.fromkeys(new))
            following = response.links.get("next", {}).get("url")
            page = referred(response.url, following) if following and new else None
            if page and (end.is_over or len(found) > MOST_TAGS):
                raise refusals.endless_list(self.reference, len(found), allowed - end.left)
        return list(found)

    def _listed_tags(self, response: requests.Response) -> list[str]:
        try:
            tags = from_json(response.content).get("tags") or []
        except (ValueError, AttributeError):
            tags = None
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            self.transport.require_registry()
            raise refusals.no_list(self.reference)
        return tags

    def manifest(self, name: str) -> Manifest | None:
        accepted = {"Accept": ", ".join(ACCEPTED_TYPES)}
        response = self._ask("GET", self._endpoints.manifest(name), headers=accepted)
        if self.transport.is_absent(response):
            return None
        self.transport.require(response, f"read the manifest of {name}", 200)
        media_type = response.headers.get("Content-Type", "").split(";")[0].strip()
        if media_type not in ACCEPTED_TYPES:
            self.transport.require_registry()
            raise refusals.no_manifest(self.reference, name, media_type)
        manifest = Manifest(response.content, media_type)
        stored = name if ":" in name else response.headers.get("Docker-Content-Digest", manifest.digest)
        self._verify_digest(f"the manifest {name}", stored, manifest.digest)
        return manifest

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        typed = {"Content-Type": manifest.media_type}
        response = self._ask("PUT", self._endpoints.manifest(name), manifest.body, typed)
        self.transport.require(response, f"write the manifest of {name}", 200, 201, 202)
        stored = response.headers.get("Docker-Content-Digest", manifest.digest)
        self._verify_digest(f"the manifest {name}", stored, manifest.digest)

    def delete_manifest(self, digest: str) -> None:
        response = self._ask("DELETE", self._endpoints.manifest(digest))
        if _is_gone(response):
            return
        if response.status_code in REFUSALS_TO_DELETE:
            raise refusals.no_deletion(self.reference, response)
        self.transport.require(response, f"delete the manifest {digest}", *DELETED)

    def delete_tag(self, tag: str) -> bool:
        response = self._ask("DELETE", self._endpoints.manifest(tag))
        if response.status_code in DELETED or _is_gone(response):
            return True
        if response.status_code not in REFUSALS_TO_DELETE:
            self.transport.require(response, f"remove the tag {tag}", 200)
        return self._deletes_by_digest() and self._delete_tag_with_a_manifest_of_its_own(tag)

    def _deletes_by_digest(self) -> bool:
        """Whether manifests can be deleted, found out with one that cannot exist."""
        absent = digest_of(os.urandom(32))
        return _is_gone(self._ask("DELETE", self._endpoints.manifest(absent)))

    def _delete_tag_with_a_manifest_of_its_own(self, tag: str) -> bool:
        """Remove a tag where only manifests can be deleted: it gets one that nothing else names."""
        held = self.manifest(tag)
        if held is None:
            return True
        self.put_blob(EMPTY, b"{}")
        unique = Manifest(manifest_bytes(EMPTY, EMPTY, {CREATED: f"never-{os.urandom(16).hex()}"}))
        self.put_manifest(tag, unique)
        try:
            self.delete_manifest(unique.digest)
        except BaseException:
            self.put_manifest(tag, held)
            raise
        return True

    def has_blob(self, blob: Descriptor) -> bool:
        return bool(self._ask("HEAD", self._endpoints.blob(blob.digest)).status_code == 200)

    def put_blob(self, blob: Descriptor, content: IO[bytes] | bytes, mount_from: str | None = None) -> bool:
        held = Request("HEAD", self.transport.url(self._endpoints.blob(blob.digest)), actions=PUSH)
        if self.transport.send(held).status_code == 200:
            return False
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        upload(self.transport, self.transport.url(self._endpoints.uploads), blob, source, mount_from)
        return True

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        actual = download(self.transport, self.transport.url(self._endpoints.blob(blob.digest)), blob, into)
        self._verify_digest(f"a blob of {blob.size} bytes", blob.digest, actual)

    def _ask(
        self, method: str, endpoint: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return self.transport.send(Request(method, self.transport.url(endpoint), body, headers or {}))

    def _verify_digest(self, what: str, expected: str, actual: str) -> None:
        if expected != actual:
            raise refusals.damaged(self.reference, what, expected, actual)


def _is_gone(response: requests.Response) -> bool:
    """Whether a registry says that what should be deleted is not there."""
    return response.status_code == 404 and is_from_registry(response)
