# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The edge of a group: supervisord over its UNIX socket, HTTP probes, ports and the process table."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import xmlrpc.client
from typing import Any, cast

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import for_child
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import (
    commands_by_pid,
    is_alive,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Probe,
    daemon_file,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import POLL_SECONDS, Live
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import make_own

try:
    from supervisor.xmlrpc import SupervisorTransport
except ImportError:
    SupervisorTransport = None

RPC_SECONDS = 10
PROBE_SECONDS = 2
LAUNCH_SECONDS = 15


class Supervisord:
    """The supervisord of the loop in ``state_dir``, asked over its socket (XML-RPC, http://supervisord.org/api.html)."""

    def __init__(self, state_dir: str, socket_file: str) -> None:
        self._state_dir = state_dir
        self._socket = socket_file
        transport = SupervisorTransport(None, None, f"unix://{socket_file}")
        self._rpc = cast(Any, xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)).supervisor

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._rpc, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise LoopError(
                f"supervisord of {self._state_dir} refused {method}({', '.join(map(str, arguments))}): "
                f"{fault.faultString}"
            ) from fault
        except (OSError, http.client.HTTPException) as error:
            raise LoopError(
                f"supervisord of {self._state_dir} does not answer on {self._socket}: {error}. "
                "Run the playbook again."
            ) from error

    def is_running(self) -> bool:
        """Whether a supervisord answers; one that is ending counts until its socket is gone."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(RPC_SECONDS)
            try:
                client.connect(self._socket)
            except OSError:
                return False
        return True

    def launch(self) -> None:
        """Start supervisord in the background, and return once it answers."""
        make_own(os.path.dirname(self._socket))
        finished = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "supervisor.supervisord",
                "-c",
                daemon_file(self._state_dir),
            ],
            env=for_child(os.environ, PYTHONUTF8="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise LoopError(f"supervisord did not start: {(finished.stderr or finished.stdout).strip()}")
        deadline = time.monotonic() + LAUNCH_SECONDS
        while not self.is_running():
            if time.monotonic() > deadline:
                raise LoopError(
                    f"supervisord did not answer within {LAUNCH_SECONDS} s; see "
                    f"{self._state_dir}/supervisor/supervisord.log."
                )
            time.sleep(POLL_SECONDS / 2)

    def shutdown(self) -> None:
        """End supervisord and what it still runs; return once it is gone."""
        pid = int(self._call("getPID"))
        self._call("shutdown")
        deadline = time.monotonic() + LAUNCH_SECONDS
        while is_alive(pid):
            if time.monotonic() > deadline:
                raise LoopError(
                    f"supervisord (process {pid}) did not end within {LAUNCH_SECONDS} s. "
                    "Run the playbook again."
                )
            time.sleep(POLL_SECONDS)

    def processes(self) -> dict[str, Live]:
        return {
            found["name"]: Live(
                state=found["statename"], pid=found["pid"], since=found["start"], problem=found["spawnerr"]
            )
            for found in self._call("getAllProcessInfo")
        }

    def reload(self) -> tuple[list[str], list[str], list[str]]:
        added, changed, removed = self._call("reloadConfig")[0]
        return added, changed, removed

    def add(self, name: str) -> None:
        self._call("addProcessGroup", name)

    def remove(self, name: str) -> None:
        self._call("removeProcessGroup", name)

    def start(self, name: str) -> None:
        self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        self._call("stopProcess", name, False)


class LocalMachine:
    """Probes, ports and processes of this machine."""

    def answers(self, probe: Probe) -> bool:
        context = None
        if probe.url.startswith("https:"):
            context = ssl.create_default_context(cafile=probe.ca_cert)
            if probe.client_cert:
                context.load_cert_chain(probe.client_cert, probe.client_key)
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if context:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(probe.url, timeout=PROBE_SECONDS) as response:
                return bool(response.status < 400)
        except (OSError, http.client.HTTPException):
            return False

    def port_is_free(self, port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    def commands_by_pid(self) -> dict[int, str]:
        return commands_by_pid(os.getuid())

    def kill(self, pid: int) -> None:
        """End the process, and return once it is gone."""
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + seconds
            while is_alive(pid) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
