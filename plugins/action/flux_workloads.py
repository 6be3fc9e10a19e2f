# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind flux_workloads: only on the controller is there a terminal to tell what happens."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

LOOK_SECONDS = 0.2


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Runs the module, and shows what it writes to its progress file meanwhile."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        is_told = boolean(arguments.get("progress", True), strict=False)
        # The file is here. A module on another host cannot write it.
        is_here = self._connection.transport == "local" and not self._play_context.become
        if not is_told or not is_here or arguments.get("progress_file"):
            return result | self._module_result(arguments, task_vars)
        with _followed(Display().display) as path:
            return result | self._module_result({**arguments, "progress_file": path}, task_vars)

    def _module_result(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name="gitops.flux_local.flux_workloads", module_args=arguments, task_vars=task_vars
        )
        return result


@contextlib.contextmanager
def _followed(show: Callable[[str], None]) -> Iterator[str]:
    """A file each line of which is shown when it is written, and at the latest when this ends."""
    descriptor, path = tempfile.mkstemp(prefix="flux-local-progress-")
    done = threading.Event()

    def follow() -> None:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
            is_last = False
            while not is_last:
                is_last = done.wait(LOOK_SECONDS)
                for line in stream:
                    show(line.rstrip("\n"))

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield path
    finally:
        done.set()
        follower.join()
        os.unlink(path)
