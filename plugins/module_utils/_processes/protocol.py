# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What starting and stopping asks of supervisord and of the machine."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Probe

POLL_SECONDS = 0.05  # between two looks at what starts or ends
ENDING_SECONDS = 10  # a program's, before it is killed
# Supervisord ends its programs one priority after the other, and gives each its own grace.
SUPERVISORD_SECONDS = 90

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
    """The running supervisord of one loop.

    ``socket`` is where it listens, or is to listen. ``unreachable`` are the numbers of those that run for the
    loop and do not answer.
    """

    socket: str

    @property
    def unreachable(self) -> list[int]: ...

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

    def programs(self, commands: Container[tuple[str, ...]] | None = None) -> dict[int, tuple[str, ...]]:
        """What a supervisord of this loop has started: pid and arguments; only those with these arguments."""

    def kill(self, pid: int, *, seconds: float = ENDING_SECONDS) -> None:
        """Have the process end, by force after ``seconds``, and return once it is gone."""
