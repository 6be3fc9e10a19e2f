# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The edge of a group: the supervisord of a loop, found by what runs and asked over its UNIX socket."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from typing import Any, cast

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import for_child
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import read_text
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import (
    arguments_by_pid,
    is_alive,
    working_folder,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    configured_socket,
    daemon_file,
    socket_path,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import (
    POLL_SECONDS,
    SUPERVISORD_SECONDS,
    Live,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    User,
    known_folders,
    make_own,
    socket_folder,
)

PROGRAM = "supervisor.supervisord"
RPC_SECONDS = 30
LAUNCH_SECONDS = 60


class _Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket, which supervisor's own client does without a deadline."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=RPC_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    """The way of a call: a connection of its own for each."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self.close()
        connection = _Connection(self._path)
        self._connection = host, connection
        return connection


class Supervisord:
    """The supervisord of the loop in ``state_dir``, asked over its socket (XML-RPC, http://supervisord.org/api.html).

    It is found in the process table, whatever became of the files and sockets that it has made. One that runs
    and cannot be asked is ``unreachable``. ``socket`` is where it listens, or is to listen.
    """

    def __init__(self, state_dir: str, user: User) -> None:
        self._state_dir = state_dir
        self._user = user
        reads_ours = supervisord_pids(state_dir)
        configuration = read_text(daemon_file(state_dir)) or ""
        known = [socket_path(folder, state_dir) for folder in known_folders(user)]
        sockets = dict.fromkeys([*configured_socket(configuration), *known]) if reads_ours else {}
        answering = {pid: path for path in sockets if reads_ours.get(pid := _pid_behind(path))}
        self._unreachable = [pid for pid in reads_ours if pid not in answering]
        self.socket = next(iter(answering.values()), socket_path(socket_folder(user), state_dir))

    @property
    def unreachable(self) -> list[int]:
        return self._unreachable

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(_rpc(self.socket), method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise LoopError(
                f"supervisord of {self._state_dir} refused {method}({', '.join(map(str, arguments))}): "
                f"{fault.faultString}"
            ) from fault
        except (OSError, http.client.HTTPException) as error:
            raise LoopError(
                f"supervisord of {self._state_dir} does not answer on {self.socket}: {error}. "
                "Run the playbook again."
            ) from error

    def is_running(self) -> bool:
        """Whether a supervisord answers; one that is ending counts until its socket is gone."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(RPC_SECONDS)
            try:
                client.connect(self.socket)
            except OSError:
                return False
        return True

    def launch(self) -> None:
        """Start supervisord in the background, and return once it answers."""
        make_own(os.path.dirname(self.socket))
        command = [sys.executable, "-W", "ignore", "-m", PROGRAM, "-c", daemon_file(self._state_dir)]
        try:
            finished = subprocess.run(
                command,
                env=for_child(os.environ, PYTHONUTF8="1"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LAUNCH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LoopError(
                f"supervisord did not start within {LAUNCH_SECONDS} s. Run the playbook again."
            ) from error
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
        deadline = time.monotonic() + SUPERVISORD_SECONDS
        while is_alive(pid):
            if time.monotonic() > deadline:
                raise LoopError(
                    f"supervisord (process {pid}) did not end within {SUPERVISORD_SECONDS} s. "
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


def supervisord_pids(state_dir: str) -> dict[int, bool]:
    """The supervisords that run for the loop, and whether they read the configuration that is there.

    One whose folder was moved while it ran is in that folder still, and reads what is at the old place.
    """
    configuration, folder = os.path.realpath(daemon_file(state_dir)), os.path.realpath(state_dir)
    found = {}
    for pid, arguments in arguments_by_pid(os.getuid()).items():
        if PROGRAM in arguments:
            reads_ours = any(os.path.realpath(argument) == configuration for argument in arguments)
            if reads_ours or working_folder(pid) == folder:
                found[pid] = reads_ours
    return found


def _rpc(path: str) -> Any:
    return cast(
        Any, xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path), use_builtin_types=True)
    ).supervisor


def _pid_behind(path: str) -> int:
    """The process number of the supervisord that answers there; 0 where none does."""
    try:
        return int(_rpc(path).getPID())
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return 0
