# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP as a client of registries needs it: answers are whole, and come in time.

Python's http.client takes headers that end in the middle, because the connection broke, for all there are: a
digest or a location may then be half of one. And a time-out of requests is one for each byte: a server that
sends one now and then is waited for without end.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline

try:
    import requests.adapters
    import urllib3.util
except ImportError:  # module.require() names what is missing
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

_Adapter: Any = requests.adapters.HTTPAdapter if HAS_LIBRARIES else object
_Timeout: Any = urllib3.util.Timeout if HAS_LIBRARIES else object


class TimeLimit(_Timeout):  # type: ignore[misc]  # a stand-in may take its place
    """The option ``timeout`` of a request: seconds to connect, and a deadline for all of it."""

    def __init__(self, deadline: Deadline, connect: float) -> None:
        super().__init__(connect=connect, total=deadline.left)
        self.deadline = deadline
        self._seconds_to_connect = connect

    def clone(self) -> TimeLimit:
        """urllib3 makes one for each request."""
        return TimeLimit(self.deadline, self._seconds_to_connect)


class AnswersAdapter(_Adapter):  # type: ignore[misc]  # a stand-in may take its place
    """For a session of requests that gives a TimeLimit with each request."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Replace the classes of connections, which requests has no option for."""
        super().init_poolmanager(*args, **options)
        _replace_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Likewise, for connections by way of a proxy."""
        is_known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if not is_known:
            _replace_pools(manager)
        return manager


def _replace_pools(manager: Any) -> None:
    pools: Mapping[str, Any] = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _in_time(pool) for scheme, pool in pools.items()}


def _in_time(pool: Any) -> Any:
    """A class of urllib3's for connections to one host, with answers that are whole and come in time."""
    connection = type("Connection", (_Connection, pool.ConnectionCls), {})
    return type("Pool", (_Pool, pool), {"ConnectionCls": connection})


class _Pool:
    """Before a class of urllib3's."""

    def _prepare_proxy(self, connection: Any) -> None:
        connection.deadline = Deadline.after(connection.timeout)
        super()._prepare_proxy(connection)  # type: ignore[misc]  # of the class that follows

    def _make_request(self, connection: Any, method: str, url: str, **options: Any) -> Any:
        connection.deadline = options["timeout"].deadline
        return super()._make_request(connection, method, url, **options)  # type: ignore[misc]  # likewise


class _Connection:
    """Before a class of urllib3's."""

    deadline: Deadline
    sock: Any

    def send(self, content: Any) -> None:
        """Send what the other side takes in time."""
        if self.sock is not None:
            self.sock.settimeout(self.deadline.left)
        super().send(content)  # type: ignore[misc]  # of the class that follows

    def response_class(self, sock: Any, *args: Any, **options: Any) -> http.client.HTTPResponse:
        """What http.client reads an answer with."""
        return _Answer(self.deadline, sock, *args, **options)


class _Answer(http.client.HTTPResponse):
    def __init__(self, deadline: Deadline, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(_Incoming(self.fp.detach(), sock, deadline))

    def begin(self) -> None:
        file = self.fp
        lines: Any = _Lines(file)
        self.fp = lines
        super().begin()
        if self.fp is lines:
            self.fp = file
        if not lines.last:
            self.close()
            raise http.client.RemoteDisconnected("the connection broke in the middle of the headers")


class _Incoming(io.RawIOBase):
    """A connection's incoming side that is read until a deadline."""

    def __init__(self, file: io.RawIOBase, sock: Any, deadline: Deadline) -> None:
        self._file, self._sock, self._deadline = file, sock, deadline
        self._has_begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises TimeoutError."""
        try:
            if self._deadline.is_over:
                raise TimeoutError("timed out")
            self._sock.settimeout(self._deadline.left)
            size: int | None = self._file.readinto(buffer)
        except TimeoutError as error:
            raise self._deadline.unfinished() if self._has_begun else error from error
        self._has_begun = True
        self._deadline.carried(size or 0)
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _Lines:
    """A connection's incoming side that remembers the last line read from it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.last = b""

    def readline(self, *limit: int) -> bytes:
        self.last = self._file.readline(*limit)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
