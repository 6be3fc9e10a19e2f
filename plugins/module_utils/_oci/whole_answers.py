# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Answers whose headers are complete.

Python's http.client takes headers that end in the middle, because the connection broke, for all there are: a
digest or a location may then be half of one.
"""

from __future__ import annotations

import http.client
from typing import Any

try:
    import requests.adapters
    import urllib3.connection
    import urllib3.connectionpool
except ImportError:  # module.require() names what is missing
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

_Adapter: Any = requests.adapters.HTTPAdapter if HAS_LIBRARIES else object
_Connection: Any = urllib3.connection.HTTPConnection if HAS_LIBRARIES else object
_SecureConnection: Any = urllib3.connection.HTTPSConnection if HAS_LIBRARIES else object
_Pool: Any = urllib3.connectionpool.HTTPConnectionPool if HAS_LIBRARIES else object
_SecurePool: Any = urllib3.connectionpool.HTTPSConnectionPool if HAS_LIBRARIES else object


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


class _Answer(http.client.HTTPResponse):
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


class _WholeConnection(_Connection):  # type: ignore[misc]  # a stand-in may take its place
    response_class = _Answer


class _WholeSecureConnection(_SecureConnection):  # type: ignore[misc]  # a stand-in may take its place
    response_class = _Answer


class _WholePool(_Pool):  # type: ignore[misc]  # a stand-in may take its place
    ConnectionCls = _WholeConnection


class _WholeSecurePool(_SecurePool):  # type: ignore[misc]  # a stand-in may take its place
    ConnectionCls = _WholeSecureConnection


class WholeAnswersAdapter(_Adapter):  # type: ignore[misc]  # a stand-in may take its place
    """For a session of requests: half an answer is a broken connection."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Replace the classes of connections, which requests has no option for."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _WholePool, "https": _WholeSecurePool}
