# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A small registry that fails as a test wants, and a line to it that breaks at any byte."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of
from ansible_collections.gitops.flux_local.tests.unit.fakes.http_server import Answer, Request

JSON = {"Content-Type": "application/json"}


def error(status: int, code: str, **headers: str) -> Answer:
    return Answer(status, json.dumps({"errors": [{"code": code}]}).encode(), JSON | headers)


@dataclass
class Registry:
    """One repository, ``shop``. ``fault`` may answer in its place; it is given the number of the request."""

    fault: Callable[[Request, int], Answer | None] = lambda request, number: None
    largest_body: int = 2**62
    page: int = 1000
    deletes_tags: bool = True
    deletes_manifests: bool = True
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    number: int = 0

    def answer(self, request: Request) -> Answer:
        self.number += 1
        return self.fault(request, self.number) or self.proper(request)

    def proper(self, request: Request) -> Answer:
        """What a registry without faults answers."""
        if len(request.body) > self.largest_body:
            return Answer(413)
        path = urlsplit(request.path).path
        query = {name: values[-1] for name, values in parse_qs(urlsplit(request.path).query).items()}
        for pattern, handle in (
            (r"/v2/shop/manifests/(.+)", self._manifest),
            (r"/v2/shop/blobs/uploads/(.*)", self._upload),
            (r"/v2/shop/blobs/(.+)", self._blob),
            (r"/v2/shop/tags/list()", self._tags),
        ):
            if match := re.fullmatch(pattern, path):
                return handle(request, match[1], query)
        return Answer(200, b"{}", JSON) if path == "/v2/" else error(404, "NAME_UNKNOWN")

    def _manifest(self, request: Request, name: str, _query: dict[str, str]) -> Answer:
        digest = name if ":" in name else self.tags.get(name, "")
        if request.method == "PUT":
            digest = digest_of(request.body)
            self.manifests[digest] = (request.body, request.headers["Content-Type"])
            if ":" not in name:
                self.tags[name] = digest
            return Answer(201, headers={"Docker-Content-Digest": digest})
        if request.method == "DELETE":
            return self._delete(name)
        if digest not in self.manifests:
            return error(404, "MANIFEST_UNKNOWN")
        body, media_type = self.manifests[digest]
        return Answer(200, body, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def _delete(self, name: str) -> Answer:
        if not (self.deletes_manifests if ":" in name else self.deletes_tags):
            return error(405, "UNSUPPORTED")
        if self.tags.pop(name, None):
            return Answer(202)
        if not self.manifests.pop(name, None):
            return error(404, "MANIFEST_UNKNOWN")
        self.tags = {tag: digest for tag, digest in self.tags.items() if digest != name}
        return Answer(202)

    def _upload(self, request: Request, identity: str, query: dict[str, str]) -> Answer:
        if request.method == "POST":
            identity = f"u{self.number}"
            self.uploads[identity] = b""
        elif identity not in self.uploads:
            return error(404, "BLOB_UPLOAD_UNKNOWN")
        where = {"Location": f"/v2/shop/blobs/uploads/{identity}?state={len(self.uploads[identity])}"}
        if request.method == "PUT":
            content = self.uploads.pop(identity) + request.body
            if digest_of(content) != query["digest"]:
                return error(400, "DIGEST_INVALID")
            self.blobs[query["digest"]] = content
            return Answer(201, headers={"Location": f"/v2/shop/blobs/{query['digest']}"})
        if request.method == "PATCH":
            start = int(request.headers["Content-Range"].partition("-")[0])
            if start != len(self.uploads[identity]):
                return error(416, "RANGE_INVALID")
            self.uploads[identity] += request.body
        last = max(len(self.uploads[identity]) - 1, 0)
        return Answer(204 if request.method == "GET" else 202, headers=where | {"Range": f"0-{last}"})

    def _blob(self, request: Request, digest: str, _query: dict[str, str]) -> Answer:
        if digest not in self.blobs:
            return error(404, "BLOB_UNKNOWN")
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        return Answer(206 if start else 200, self.blobs[digest][start:])

    def _tags(self, _request: Request, _name: str, query: dict[str, str]) -> Answer:
        if not self.tags:
            return error(404, "NAME_UNKNOWN")
        left = [tag for tag in sorted(self.tags) if tag > query.get("last", "")]
        page = left[: min(int(query.get("n", self.page)), self.page)]
        link = {"Link": f'</v2/shop/tags/list?last={page[-1]}&n={self.page}>; rel="next"'}
        return Answer(200, json.dumps({"tags": page}).encode(), JSON | (link if page != left else {}))


@dataclass
class Line:
    """A line to a registry: where it begins, and how many bytes it has carried."""

    port: int = 0
    carried: int = 0
    breaks_at: int | None = None
    stays_broken: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lets_through(self, size: int) -> int:
        """How many of ``size`` bytes pass before it breaks."""
        with self.lock:
            room = size if self.breaks_at is None else min(size, max(self.breaks_at - self.carried, 0))
            self.carried += room
            if room < size and not self.stays_broken:
                self.breaks_at = None
            return room


@contextmanager
def line(to_port: int, breaks_at: int | None = None, *, stays_broken: bool = False) -> Iterator[Line]:
    """A line to the server on ``to_port`` that is reset after ``breaks_at`` bytes, once or from then on."""
    known = Line(breaks_at=breaks_at, stays_broken=stays_broken)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        known.port = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(listener, to_port, known), daemon=True).start()
        yield known
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, to_port: int, known: Line) -> None:
    with suppress(OSError):
        while True:
            client = listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", to_port))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=_carry, args=(one, other, known), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket, known: Line) -> None:
    with suppress(OSError):
        while block := one.recv(65536):
            room = known.lets_through(len(block))
            other.sendall(block[:room])
            if room < len(block):
                for end in (one, other):  # a reset, not an orderly end
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
