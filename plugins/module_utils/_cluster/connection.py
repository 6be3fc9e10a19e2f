# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to an API server on the kubernetes client, sent again where the server turned them away unread."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    WatchEvent,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.refusals import Refusals, status_in
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json

try:
    import urllib3
    import urllib3.exceptions
except ImportError:  # module.require() names what is missing
    pass

REQUEST_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes of an answer
# What was turned away with 429 was not begun, and may come again, as with client-go. A kind whose definition
# was made a moment ago or is being deleted is answered so: "storage is (re)initializing".
ATTEMPTS = 10
SECONDS_BETWEEN_ATTEMPTS = 1.0


@dataclass(frozen=True)
class Request:
    """One request about a kind; ``action`` is what it is called where it fails: ``read Deployment a/b``."""

    action: str
    kind: Kind
    method: str
    path: str
    query: Mapping[str, str | None] = field(default_factory=dict)
    body: Object | None = None
    media_type: str = "json"
    timeout: tuple[float, float] = REQUEST_TIMEOUT


class Connection:
    """An API server as ``client``, the kubernetes client's ApiClient, reaches it. All raises ClusterError."""

    def __init__(self, client: Any, refusals: Refusals) -> None:
        self._client = client
        self._refusals = refusals

    def read(self, request: Request) -> Object:
        """The object in the answer."""
        response = self.open(request)
        try:
            read: Object = from_json(response.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise self._refusals.unreachable(error) from error
        return read

    def open(self, request: Request) -> Any:
        """The response, its body unread: a watch is read as it comes."""
        for _again in range(ATTEMPTS - 1):
            try:
                return self._attempt(request)
            except ClusterError as error:
                if error.status != 429:
                    raise
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        return self._attempt(request)

    def _attempt(self, request: Request) -> Any:
        headers = {"Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = f"application/{request.media_type}"
        query = {name: value for name, value in request.query.items() if value is not None}
        response = self._send(
            request.method, f"{request.path}?{urlencode(query)}", headers, request.body, request.timeout
        )
        if not 200 <= response.status <= 299:
            with response:
                raise self._refusals.failure(
                    request.action, request.kind, response.status, response.reason, self._text(response)
                )
        return response

    def _send(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Object | None,
        timeout: tuple[float, float],
    ) -> Any:
        """The response, its body unread. ``target`` is the path with its query.

        The ApiClient's own ways to send differ from release to release; what it sends with has been the same
        since 24.
        """
        configuration = self._client.configuration
        login = configuration.auth_settings().get("BearerToken")
        try:
            return self._client.rest_client.pool_manager.request(
                method,
                configuration.host + target.removesuffix("?"),
                headers={
                    **self._client.default_headers,
                    **headers,
                    **({login["key"]: login["value"]} if login else {}),
                },
                body=None if body is None else json.dumps(body),
                timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._refusals.unreachable(error) from error

    def _text(self, response: Any) -> str:
        try:
            text: str = response.data.decode(errors="replace")
        except urllib3.exceptions.HTTPError as error:
            raise self._refusals.unreachable(error) from error
        return text

    def watch(self, request: Request) -> ResponseWatch:
        """The events in the answer, as they come."""
        return ResponseWatch(self.open(request), self._refusals, request.kind)

    def fetch(self, path: str, query: Mapping[str, str | int]) -> str | None:
        """What is at ``path``, as text; None where there is nothing."""
        response = self._send("GET", f"{path}?{urlencode(query)}", {"Accept": "*/*"}, None, REQUEST_TIMEOUT)
        text = self._text(response)
        if response.status == 404:
            return None
        if response.status != 200:
            said = status_in(text).get("message") or response.reason
            origin = self._refusals.address.origin
            raise ClusterError(f"Cannot read {path} in the cluster of {origin}: {said}.", response.status)
        return text


class ResponseWatch:
    """A watch that reads from an open HTTP response."""

    def __init__(self, response: Any, refusals: Refusals, kind: Kind) -> None:
        self._response = response
        self._refusals = refusals
        self._kind = kind
        self._closed = False

    def __iter__(self) -> Iterator[WatchEvent]:
        try:
            for line in _lines(self._response):
                event = from_json(line)
                if event["type"] == "ERROR":
                    told = event["object"]
                    raise self._refusals.failure(
                        "watch", self._kind, int(told.get("code", 500)), told.get("reason"), json.dumps(told)
                    )
                yield WatchEvent(event["type"], event["object"])
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise self._refusals.unreachable(error) from error
        finally:
            self._response.close()

    def close(self) -> None:
        self._closed = True
        # The reading thread sits in a read of the socket: only shutting it down ends that.
        with suppress(OSError, ValueError, RuntimeError):
            self._response.shutdown()


def _lines(response: Any) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=None, decode_content=False):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line)
