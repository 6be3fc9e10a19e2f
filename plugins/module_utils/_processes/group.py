# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A group of programs under one supervisord for each loop: what is configured, what runs, what has to change.

Every program is a supervisor program of its own with ``autostart=false``: it is started here, wave by wave in
the order of its priority, and kept alive by supervisord from then on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import (
    read_bytes,
    write_atomically,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    loop_key,
    user_folder,
)

POLL_SECONDS = 0.05
# A process that is ending has no name any more, but its ports still.
FREED_SECONDS = 1
LOG_TAIL_LINES = 12

# States of a process: http://supervisord.org/subprocess.html#process-states
UP = frozenset({"RUNNING", "STARTING"})
DOWN = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


@dataclass(frozen=True)
class Probe:
    """A URL that answers with a status below 400 once its process serves."""

    url: str
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None


@dataclass(frozen=True)
class Process:
    """One program as supervisord runs it.

    One of lower ``priority`` starts earlier and stops later. ``stop_seconds`` is the grace before SIGKILL.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    priority: int = 100
    stop_seconds: int = 20
    ports: tuple[int, ...] = ()
    restarts_with: tuple[str, ...] = ()
    ready: Probe | None = None


@dataclass(frozen=True)
class ConfigurationFile:
    """A file that processes read, with its permission bits; a diff never shows what a secret one holds."""

    path: str
    content: str
    mode: int = 0o600
    secret: bool = False


@dataclass(frozen=True)
class Group:
    """What is asked for: the programs of one role, and the files they need."""

    state_dir: str
    name: str
    processes: tuple[Process, ...] = ()
    files: tuple[ConfigurationFile, ...] = ()
    directories: tuple[str, ...] = ()
    requires: tuple[Probe, ...] = ()


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


# --- pure: what is written ----------------------------------------------------------------------------------


def socket_path(state_dir: str, *, uid: int) -> str:
    """Where the loop's supervisord listens.

    It is short whatever the state folder's name, since a UNIX socket's path ends at 104 bytes.
    """
    return f"{user_folder(uid)}/{loop_key(state_dir)}.sock"


def _value(text: str) -> str:
    return text.replace("%", "%%")


def _environment(variables: Mapping[str, str]) -> str:
    def quoted(text: str) -> str:
        return '"' + _value(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return ",".join(f"{name}={quoted(variables[name])}" for name in sorted(variables))


def fingerprint(paths: Iterable[str], *, read: Callable[[str], bytes | None]) -> str:
    """One digest of what the files hold; a file that is not there counts as empty."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.encode() + b"\0" + hashlib.sha256(read(path) or b"").digest())
    return digest.hexdigest()[:16]


def program_section(process: Process, *, log: str, revision: str) -> str:
    """The ``[program:x]`` section of supervisor's configuration.

    ``revision`` changes when what the program reads changes, and has it restarted.
    """
    environment = {**process.environment, "FLUX_LOCAL_REVISION": revision}
    lines = [
        f"[program:{process.name}]",
        f"command={_value(shlex.join(process.command))}",
        f"environment={_environment(environment)}",
        f"priority={process.priority}",
        "autostart=false",
        "autorestart=true",
        "startsecs=1",
        "startretries=1000000",
        f"stopwaitsecs={process.stop_seconds}",
        "stopasgroup=false",
        "redirect_stderr=true",
        f"stdout_logfile={_value(log)}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=1",
    ]
    return "\n".join(lines) + "\n"


def daemon_section(state_dir: str, socket: str) -> str:
    """Supervisord's own configuration."""
    folder = f"{state_dir}/supervisor"
    return "\n".join(
        [
            "[unix_http_server]",
            f"file={_value(socket)}",
            "chmod=0700",
            "[supervisord]",
            f"logfile={_value(folder)}/supervisord.log",
            "logfile_maxbytes=5MB",
            "logfile_backups=1",
            f"pidfile={_value(folder)}/supervisord.pid",
            f"childlogdir={_value(state_dir)}/logs",
            f"directory={_value(state_dir)}",
            "umask=077",
            "minfds=1024",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            "[include]",
            # Relative to this file: supervisor takes a blank in it for the end of a pattern.
            "files=conf.d/*.conf",
            "",
        ]
    )


def configured_commands(configuration: str) -> dict[str, tuple[str, ...]]:
    """The command of every program in a group's configuration."""
    commands: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in configuration.splitlines():
        section = re.fullmatch(r"\[program:(.+)\]", line)
        if section:
            name = section[1]
        elif line.startswith("command=") and name:
            commands[name] = tuple(shlex.split(line.removeprefix("command=").replace("%%", "%")))
    return commands


def waves(processes: Sequence[Process]) -> list[list[Process]]:
    """The processes by priority, lowest first; those of one priority start together."""
    ordered = sorted(processes, key=lambda process: (process.priority, process.name))
    return [list(wave) for _priority, wave in groupby(ordered, key=lambda process: process.priority)]


