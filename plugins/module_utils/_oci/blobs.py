# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Blobs on their way to a registry and back: in one piece or in parts, continued where they broke off."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Protocol
from urllib.parse import urlencode, urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.answers import cause_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.endpoints import referred
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Descriptor
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Location
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.request import (
    CHUNK,
    MAX_ATTEMPTS,
    PUSH,
    Request,
    counted,
    pause_after,
)

with suppress(ImportError):  # module.require() names what is missing
    import requests

SLOWEST_UPLOAD = 1024 * 1024  # bytes in a second; a slower registry is taken for dead
SLOWEST_IN_PARTS = 64 * 1024  # bytes in a second; each part waits for its answer
SLOWEST_DOWNLOAD = 16 * 1024  # bytes in a second; with less, nothing is going on
UPLOAD_CHUNK = 16 * 1024 * 1024  # bytes
SMALLEST_UPLOAD_CHUNK = 64 * 1024  # bytes


class Client(Protocol):
    """What talks to the registry."""

    @property
    def reference(self) -> Location:
        """The repository."""

    @property
    def timeout(self) -> float:
        """How long a registry may be silent, in seconds."""

    def once(self, request: Request, deadline: Deadline) -> requests.Response:
        """The answer to one attempt, which ends by the ``deadline``."""

    def persistently(
        self, attempt: Callable[[], requests.Response], what: str, deadline: Deadline
    ) -> requests.Response:
        """The answer to ``attempt``, which is made again where a failure may pass. Raises LoopError."""

    def send(self, request: Request, deadline: Deadline | None = None) -> requests.Response:
        """The answer to ``request``, which is made again where a failure may pass. Raises LoopError."""

    def require(self, response: requests.Response, what: str, *statuses: int) -> None:
        """Raise LoopError unless ``response``, when asked to do ``what``, has one of ``statuses``."""


def upload(
    client: Client, url: str, blob: Descriptor, content: IO[bytes], mount_from: str | None = None
) -> None:
    """Store ``content``, starting at ``url``; or have it taken from the repository ``mount_from``.

    In one request, or in parts where the registry takes no request as large. Raises LoopError.
    """
    deadline = Deadline.after(client.timeout + blob.size / SLOWEST_UPLOAD)
    response = client.persistently(
        lambda: _upload_whole(client, url, blob, content, mount_from, deadline),
        f"POST {urlsplit(url).path}",
        deadline,
    )
    if response.status_code == 413:
        response = upload_in_parts(client, url, blob, content)
    client.require(response, f"upload {blob.digest}", 200, 201, 202, 204)


def _upload_whole(
    client: Client,
    url: str,
    blob: Descriptor,
    content: IO[bytes],
    mount_from: str | None,
    deadline: Deadline,
) -> requests.Response:
    """One attempt, with an upload of its own: what a broken one left is not continued."""
    if mount_from:
        url += f"?{urlencode({'mount': blob.digest, 'from': mount_from})}"
    begun = client.once(Request("POST", url, headers={"Content-Length": "0"}), deadline)
    if begun.status_code != 202:
        return begun
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
    put = Request("PUT", _finished(_location(begun), blob.digest), content, headers)
    return client.once(put, deadline)


