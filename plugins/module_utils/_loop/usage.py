# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a loop uses of its machine: memory, restarts, ports, disk, and how long its certificates are valid."""

from __future__ import annotations

import base64
import datetime
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import read_bytes, read_text
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import resident_memory
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.ports import read_ports
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import daemon_file
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.machine import LocalMachine
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import UP, Live
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.supervisord import Supervisord
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import this_user

with suppress(ImportError):  # module.require() names what is missing
    import yaml
    from cryptography import x509

_LOG = "supervisor/supervisord.log"
_BEGUN = "supervisord started with pid"
# What supervisord logs when a program ended that nobody asked to end.
_EXITED = re.compile(r"^\S+ \S+ [A-Z]+ exited: (\S+) \(", re.MULTILINE)


def restarts(log: str) -> dict[str, int]:
    """How often each program has ended by itself since supervisord began, by what supervisord logged."""
    counted: dict[str, int] = {}
    for name in _EXITED.findall(log.rpartition(_BEGUN)[2]):
        counted[name] = counted.get(name, 0) + 1
    return counted


def program_states(
    live: Mapping[str, Live],
    versions: Mapping[str, str],
    ended: Mapping[str, int],
    memory: Mapping[int, int],
    now: datetime.datetime,
) -> list[dict[str, Any]]:
    """The programs of a loop as its status has them, by name."""
    states = []
    for name, process in sorted(live.items()):
        runs = process.state in UP
        states.append(
            {
                "name": name,
                "kind": "process",
                "version": versions.get(name),
                "state": process.state.lower(),
                "running": runs,
                "pid": process.pid or None,
                "memory": memory.get(process.pid) if runs else None,
                "restarts": ended.get(name, 0),
                "uptime": max(0, int(now.timestamp()) - process.since) if runs and process.since else None,
                "message": process.problem,
            }
        )
    return states


def programs(state_dir: str, versions: Mapping[str, str], now: datetime.datetime) -> list[dict[str, Any]]:
    """What supervisord runs for the loop, nothing for a loop that has none. Raises LoopError."""
    supervisor, machine = Supervisord(state_dir, this_user()), LocalMachine(state_dir)
    if supervisor.is_running():
        live = supervisor.processes()
        log = read_text(f"{state_dir}/{_LOG}") or ""
        memory = resident_memory(process.pid for process in live.values() if process.pid)
        return program_states(live, versions, restarts(log), memory, now)
    if supervisor.unreachable or machine.programs():
        raise LoopError(
            "The loop's programs run, but the supervisord that has started them cannot be reached. Run "
            "site.yml, which starts it anew."
        )
    if Path(daemon_file(state_dir)).exists():
        raise LoopError("The loop is stopped: none of its programs runs. Bring it up with site.yml.")
    return []


def ports(state_dir: str) -> list[dict[str, Any]]:
    """The ports that the loop has on 127.0.0.1. Raises LoopError."""
    return [{"name": name, "port": port} for name, port in sorted(read_ports(state_dir).items())]


def disk(state_dir: str) -> dict[str, Any]:
    """What the folders of a loop hold, in bytes, the largest first, and what their file system has left."""
    folders = [path for path in Path(state_dir).iterdir() if path.is_dir() and not path.is_symlink()]
    used = [{"name": path.name, "size": _size(path)} for path in folders]
    used.sort(key=lambda folder: (-int(str(folder["size"])), str(folder["name"])))
    return {
        "path": state_dir,
        "used": sum(int(str(folder["size"])) for folder in used),
        "free": shutil.disk_usage(state_dir).free,
        "folders": used,
    }


def _size(folder: Path) -> int:
    """The space that the files of a folder take. What goes away meanwhile takes none."""
    taken = 0
    for path, _folders, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(path, name))
            except OSError:
                continue
            # A file with holes, such as etcd's, takes less than its length.
            taken += found.st_blocks * 512
    return taken


def certificates(state_dir: str, kubeconfig: str | None, now: datetime.datetime) -> list[dict[str, Any]]:
    """The certificates of the loop and of its kubeconfig, the first to end first. Raises LoopError."""
    found = [
        *(
            _certificate(path.stem, str(path), read_bytes(str(path)) or b"", now)
            for path in sorted(Path(state_dir, "pki").glob("*.crt"))
        ),
        *(
            _certificate(name, str(kubeconfig), content, now)
            for name, content in embedded_certificates(kubeconfig and read_bytes(kubeconfig)).items()
        ),
    ]
    known = [certificate for certificate in found if certificate]
    return sorted(known, key=lambda certificate: (str(certificate["not_after"]), str(certificate["name"])))


def embedded_certificates(kubeconfig: bytes | str | None) -> dict[str, bytes]:
    """The certificates in a kubeconfig itself, in PEM, by what they are for; those it names are files."""
    try:
        content = yaml.safe_load(kubeconfig or "")
        return {
            f"{kind} {entry['name']}": base64.b64decode(entry[kind][field])
            for kind, field in (
                ("cluster", "certificate-authority-data"),
                ("user", "client-certificate-data"),
            )
            for entry in content[f"{kind}s"]
            if field in entry[kind]
        }
    except (yaml.YAMLError, TypeError, KeyError, ValueError, RecursionError):
        return {}


def _certificate(name: str, path: str, pem: bytes, now: datetime.datetime) -> dict[str, Any] | None:
    try:
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None
    return {
        "name": name,
        "path": path,
        "not_after": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days_left": (ends - now).days,
    }
