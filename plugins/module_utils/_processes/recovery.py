# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A supervisord that has lost its socket or its files, and the end of everything that runs for a loop.

What runs counts, not what files say of it: a cleaned ``/tmp`` takes the socket, a moved or removed state
folder takes the configuration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import (
    read_text,
    write_atomically,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Configured,
    configured_programs,
    daemon_configuration,
    daemon_file,
    fits,
    group_files,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.plan import orphans
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import (
    DOWN,
    SUPERVISORD_SECONDS,
    Live,
    Machine,
    Supervisor,
)


def why_regained(supervisor: Supervisor) -> list[str]:
    """A sentence for each supervisord that ``regain`` will replace."""
    return [f"supervisord (process {pid}) runs, but does not answer" for pid in supervisor.unreachable]


def regain(state_dir: str, *, supervisor: Supervisor, machine: Machine) -> None:
    """Replace a supervisord that cannot be asked any more by one that runs the same."""
    programs = _configured(state_dir)
    ran = set(machine.programs({program.command for program in programs.values()}).values())
    _end_supervisords(supervisor, machine)
    is_running = supervisor.is_running()
    live = supervisor.processes() if is_running else {}
    for pid in orphans(machine.programs(), supervised=[found.pid for found in live.values()]):
        machine.kill(pid)
    if not is_running:
        launch(state_dir, supervisor=supervisor)
    known = supervisor.processes()
    for name in sorted(programs, key=lambda name: programs[name].priority):
        if programs[name].command in ran and known.get(name, Live("")).state in DOWN:
            supervisor.start(name)


def launch(state_dir: str, *, supervisor: Supervisor) -> None:
    """Start supervisord with the configurations of the groups that are whole; nothing of them runs yet."""
    make_readable(state_dir, supervisor=supervisor)
    make_directory(f"{state_dir}/logs")
    supervisor.launch()


def make_readable(state_dir: str, *, supervisor: Supervisor) -> None:
    """Leave nothing in the way of a supervisord that is to read its configuration.

    The configuration of a group goes that was cut off, or is of a state folder that was at another place: the
    group writes it anew when it is started.
    """
    for path in group_files(state_dir):
        if not fits(read_text(path) or "", state_dir):
            Path(path).unlink()
    configuration = daemon_configuration(state_dir, supervisor.socket)
    if read_text(daemon_file(state_dir)) != configuration:
        write_atomically(daemon_file(state_dir), configuration.encode(), mode=0o600)


def make_directory(path: str) -> None:
    """Make the folder, for its owner only. Raises LoopError when that is not possible."""
    try:
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LoopError(
            f"The folder {path} cannot be made: {error.strerror}. Choose a state folder that the calling "
            "user may write to (flux_local_state_dir)."
        ) from error


def end_everything(
    state_dir: str, *, supervisor: Supervisor, machine: Machine, check_mode: bool
) -> dict[str, Any]:
    """Nothing runs for the loop any more, whatever its files know of it.

    Check mode foretells the end of what no group's configuration names: all else ends with its group. Raises
    LoopError naming what still runs then.
    """
    is_running = supervisor.is_running()
    known = {program.command for program in _configured(state_dir).values()} if check_mode else set()
    running = {pid: command for pid, command in machine.programs().items() if command not in known}
    why = [f"{name} is running" for name in _named(running)]
    if not check_mode:
        why = why_regained(supervisor) + why
    if is_running and not known:
        why.append("supervisord is running")
    if why and not check_mode:
        _end_supervisords(supervisor, machine)
        if supervisor.is_running():
            supervisor.shutdown()
        for pid in machine.programs():
            machine.kill(pid)
        if left := machine.programs():
            raise LoopError(
                f"The loop in {state_dir} still runs: {', '.join(_named(left))} did not end. End them "
                "by hand."
            )
    return {"changed": bool(why), "why": why, "processes": []}


def _configured(state_dir: str) -> dict[str, Configured]:
    """The programs of all groups, as their configurations have them."""
    texts = [read_text(path) or "" for path in group_files(state_dir)]
    return {name: program for text in texts for name, program in configured_programs(text).items()}


def _named(running: Mapping[int, tuple[str, ...]]) -> list[str]:
    return [f"{os.path.basename(command[0])} (process {pid})" for pid, command in running.items()]


def _end_supervisords(supervisor: Supervisor, machine: Machine) -> None:
    for pid in supervisor.unreachable:
        machine.kill(pid, seconds=SUPERVISORD_SECONDS)
