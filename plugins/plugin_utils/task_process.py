# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The process that Ansible has for a task: what runs in it leaves nothing, and ends with its playbook."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator

from ansible_collections.gitops.flux_local.plugins.module_utils._core.playbook import (
    end_with_playbook,
    interrupted,
)


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """What is made with tempfile meanwhile is gone when this ends, also by an interrupt.

    Ansible ends the process of a task without what Python does at its end, and the kubernetes client has the
    keys of kubeconfigs in temporary files until then.
    """
    signal.signal(signal.SIGINT, interrupted)
    end_with_playbook()
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="flux-local-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
