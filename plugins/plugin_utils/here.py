# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Modules of the collection without a process of their own, where the task runs on this machine.

To pack a module, start Python and compile what was packed takes up to a second and a half, which is more than
most modules take for what they do. Ansible has a process for each task already, with the same Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class EndedError(Exception):
    """A module has ended, with this result."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        super().__init__()
        self.result = result


class LocalModule:
    """What the collection's modules use of AnsibleModule; ``show`` writes a line where Ansible writes."""

    def __init__(self, action: HereAction, argument_spec: Mapping[str, Any], **constraints: Any) -> None:
        constraints.pop("supports_check_mode")
        validated, params = action.validate_argument_spec(argument_spec=dict(argument_spec), **constraints)
        self.params: dict[str, Any] = params
        self.no_log_values: set[str] = set(validated._no_log_values)  # noqa: SLF001 - as AnsibleModule does
        display = Display()
        self.check_mode = bool(action.task.check_mode)
        self._diff = bool(action.task.diff)
        self._verbosity: int = display.verbosity
        self.show: Callable[[str], None] = display.display
        self._warnings: list[str] = []

    def warn(self, warning: str) -> None:
        """Have the result warn."""
        self._warnings.append(warning)

    def exit_json(self, **result: Any) -> NoReturn:
        """End with a result."""
        self._end(result)

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """End with a failure."""
        self._end({**result, "failed": True, "msg": msg})

    def _end(self, result: Mapping[str, Any]) -> NoReturn:
        shown = remove_values({"changed": False, **result}, self.no_log_values)
        raise EndedError({**shown, **({"warnings": self._warnings} if self._warnings else {})})


class HereAction(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Runs ``module`` in the process that Ansible has for the task; elsewhere, as any other.

    Ansible loads an action before it makes that process: what is imported with it is imported once for all
    tasks.
    """

    module: Any

    @property
    def task(self) -> Any:
        """The task, for what is not a plugin itself."""
        return self._task

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._is_here(task_vars or {}):
            return {**result, **self._elsewhere(task_vars or {})}
        # As a module gets them: nothing of Ansible's own types is left.
        self._task.args = json.loads(json.dumps(self._task.args))
        # This process is the task's alone, and ends with it.
        for given in self._task.environment or []:
            os.environ.update({variable: str(value) for variable, value in given.items()})
        with nothing_left():
            return {**result, **self._here(task_vars or {})}

    def _elsewhere(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module returns in a process of its own."""
        done: dict[str, Any] = self._execute_module(task_vars=task_vars)
        return done

    def _here(self, _task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module returns in this process."""
        try:
            self.module.main(lambda **asked: LocalModule(self, **asked))
        except EndedError as ended:
            done: dict[str, Any] = json.loads(json.dumps(ended.result))
            return done
        raise AssertionError(f"{self.module.__name__} has ended without a result")

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would run on this machine, as this user, with this Python."""
        if self._connection.transport != "local" or self._play_context.become:
            return False
        if self._task.async_val or self._task.delegate_to:
            return False
        return bool(self._templar.template(task_vars.get("ansible_python_interpreter")) == sys.executable)


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
