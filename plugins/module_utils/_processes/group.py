# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A group of programs under one supervisord for each loop: started, stopped, absent.

Every program is a supervisor program of its own with ``autostart=false``: it is started here, wave by wave in
the order of its priority, and kept alive by supervisord from then on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import (
    read_text,
    write_atomically,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Group,
    Process,
    configured_programs,
    group_file,
    unfit_for_configuration,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.plan import (
    Plan,
    differences,
    missing_directories,
    orphans,
    plan,
    stop_plan,
    waves,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.programs import alone, stop
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import (
    DOWN,
    POLL_SECONDS,
    UP,
    Live,
    Machine,
    Supervisor,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.recovery import (
    launch,
    make_directory,
    make_readable,
    regain,
    why_regained,
)

# A process that is ending has no name any more, but its ports still.
FREED_SECONDS = 1
LOG_TAIL_LINES = 12


def ensure_started(
    group: Group,
    *,
    supervisor: Supervisor,
    machine: Machine,
    wait: bool,
    timeout: float,
    check_mode: bool,
) -> dict[str, Any]:
    """The group's programs run with exactly this configuration, and answer their probes.

    Returns ``changed``, ``why`` (one sentence for each change), ``processes`` and ``diff``. Raises LoopError
    naming the program, with the end of its log, when one gives up or does not answer within ``timeout``
    seconds.
    """
    _refuse_unfit(group)
    lost = why_regained(supervisor)
    if lost and not check_mode:
        regain(group.state_dir, supervisor=supervisor, machine=machine)
    planned = plan(group, supervisor.socket)
    running = supervisor.is_running()
    live = supervisor.processes() if running else {}
    down = [process for process in group.processes if live.get(process.name, Live("STOPPED")).state not in UP]
    why = lost + differences(group, planned) + [f"{process.name} is not running" for process in down]
    result: dict[str, Any] = {"changed": bool(why), "why": why}
    if diff := planned.diff():
        result["diff"] = diff
    if check_mode:
        return {**result, "processes": _listed(group, live)}

    if not running:
        _make_way(group, group.processes, machine=machine, planned=planned, supervised=())
    _write(group, planned)
    if not running:
        launch(group.state_dir, supervisor=supervisor)
    elif planned.stale:
        _take_over(group, supervisor=supervisor, timeout=timeout)
    if down or planned.stale:
        _await_required(group, machine=machine, timeout=timeout)
    for wave in waves(group.processes):
        _start(group, wave, supervisor=supervisor, machine=machine, planned=planned, timeout=timeout)
        if wait:
            _await_ready(group, wave, supervisor=supervisor, machine=machine, timeout=timeout)
    return {**result, "processes": _listed(group, supervisor.processes())}


def ensure_stopped(
    group: Group, *, forget: bool, supervisor: Supervisor, machine: Machine, timeout: float, check_mode: bool
) -> dict[str, Any]:
    """None of the group's programs runs; with ``forget`` their configuration is gone too.

    The last started is stopped first. When nothing else runs under this supervisord, it ends as well.
    """
    lost = why_regained(supervisor)
    if lost and not check_mode:
        regain(group.state_dir, supervisor=supervisor, machine=machine)
    path = group_file(group)
    configuration = read_text(path)
    programs = configured_programs(configuration or "")
    is_running = supervisor.is_running()
    planned = stop_plan(
        programs,
        live=supervisor.processes() if is_running else {},
        running=machine.programs({program.command for program in programs.values()}),
        is_supervised=is_running,
        forgotten=path if forget and configuration is not None else None,
    )
    if planned.why and not check_mode:
        for wave in planned.waves:
            stop(wave, supervisor=supervisor, timeout=timeout)
        for pid in planned.left:
            machine.kill(pid)
        if planned.is_last:
            supervisor.shutdown()
        if planned.forgotten:
            os.unlink(planned.forgotten)
            if is_running and not planned.is_last:
                _take_over(group, supervisor=supervisor, timeout=timeout)
    why = lost + planned.why
    return {"changed": bool(why), "why": why, "processes": []}


def _refuse_unfit(group: Group) -> None:
    for process in group.processes:
        for text in (*process.command, *process.environment.values(), group.state_dir):
            if unfit_for_configuration(text):
                raise LoopError(
                    f"{text!r} cannot be used by {process.name}: it has a line break, or a blank before ';' "
                    "or '#'. Choose a state folder (flux_local_state_dir) without them."
                )


def _write(group: Group, planned: Plan) -> None:
    for path in missing_directories(group):
        make_directory(path)
    make_directory(f"{group.state_dir}/logs")
    for path in planned.stale:
        write_atomically(path, planned.after[path], mode=planned.modes[path])


def _listed(group: Group, live: Mapping[str, Live]) -> list[dict[str, Any]]:
    def entry(process: Process) -> dict[str, Any]:
        found = live.get(process.name, Live("STOPPED"))
        return {"name": process.name, "state": found.state, "pid": found.pid, "since": found.since}

    return [entry(process) for process in group.processes]


def _make_way(
    group: Group, starting: Sequence[Process], *, machine: Machine, planned: Plan, supervised: Iterable[int]
) -> None:
    """End what a killed supervisord left of this group; raise LoopError when a port of ours is taken."""
    before = configured_programs((planned.before[group_file(group)] or b"").decode(errors="replace"))
    commands = {process.command for process in group.processes}
    commands |= {program.command for program in before.values()}
    for pid in orphans(machine.programs(commands), supervised=supervised):
        machine.kill(pid)
    for process in starting:
        for port in process.ports:
            if not _in_time(partial(machine.port_is_free, port), time.monotonic() + FREED_SECONDS):
                raise LoopError(
                    f"Port {port} on 127.0.0.1, where {process.name} of the loop in {group.state_dir} "
                    f"listens, is taken by another program. End that program (ss -ltnp 'sport = :{port}' or "
                    f"lsof -i :{port} names it), or give the loop another port."
                )


def _in_time(is_so: Callable[[], bool], deadline: float) -> bool:
    """Whether it is so before the clock says ``deadline``."""
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _take_over(group: Group, *, supervisor: Supervisor, timeout: float) -> None:
    """Apply what the configuration files say now to the running supervisord."""
    make_readable(group.state_dir, supervisor=supervisor)
    added, changed, removed = supervisor.reload()
    live = supervisor.processes()
    going = [name for name in (*changed, *removed) if live.get(name, Live("STOPPED")).state not in DOWN]
    stop(going, supervisor=supervisor, timeout=timeout)
    for name in (*changed, *removed):
        supervisor.remove(name)
    for name in (*added, *changed):
        supervisor.add(name)


def _start(
    group: Group,
    wave: Sequence[Process],
    *,
    supervisor: Supervisor,
    machine: Machine,
    planned: Plan,
    timeout: float,
) -> None:
    live = supervisor.processes()
    starting = [process for process in wave if live.get(process.name, Live("STOPPED")).state not in UP]
    # One in back-off tries again only after seconds: stop it, so that it starts now.
    retrying = [
        process.name for process in starting if live.get(process.name, Live("STOPPED")).state == "BACKOFF"
    ]
    stop(retrying, supervisor=supervisor, timeout=10)
    if starting:
        supervised = [found.pid for found in live.values()]
        _make_way(group, starting, machine=machine, planned=planned, supervised=supervised)
    for process in starting:
        with alone(process, timeout=timeout):
            supervisor.start(process.name)


def _await_required(group: Group, *, machine: Machine, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    for probe in group.requires:
        if not _in_time(partial(machine.answers, probe), deadline):
            raise LoopError(
                f"{probe.url}, which {group.name} needs, did not answer within {timeout:g} s. "
                f"The logs are in {group.state_dir}/logs."
            )


def _await_ready(
    group: Group, wave: Sequence[Process], *, supervisor: Supervisor, machine: Machine, timeout: float
) -> None:
    deadline = time.monotonic() + timeout
    waiting = [process for process in wave if process.ready]
    while waiting:
        answers = for_each(
            lambda process: bool(process.ready and machine.answers(process.ready)),
            waiting,
            at_once=len(waiting),
        )
        waiting = [process for process, answered in zip(waiting, answers, strict=True) if not answered]
        if not waiting:
            return
        live = supervisor.processes()
        for process in waiting:
            found = live.get(process.name, Live("UNKNOWN"))
            if found.state in DOWN:
                raise LoopError(_failure(group, process, f"is {found.state}: {found.problem or 'it ended'}"))
            if time.monotonic() > deadline:
                silent = f"did not answer {process.ready and process.ready.url} within {timeout:g} s"
                raise LoopError(_failure(group, process, f"is {found.state} but {silent}"))
        time.sleep(POLL_SECONDS)


def _failure(group: Group, process: Process, what: str) -> str:
    log = f"{group.state_dir}/logs/{process.name}.log"
    tail = (read_text(log) or "").splitlines()[-LOG_TAIL_LINES:]
    return "\n".join([f"{process.name} {what}. The end of its log, {log}:", *tail])