def orphans(
    commands: Iterable[tuple[str, ...]], running: Mapping[int, str], *, supervised: Iterable[int]
) -> list[int]:
    """Pids whose arguments are exactly one of ``commands``, but which supervisord does not own.

    They were left by one that was killed.
    """
    wanted = {" ".join(command) for command in commands}
    return sorted(pid for pid, command in running.items() if command in wanted and pid not in set(supervised))


def unfit_for_configuration(text: str) -> bool:
    """Whether supervisor's configuration cannot hold the text: a line break, or a blank before ";" or "#"."""
    return bool(re.search(r"[\r\n]|\s[;#]", text))


# --- what has to change -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The files of a group as they are and as they should be."""

    before: dict[str, bytes | None]
    after: dict[str, bytes]
    modes: dict[str, int]
    secrets: frozenset[str]

    @property
    def stale(self) -> list[str]:
        return [path for path, content in self.after.items() if self.before[path] != content]

    def diff(self) -> dict[str, str] | None:
        """Ansible's diff of the stale files; of a secret one only whether it is there."""
        if not self.stale:
            return None

        def shown(contents: Mapping[str, bytes | None]) -> str:
            return "".join(
                f"# {path}\n{'(not shown)' if path in self.secrets else content.decode(errors='replace')}\n"
                for path in self.stale
                if (content := contents[path]) is not None
            )

        return {"before": shown(self.before), "after": shown(self.after)}


def group_file(group: Group) -> str:
    """Where supervisor reads the programs of the group."""
    return f"{group.state_dir}/supervisor/conf.d/{group.name}.conf"


def daemon_file(state_dir: str) -> str:
    """Where supervisord's own configuration is."""
    return f"{state_dir}/supervisor/supervisord.conf"


def plan(group: Group, socket: str) -> Plan:
    """What the group's files hold now, and what they should hold."""
    files = {file.path: file.content.encode() for file in group.files}

    def read(path: str) -> bytes | None:
        return files[path] if path in files else read_bytes(path)

    sections = [
        program_section(
            process,
            log=f"{group.state_dir}/logs/{process.name}.log",
            revision=fingerprint(process.restarts_with, read=read),
        )
        for process in sorted(group.processes, key=lambda process: process.name)
    ]
    after = {
        **files,
        daemon_file(group.state_dir): daemon_section(group.state_dir, socket).encode(),
        group_file(group): "\n".join(sections).encode(),
    }
    modes = dict.fromkeys(after, 0o600) | {file.path: file.mode for file in group.files}
    secrets = frozenset(file.path for file in group.files if file.secret)
    return Plan(before={path: read_bytes(path) for path in after}, after=after, modes=modes, secrets=secrets)


def missing_directories(group: Group) -> list[str]:
    """Folders asked for that are not there."""
    return [path for path in group.directories if not Path(path).is_dir()]


# --- started, stopped, absent -------------------------------------------------------------------------------


