# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One run at a time works on a workload: locks of this machine that end with the process that has them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import HeldError, signed_file


def lock_folder() -> str:
    """Where the locks of this user are."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "flux-local", "locks")


@contextmanager
def exclusive(
    folder: str,
    server: str,
    workloads: Iterable[str],
    *,
    timeout: float,
    on_wait: Callable[[str, str], None],
) -> Iterator[None]:
    """Be the only one on this machine that works on these workloads of the API server ``server``.

    ``on_wait`` is told each workload that another process works on, and which one. Raises LoopError when
    that takes longer than ``timeout`` seconds, or when the folder cannot be written.
    """
    deadline = time.monotonic() + timeout
    with ExitStack() as held:
        # Always in the same order: two runs never wait for each other.
        for workload in sorted(workloads):
            name = hashlib.sha256(f"{server} {workload}".encode()).hexdigest()
            path = os.path.join(folder, f"{name}.lock")
            try:
                os.makedirs(folder, mode=0o700, exist_ok=True)
                held.enter_context(signed_file(path, deadline=deadline, on_wait=partial(on_wait, workload)))
            except HeldError as error:
                raise LoopError(
                    f"Workload {workload}: process {error.holder} works on it, and still did after"
                    f" {timeout:g} s. Wait for it to end, or end it, then run this again."
                ) from None
            except OSError as error:
                raise LoopError(
                    f"{path} cannot be written: {error.strerror}. It keeps two runs from working on a"
                    " workload at once: make its folder writable, or set XDG_CACHE_HOME."
                ) from error
        yield