def upload_in_parts(client: Client, url: str, blob: Descriptor, content: IO[bytes]) -> requests.Response:
    """For a registry, or a proxy before it, that takes no request as large as the blob."""
    begun = client.send(Request("POST", url, headers={"Content-Length": "0"}))
    client.require(begun, f"upload {blob.digest}", 202)
    least = begun.headers.get("OCI-Chunk-Min-Length", "")
    smallest = int(least) if least.isdigit() else SMALLEST_UPLOAD_CHUNK
    state = _Upload(_location(begun), 0)
    size = max(UPLOAD_CHUNK, smallest)
    deadline = Deadline.after(client.timeout + size / SLOWEST_UPLOAD, rate=SLOWEST_IN_PARTS)
    while state.offset < blob.size:
        before = state.offset
        response = _send_part(client, state, blob, content, size, deadline)
        deadline.carried(max(state.offset - before, 0))
        if response.status_code == 413 and size > smallest:
            size = max(size // 4, smallest)
            continue
        client.require(response, f"upload a part of {blob.digest}", 202, 204)
    end = _finished(state.location, blob.digest)
    return client.send(Request("PUT", end, headers={"Content-Length": "0"}))


def _send_part(
    client: Client, state: _Upload, blob: Descriptor, content: IO[bytes], size: int, deadline: Deadline
) -> requests.Response:
    """Send what comes next; where an attempt fails, the registry is asked how much has arrived."""

    def attempt() -> requests.Response:
        if state.is_unsure:
            held = client.once(Request("GET", state.location, actions=PUSH), deadline)
            if held.status_code == 204:
                state.learn(held)
            if held.status_code != 204 or state.offset >= blob.size:
                return held
        content.seek(state.offset)
        part = content.read(min(size, blob.size - state.offset))
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"{state.offset}-{state.offset + len(part) - 1}",
        }
        state.is_unsure = True
        response = client.once(Request("PATCH", state.location, part, headers), deadline)
        if response.status_code == 202:
            state.learn(response, len(part))
        state.is_unsure = response.status_code not in {202, 413}
        return response

    return client.persistently(attempt, f"PATCH {urlsplit(state.location).path}", deadline)


def download(client: Client, url: str, blob: Descriptor, into: IO[bytes]) -> str:
    """Write what is at ``url`` to ``into``, at most the size of ``blob``; returns the digest of what came.

    What breaks off is continued from there. Raises LoopError.
    """
    received = _Received()
    deadline = Deadline.after(client.timeout, rate=SLOWEST_DOWNLOAD)
    failure = ""
    attempt = 0
    while attempt < MAX_ATTEMPTS and not deadline.is_over:
        if attempt:
            time.sleep(pause_after(attempt))
        attempt += 1
        try:
            _fetch_rest(client, url, blob, into, received, deadline)
        except requests.RequestException as error:
            failure = cause_of(error, deadline.grace)
        else:
            return received.digest
    raise LoopError(
        f"url: reading {blob.digest} of {client.reference.url} broke off {counted(attempt)}, at last after "
        f"{received.size} of {blob.size} bytes: {failure}. Run again.",
        url=client.reference.url,
    )


def _fetch_rest(
    client: Client, url: str, blob: Descriptor, into: IO[bytes], received: _Received, deadline: Deadline
) -> None:
    headers = {"Accept-Encoding": "identity"}
    if received.size:
        headers["Range"] = f"bytes={received.size}-"
    with client.send(Request("GET", url, headers=headers, stream=True), deadline) as response:
        client.require(response, f"read {blob.digest}", 200, *([206] if received.size else []))
        known = received.size if response.status_code == 200 else 0  # the beginning comes once more
        for block in response.iter_content(CHUNK):
            fresh = block[known:]
            known = max(known - len(block), 0)
            received.take(fresh)
            if received.size > blob.size:
                return  # its digest will not be the one wanted
            into.write(fresh)


@dataclass
class _Upload:
    """An upload in parts: where the next one goes, and how many bytes have arrived, as far as is known."""

    location: str
    offset: int
    is_unsure: bool = False

    def learn(self, response: requests.Response, sent: int = 0) -> None:
        """Take over what the registry says after ``sent`` bytes.

        OCI distribution spec, "Pushing a blob in chunks", where ``0-0`` stands for nothing as well as for one
        byte. Raises LoopError where it takes nothing.
        """
        self.location = _location(response) if "Location" in response.headers else self.location
        last = response.headers.get("Range", "").rpartition("-")[2]
        before = self.offset
        self.offset = int(last) + 1 if last.isdigit() and last != "0" else sent and before + sent
        if sent and self.offset <= before:
            raise LoopError(
                "url: the registry takes uploads in parts, but stores nothing. Repair the registry."
            )


class _Received:
    """What has come of a blob."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def take(self, block: bytes) -> None:
        self._hash.update(block)
        self.size += len(block)


def _location(upload: requests.Response) -> str:
    return referred(upload.url, upload.headers.get("Location", ""))


def _finished(location: str, digest: str) -> str:
    """The URL that ends an upload."""
    return f"{location}{'&' if '?' in location else '?'}{urlencode({'digest': digest})}"
