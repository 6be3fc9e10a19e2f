# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A server that sends a byte now and then, without end, or takes nothing."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PAUSE = 0.02  # seconds; far less than a time-out
sleep = time.sleep  # tests replace it for what they test


@contextmanager
def dripping(begin: bytes, drop: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that answers each request with ``begin``, and then ``drop`` again and again."""

    def answer(client: socket.socket) -> None:
        with suppress(OSError):
            line = tls.wrap_socket(client, server_side=True) if tls else client
            with line:
                line.recv(65536)
                line.sendall(begin)
                while not is_over.is_set():
                    line.sendall(drop)
                    sleep(PAUSE)

    is_over = threading.Event()
    with _listening(answer) as port:
        yield port
        is_over.set()


@contextmanager
def taking_nothing(begin: bytes) -> Iterator[int]:
    """The port of a server that answers the first two requests with ``begin``, and reads no others."""
    begun: list[socket.socket] = []

    def answer(client: socket.socket) -> None:
        begun.append(client)  # or it would be closed
        with suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for status in (b"404 Not Found", b"202 Accepted"):
                client.recv(65536)
                client.sendall(b"HTTP/1.1 " + status + b"\r\n" + begin)

    with _listening(answer) as port:
        yield port
    for client in begun:
        client.close()


@contextmanager
def _listening(answer: object) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client = listener.accept()[0]
                    threading.Thread(target=answer, args=(client,), daemon=True).start()  # type: ignore[arg-type]  # any function

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
