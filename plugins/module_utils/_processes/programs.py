# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Single programs: stopped, stopped for a while, and started where nobody else may be at work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import HeldError, folder_by
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Process
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import (
    DOWN,
    POLL_SECONDS,
    Live,
    Supervisor,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.recovery import why_regained


def stop(names: Sequence[str], *, supervisor: Supervisor, timeout: float) -> None:
    """The programs do not run. Raises LoopError naming those that still do after ``timeout`` seconds."""
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


@contextmanager
def alone(process: Process, *, timeout: float) -> Iterator[None]:
    """Nobody works on the folder that the process has for itself, when it is started."""
    if not process.own_folder:
        yield
        return
    try:
        with folder_by(process.own_folder, deadline=time.monotonic() + timeout):
            yield
    except HeldError as error:
        raise LoopError(
            f"{process.own_folder} is used by another process after {timeout:g} s, such as a garbage "
            f"collection: {process.name} does not start beside it. Wait for it to end, or end it, then run "
            "the playbook again."
        ) from error


@contextmanager
def paused(name: str, *, supervisor: Supervisor, timeout: float) -> Iterator[None]:
    """The program does not run while this goes on. One that was down before stays down.

    An interrupt starts it again, too. Raises LoopError when it does not stop within ``timeout`` seconds, or
    when its supervisord cannot be asked.
    """
    if why := why_regained(supervisor):
        raise LoopError(f"{why[0]}. Run site.yml, which starts it anew.")
    live = supervisor.processes() if supervisor.is_running() else {}
    is_up = live.get(name, Live("STOPPED")).state not in DOWN
    try:
        if is_up:
            stop([name], supervisor=supervisor, timeout=timeout)
        yield
    finally:
        if is_up and supervisor.processes()[name].state in DOWN:
            supervisor.start(name)