def ensure_started(
    group: Group,
    *,
    supervisor: Supervisor,
    machine: Machine,
    socket: str,
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
    planned = plan(group, socket)
    running = supervisor.is_running()
    live = supervisor.processes() if running else {}
    down = [process for process in group.processes if live.get(process.name, Live("STOPPED")).state not in UP]
    why = _differences(group, planned) + [f"{process.name} is not running" for process in down]
    result: dict[str, Any] = {"changed": bool(why), "why": why}
    if diff := planned.diff():
        result["diff"] = diff
    if check_mode:
        return {**result, "processes": _listed(group, live)}

    if not running:
        _make_way(group, group.processes, machine=machine, planned=planned, supervised=())
    _write(group, planned)
    if not running:
        supervisor.launch()
    elif planned.stale:
        _take_over(supervisor, timeout=timeout)
    if down or planned.stale:
        _await_required(group, machine=machine, timeout=timeout)
    for wave in waves(group.processes):
        _start(group, wave, supervisor=supervisor, machine=machine, planned=planned)
        if wait:
            _await_ready(group, wave, supervisor=supervisor, machine=machine, timeout=timeout)
    return {**result, "processes": _listed(group, supervisor.processes())}


def ensure_stopped(
    group: Group, *, forget: bool, supervisor: Supervisor, machine: Machine, timeout: float, check_mode: bool
) -> dict[str, Any]:
    """None of the group's programs runs; with ``forget`` their configuration is gone too.

    The last started is stopped first. When nothing else runs under this supervisord, it ends as well.
    """
    path = group_file(group)
    configuration = read_bytes(path)
    commands = configured_commands((configuration or b"").decode())
    running = supervisor.is_running()
    live = supervisor.processes() if running else {}
    up = [name for name in commands if live.get(name, Live("STOPPED")).state not in DOWN]
    left = orphans(
        commands.values(), machine.commands_by_pid(), supervised=[found.pid for found in live.values()]
    )
    idle = running and not any(
        found.state not in DOWN for name, found in live.items() if name not in commands
    )
    why = [f"{name} is running" for name in up] + [
        f"process {pid} was left by a killed supervisord" for pid in left
    ]
    if forget and configuration is not None:
        why.append(f"{path} exists")
    if idle:
        why.append("supervisord has nothing left to run")
    if why and not check_mode:
        priorities = {
            name: int(value) for name, value in _priorities((configuration or b"").decode()).items()
        }
        for _priority, wave in groupby(
            sorted(up, key=lambda name: -priorities[name]), key=lambda name: priorities[name]
        ):
            _stop(list(wave), supervisor=supervisor, timeout=timeout)
        for pid in left:
            machine.kill(pid)
        if idle:
            supervisor.shutdown()
        if forget and configuration is not None:
            os.unlink(path)
            if running and not idle:
                _take_over(supervisor, timeout=timeout)
    return {"changed": bool(why), "why": why, "processes": []}


def _refuse_unfit(group: Group) -> None:
    for process in group.processes:
        for text in (*process.command, *process.environment.values(), group.state_dir):
            if unfit_for_configuration(text):
                raise LoopError(
                    f"{text!r} cannot be used by {process.name}: it has a line break, or a blank before ';' "
                    "or '#'. Choose a state folder (flux_local_state_dir) without them."
                )


def _differences(group: Group, planned: Plan) -> list[str]:
    return [
        *(f"{path} {'is new' if planned.before[path] is None else 'differs'}" for path in planned.stale),
        *(f"{path} is missing" for path in missing_directories(group)),
    ]


def _write(group: Group, planned: Plan) -> None:
    for path in missing_directories(group):
        _make_directory(path)
    _make_directory(f"{group.state_dir}/logs")
    for path in planned.stale:
        write_atomically(path, planned.after[path], mode=planned.modes[path])


def _priorities(configuration: str) -> dict[str, str]:
    return dict(
        re.findall(r"^\[program:(.+)\]$(?:.|\n)*?^priority=(\d+)$", configuration, flags=re.MULTILINE)
    )


def _listed(group: Group, live: Mapping[str, Live]) -> list[dict[str, Any]]:
    def entry(process: Process) -> dict[str, Any]:
        found = live.get(process.name, Live("STOPPED"))
        return {"name": process.name, "state": found.state, "pid": found.pid, "since": found.since}

    return [entry(process) for process in group.processes]


def _make_directory(path: str) -> None:
    try:
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LoopError(
            f"The folder {path} cannot be made: {error.strerror}. Choose a state folder that the calling "
            "user may write to (flux_local_state_dir)."
        ) from error


def _make_way(
    group: Group, starting: Sequence[Process], *, machine: Machine, planned: Plan, supervised: Iterable[int]
) -> None:
    """End what a killed supervisord left of this group; raise LoopError when a port of ours is taken."""
    commands = [process.command for process in group.processes]
    commands += configured_commands((planned.before[group_file(group)] or b"").decode()).values()
    for pid in orphans(commands, machine.commands_by_pid(), supervised=supervised):
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


def _take_over(supervisor: Supervisor, *, timeout: float) -> None:
    """Apply what the configuration files say now to the running supervisord."""
    added, changed, removed = supervisor.reload()
    live = supervisor.processes()
    going = [name for name in (*changed, *removed) if live.get(name, Live("STOPPED")).state not in DOWN]
    _stop(going, supervisor=supervisor, timeout=timeout)
    for name in (*changed, *removed):
        supervisor.remove(name)
    for name in (*added, *changed):
        supervisor.add(name)


def _stop(names: Sequence[str], *, supervisor: Supervisor, timeout: float) -> None:
    for name in names:
        supervisor.stop(name)
    deadline = time.monotonic() + timeout
    waiting = set(names)
    while waiting:
        live = supervisor.processes()
        waiting = {name for name in waiting if live.get(name, Live("STOPPED")).state not in DOWN}
        if waiting and time.monotonic() > deadline:
            raise LoopError(
                f"{', '.join(sorted(waiting))} did not stop within {timeout:g} s. Run the playbook again, "
                "or end them by hand."
            )
        if waiting:
            time.sleep(POLL_SECONDS)


def _start(
    group: Group, wave: Sequence[Process], *, supervisor: Supervisor, machine: Machine, planned: Plan
) -> None:
    live = supervisor.processes()
    starting = [process for process in wave if live.get(process.name, Live("STOPPED")).state not in UP]
    # One in back-off tries again only after seconds: stop it, so that it starts now.
    retrying = [
        process.name for process in starting if live.get(process.name, Live("STOPPED")).state == "BACKOFF"
    ]
    _stop(retrying, supervisor=supervisor, timeout=10)
    if starting:
        supervised = [found.pid for found in live.values()]
        _make_way(group, starting, machine=machine, planned=planned, supervised=supervised)
    for process in starting:
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
    tail = (read_bytes(log) or b"").decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    return "\n".join([f"{process.name} {what}. The end of its log, {log}:", *tail])
