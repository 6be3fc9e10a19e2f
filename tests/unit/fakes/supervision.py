# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A supervisord and a machine in memory."""

from __future__ import annotations

import configparser
import itertools
from collections.abc import Container
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Group,
    Probe,
    Process,
    configured_programs,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.group import (
    ensure_started,
    ensure_stopped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import Live


class MemoryMachine:
    """What runs for one loop, and what its programs answer."""

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.ending: set[int] = set()
        self.silent: set[str] = set()
        self.running: dict[int, tuple[str, ...]] = {}
        self.killed: list[int] = []
        self.immortal = False
        self.lost: list[int] = []

    def answers(self, probe: Probe) -> bool:
        return probe.url not in self.silent

    def port_is_free(self, port: int) -> bool:
        # One that is ending has its port for this one look.
        is_ending = port in self.ending
        self.ending.discard(port)
        return port not in self.taken and not is_ending

    def programs(self, commands: Container[tuple[str, ...]] | None = None) -> dict[int, tuple[str, ...]]:
        return {
            pid: command for pid, command in self.running.items() if commands is None or command in commands
        }

    def kill(self, pid: int, *, seconds: float = 0) -> None:
        self.killed.append(pid)
        self.lost = [other for other in self.lost if other != pid]
        self.taken.clear()
        if not self.immortal:
            self.running.pop(pid, None)


class MemorySupervisor:
    """Reads the configuration files as supervisord does; ``calls`` says what was asked of it."""

    def __init__(self, state_dir: Path, machine: MemoryMachine) -> None:
        self.folder = state_dir / "supervisor" / "conf.d"
        self.machine = machine
        self.socket = "/loop.sock"
        self.alive = False
        self.known: dict[str, str] = {}
        self.live: dict[str, Live] = {}
        self.calls: list[str] = []
        self.pids = itertools.count(1000)

    def _configured(self) -> dict[str, str]:
        sections = {}
        for path in sorted(self.folder.glob("*.conf")):
            parser = configparser.RawConfigParser(interpolation=None)
            parser.read(path)
            for section in parser.sections():
                sections[section.removeprefix("program:")] = str(dict(parser[section]))
        return sections

    @property
    def unreachable(self) -> list[int]:
        return self.machine.lost

    def is_running(self) -> bool:
        return self.alive

    def launch(self) -> None:
        self.calls.append("launch")
        self.alive = True
        self.known = self._configured()
        self.live = {name: Live("STOPPED") for name in self.known}

    def shutdown(self) -> None:
        self.calls.append("shutdown")
        self.alive = False
        for found in self.live.values():
            self.machine.running.pop(found.pid, None)

    def processes(self) -> dict[str, Live]:
        return dict(self.live)

    def reload(self) -> tuple[list[str], list[str], list[str]]:
        now = self._configured()
        added = [name for name in now if name not in self.known]
        changed = [name for name in now if name in self.known and now[name] != self.known[name]]
        removed = [name for name in self.known if name not in now]
        return added, changed, removed

    def add(self, name: str) -> None:
        self.known[name] = self._configured()[name]
        self.live[name] = Live("STOPPED")

    def remove(self, name: str) -> None:
        del self.known[name]
        del self.live[name]

    def start(self, name: str) -> None:
        self.calls.append(f"start {name}")
        self.live[name] = Live("RUNNING", pid=next(self.pids))
        texts = [path.read_text() for path in self.folder.glob("*.conf")]
        programs = {name: program for text in texts for name, program in configured_programs(text).items()}
        self.machine.running[self.live[name].pid] = programs[name].command

    def stop(self, name: str) -> None:
        self.calls.append(f"stop {name}")
        self.machine.running.pop(self.live[name].pid, None)
        self.live[name] = Live("STOPPED")


class Bench:
    """A state folder with a supervisord and a machine in memory."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.machine = MemoryMachine()
        self.supervisor = MemorySupervisor(state_dir, self.machine)

    def lose(self, pid: int) -> None:
        """Its supervisord, which has this number, goes on and cannot be reached any more."""
        self.supervisor.alive = False
        self.machine.lost = [pid]

    def group(self, *processes: Process, **fields) -> Group:
        return Group(str(self.state_dir), fields.pop("name", "group"), processes=processes, **fields)

    def start(self, group: Group, *, check_mode=False, timeout=0.2, wait=True):
        self.supervisor.calls.clear()
        return ensure_started(
            group,
            supervisor=self.supervisor,
            machine=self.machine,
            wait=wait,
            timeout=timeout,
            check_mode=check_mode,
        )

    def stop(self, group: Group, *, forget=False, check_mode=False):
        self.supervisor.calls.clear()
        return ensure_stopped(
            group,
            forget=forget,
            supervisor=self.supervisor,
            machine=self.machine,
            timeout=1,
            check_mode=check_mode,
        )

    def files(self):
        return {path: path.read_bytes() for path in self.state_dir.rglob("*") if path.is_file()}
