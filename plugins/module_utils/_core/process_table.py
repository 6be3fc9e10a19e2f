# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The processes of this machine: which there are, whether one still runs, and what it uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import missing_library

try:
    import psutil
except ImportError:
    psutil = None


def arguments_by_pid(uid: int) -> dict[int, tuple[str, ...]]:
    """Every process of the user: its number and its arguments."""
    _require_library()
    listed = psutil.process_iter(["uids", "cmdline"])
    return {
        process.pid: tuple(process.info["cmdline"])
        for process in listed
        # Both are None of a process that has ended, or that is not ours to read.
        if process.info["uids"] and process.info["uids"].effective == uid and process.info["cmdline"]
    }


def working_folder(pid: int) -> str:
    """The folder that the process runs in, wherever that was moved to; empty where that cannot be known."""
    _require_library()
    try:
        return str(psutil.Process(pid).cwd())
    except (psutil.Error, OSError):
        return ""


def environment_of(pid: int) -> dict[str, str]:
    """The environment that the process was started with; empty where that cannot be known."""
    _require_library()
    try:
        return dict(psutil.Process(pid).environ())
    except (psutil.Error, OSError):
        return {}


def is_alive(pid: int) -> bool:
    """Whether the process still runs; a zombie that nobody reaps does not."""
    _require_library()
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def process_start(pid: int) -> str:
    """When the process was started, as its system says it; empty when there is no such process.

    It tells a process from a later one with the same number, and is the same in every process that asks.
    """
    if not is_alive(pid):
        return ""
    status = Path(f"/proc/{pid}/stat")
    try:
        if Path("/proc/self/stat").exists():
            # The start in clock ticks since boot, field 22 of proc(5). psutil adds the time of the boot,
            # which changes whenever the clock is set: a process would seem to be another one.
            return status.read_text(errors="replace").rpartition(")")[2].split()[19]
        return str(int(psutil.Process(pid).create_time()))
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        return ""


def resident_memory(pids: Iterable[int]) -> dict[int, int]:
    """The resident memory of processes, in bytes; those that have ended are left out."""
    _require_library()
    held = {}
    for pid in pids:
        try:
            held[pid] = int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            continue
    return held


def _require_library() -> None:
    if psutil is None:
        raise missing_library("psutil")
