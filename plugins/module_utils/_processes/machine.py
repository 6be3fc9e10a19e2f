# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The edge of a group: HTTP probes, ports, and what runs for a loop."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Container

from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import (
    arguments_by_pid,
    environment_of,
    is_alive,
    working_folder,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Probe
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import (
    ENDING_SECONDS,
    POLL_SECONDS,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import loop_key

PROBE_SECONDS = 2
KILLED_SECONDS = 5


class LocalMachine:
    """Probes and ports of this machine, and the processes of the loop in ``state_dir``."""

    def __init__(self, state_dir: str) -> None:
        self._state_dir = state_dir

    def answers(self, probe: Probe) -> bool:
        # What is asked is always a program of the loop: no proxy stands between.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        try:
            if probe.url.startswith("https:"):
                context = ssl.create_default_context(cafile=probe.ca_cert)
                if probe.client_cert:
                    context.load_cert_chain(probe.client_cert, probe.client_key)
                handlers.append(urllib.request.HTTPSHandler(context=context))
            with urllib.request.build_opener(*handlers).open(probe.url, timeout=PROBE_SECONDS) as response:
                return bool(response.status < 400)
        except (OSError, http.client.HTTPException):
            return False

    def port_is_free(self, port: int) -> bool:
        return port_is_free(port)

    def programs(self, commands: Container[tuple[str, ...]] | None = None) -> dict[int, tuple[str, ...]]:
        return {
            pid: arguments
            for pid, arguments in arguments_by_pid(os.getuid()).items()
            if (commands is None or arguments in commands) and self._belongs(pid)
        }

    def _belongs(self, pid: int) -> bool:
        """Whether a supervisord of this loop has started it, not that of a loop of which this is a copy.

        Supervisor tells a program where its supervisord listens, and starts it in the loop's folder.
        """
        environment = environment_of(pid)
        socket_name = environment.get("SUPERVISOR_SERVER_URL", "").rpartition("/")[2]
        return socket_name == f"{loop_key(self._state_dir)}.sock" or (
            "SUPERVISOR_ENABLED" in environment and working_folder(pid) == os.path.realpath(self._state_dir)
        )

    def kill(self, pid: int, *, seconds: float = ENDING_SECONDS) -> None:
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, KILLED_SECONDS)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience
            while is_alive(pid) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)


def port_is_free(port: int) -> bool:
    """Whether nobody listens on 127.0.0.1 there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
