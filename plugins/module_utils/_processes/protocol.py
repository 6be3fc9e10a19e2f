# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What starting and stopping asks of supervisord and of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Probe

POLL_SECONDS = 0.05  # between two looks at what starts or ends

# States of a process: http://supervisord.org/subprocess.html#process-states
UP = frozenset({"RUNNING", "STARTING"})
DOWN = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


@dataclass(frozen=True)
class Live:
    """What supervisord says of one program; ``since``: seconds since the epoch, 0 when it never ran."""

    state: str
    pid: int = 0
    since: int = 0
    problem: str = ""


class Supervisor(Protocol):
    """The running supervisord of one loop."""

    def is_running(self) -> bool: ...

    def launch(self) -> None: ...

    def shutdown(self) -> None: ...

    def processes(self) -> dict[str, Live]: ...

    def reload(self) -> tuple[list[str], list[str], list[str]]:
        """Read the configuration again; names added, changed and removed, none of them applied yet."""

    def add(self, name: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def start(self, name: str) -> None: ...

    def stop(self, name: str) -> None:
        """Ask the program to stop, and return at once."""


class Machine(Protocol):
    """The rest of the world that starting and stopping touches."""

    def answers(self, probe: Probe) -> bool: ...

    def port_is_free(self, port: int) -> bool: ...

    def commands_by_pid(self) -> dict[int, str]:
        """Every process of the calling user: pid and its arguments joined by blanks."""

    def kill(self, pid: int) -> None: ...
