# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What has to change for a group of programs: files, folders, and the order of what starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import read_bytes
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Configured,
    Group,
    Process,
    daemon_configuration,
    daemon_file,
    group_configuration,
    group_file,
    program_section,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import DOWN, Live


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


def fingerprint(paths: Iterable[str], *, read: Callable[[str], bytes | None]) -> str:
    """One digest of what the files hold; a file that is not there counts as empty."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.encode() + b"\0" + hashlib.sha256(read(path) or b"").digest())
    return digest.hexdigest()[:16]


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
        daemon_file(group.state_dir): daemon_configuration(group.state_dir, socket).encode(),
        group_file(group): group_configuration(sections).encode(),
    }
    modes = dict.fromkeys(after, 0o600) | {file.path: file.mode for file in group.files}
    secrets = frozenset(file.path for file in group.files if file.secret)
    return Plan(before={path: read_bytes(path) for path in after}, after=after, modes=modes, secrets=secrets)


def missing_directories(group: Group) -> list[str]:
    """Folders asked for that are not there."""
    return [path for path in group.directories if not Path(path).is_dir()]


def differences(group: Group, planned: Plan) -> list[str]:
    """A sentence for each file and folder that has to change."""
    return [
        *(f"{path} {'is new' if planned.before[path] is None else 'differs'}" for path in planned.stale),
        *(f"{path} is missing" for path in missing_directories(group)),
    ]


def waves(processes: Sequence[Process]) -> list[list[Process]]:
    """The processes by priority, lowest first; those of one priority start together."""
    ordered = sorted(processes, key=lambda process: (process.priority, process.name))
    return [list(wave) for _priority, wave in groupby(ordered, key=lambda process: process.priority)]


def orphans(running: Iterable[int], *, supervised: Iterable[int]) -> list[int]:
    """Those of the programs that run which supervisord does not own: one that was killed has left them."""
    return sorted(set(running) - set(supervised))


@dataclass(frozen=True)
class StopPlan:
    """What has to end, and why: one sentence for each."""

    waves: list[list[str]]  # the names of what runs; the last started is first
    left: list[int]  # pids that a killed supervisord left
    is_last: bool  # supervisord has nothing left to run afterwards
    forgotten: str | None  # the configuration that is removed
    why: list[str]


def stop_plan(
    programs: Mapping[str, Configured],
    *,
    live: Mapping[str, Live],
    running: Iterable[int],
    is_supervised: bool,
    forgotten: str | None,
) -> StopPlan:
    """How to end the programs of a group, of which ``live`` and ``running`` (pids) are what there is."""
    up = [name for name in programs if live.get(name, Live("STOPPED")).state not in DOWN]
    left = orphans(running, supervised=[found.pid for found in live.values()])
    is_last = is_supervised and not any(
        found.state not in DOWN for name, found in live.items() if name not in programs
    )
    backwards = groupby(
        sorted(up, key=lambda name: -programs[name].priority), key=lambda name: programs[name].priority
    )
    return StopPlan(
        waves=[list(wave) for _priority, wave in backwards],
        left=left,
        is_last=is_last,
        forgotten=forgotten,
        why=[
            *(f"{name} is running" for name in up),
            *(f"process {pid} was left by a killed supervisord" for pid in left),
            *([f"{forgotten} exists"] if forgotten else []),
            *(["supervisord has nothing left to run"] if is_last else []),
        ],
    )
