# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a loop's supervisord is configured with: written and read by configparser, as supervisor does."""

from __future__ import annotations

import configparser
import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    loop_key,
)

PRIORITY = (
    999  # of a program that has none: http://supervisord.org/configuration.html#program-x-section-values
)


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
    It does not start while another process has locked its ``own_folder``.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    priority: int = 100
    stop_seconds: int = 20
    ports: tuple[int, ...] = ()
    restarts_with: tuple[str, ...] = ()
    ready: Probe | None = None
    own_folder: str = ""


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
class Configured:
    """A program as a configuration has it."""

    command: tuple[str, ...]
    priority: int


def socket_path(folder: str, state_dir: str) -> str:
    """Where in the folder the loop's supervisord listens: short, whatever the state folder's name."""
    return f"{folder}/{loop_key(state_dir)}.sock"


def group_file(group: Group) -> str:
    """Where supervisor reads the programs of the group."""
    return f"{group.state_dir}/supervisor/conf.d/{group.name}.conf"


def group_files(state_dir: str) -> list[str]:
    """The files of all groups that the loop has."""
    return sorted(map(str, Path(state_dir, "supervisor", "conf.d").glob("*.conf")))


def daemon_file(state_dir: str) -> str:
    """Where supervisord's own configuration is."""
    return f"{state_dir}/supervisor/supervisord.conf"


def unfit_for_configuration(text: str) -> bool:
    """Whether supervisor's configuration cannot hold the text: a line break, or a blank before ";" or "#"."""
    return bool(re.search(r"[\r\n]|\s[;#]", text))


def _value(text: str) -> str:
    """The text as a value: supervisor fills in what stands between ``%(`` and ``)s``."""
    return text.replace("%", "%%")


def _environment(variables: Mapping[str, str]) -> str:
    def quoted(text: str) -> str:
        return '"' + _value(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return ",".join(f"{name}={quoted(variables[name])}" for name in sorted(variables))


def _section(name: str, options: Mapping[str, str]) -> str:
    written = configparser.RawConfigParser()
    written[name] = options
    text = io.StringIO()
    written.write(text, space_around_delimiters=False)
    return text.getvalue().removesuffix("\n")


def program_section(process: Process, *, log: str, revision: str) -> str:
    """The ``[program:x]`` section of supervisor's configuration.

    ``revision`` changes when what the program reads changes, and has it restarted.
    """
    return _section(
        f"program:{process.name}",
        {
            "command": _value(shlex.join(process.command)),
            "environment": _environment({**process.environment, "FLUX_LOCAL_REVISION": revision}),
            "priority": str(process.priority),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "1000000",
            "stopwaitsecs": str(process.stop_seconds),
            "stopasgroup": "false",
            "redirect_stderr": "true",
            "stdout_logfile": _value(log),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "1",
        },
    )


def group_configuration(sections: Iterable[str]) -> str:
    """The configuration of a group, of the sections of its programs."""
    return "\n".join(sections)


def daemon_configuration(state_dir: str, socket: str) -> str:
    """Supervisord's own configuration."""
    folder = _value(f"{state_dir}/supervisor")
    sections: dict[str, dict[str, str]] = {
        "unix_http_server": {"file": _value(socket), "chmod": "0700"},
        "supervisord": {
            "logfile": f"{folder}/supervisord.log",
            "logfile_maxbytes": "5MB",
            "logfile_backups": "1",
            "pidfile": f"{folder}/supervisord.pid",
            "childlogdir": f"{_value(state_dir)}/logs",
            "directory": _value(state_dir),
            "umask": "077",
            "minfds": "1024",
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        # Relative to this file: supervisor takes a blank in it for the end of a pattern.
        "include": {"files": "conf.d/*.conf"},
    }
    return "".join(_section(name, options) for name, options in sections.items())


def configured_socket(configuration: str) -> list[str]:
    """Where a supervisord with this configuration listens; nothing for what is no configuration."""
    read = _read(configuration)
    found = read.get("unix_http_server", "file", fallback=None) if read else None
    return [found.replace("%%", "%")] if found else []


def fits(configuration: str, state_dir: str) -> bool:
    """Whether supervisord starts with a group's configuration, and none of its programs by itself.

    It refuses a log in a folder that is not there, as that of a loop which was moved, and starts a program by
    itself whose section was cut off before it says otherwise.
    """
    read = _read(configuration)
    return (
        read is not None
        and "\N{REPLACEMENT CHARACTER}" not in configuration
        and all(
            os.path.dirname(read[name].get("stdout_logfile") or "").replace("%%", "%") == f"{state_dir}/logs"
            for name in read.sections()
        )
    )


def configured_programs(configuration: str) -> dict[str, Configured]:
    """The programs in a group's configuration, by name; none in what is no configuration."""
    found: dict[str, Configured] = {}
    for name, section in (_read(configuration) or {}).items():
        if name.startswith("program:") and section.get("command"):
            # What is cut off in the middle of a value is no program.
            with contextlib.suppress(ValueError):
                found[name.removeprefix("program:")] = Configured(
                    command=tuple(shlex.split(section["command"].replace("%%", "%"))),
                    priority=section.getint("priority", PRIORITY),
                )
    return found


def _read(configuration: str) -> configparser.RawConfigParser | None:
    """The configuration, None for what is none."""
    read = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        read.read_string(configuration)
    except configparser.Error:
        return None
    return read
