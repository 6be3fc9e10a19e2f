# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The process that Ansible has for a task: what runs in it leaves nothing, and ends with its playbook."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import NoReturn

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """What is made with tempfile meanwhile is gone when this ends, also by an interrupt.

    Ansible ends the process of a task without what Python does at its end, and the kubernetes client has the
    keys of kubeconfigs in temporary files until then.
    """
    for number in INTERRUPTS:
        signal.signal(number, _interrupted)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="flux-local-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def _end_with(parent: int) -> None:
    """Interrupt this process when its parent has ended: a playbook that was killed does nothing any more."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupted(_number: int, _frame: object) -> NoReturn:
    # Once: another one would interrupt the cleaning up.
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
