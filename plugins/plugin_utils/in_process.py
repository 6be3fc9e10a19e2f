# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Modules without a process of their own, where the task runs on this machine.

To pack a module, start Python and compile what was packed takes up to a second and a half, which is more than
most modules take for what they do. Ansible has a process for each task already, with the same Python.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    replace,
    without_detours,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable_result
from ansible_collections.gitops.flux_local.plugins.plugin_utils import terminal
from ansible_collections.gitops.flux_local.plugins.plugin_utils.private_parts import (
    handed_over,
    plain,
    result_of,
    told_to,
    with_internal_arguments,
)
from ansible_collections.gitops.flux_local.plugins.plugin_utils.task_process import nothing_left

# As Ansible's callbacks show it.
INVOCATION_VERBOSITY = 3


class InProcessAction(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Runs a module in the process that Ansible has for the task; elsewhere, or async, as any other."""

    _supports_async = True

    def asked(self) -> tuple[str, dict[str, Any]]:
        """The module's name and its options: those of the task, unless it asks for another module."""
        return self._task.action, self._task.args

    def python_name(self, module: str) -> str:
        """Where Python finds the module: in a collection, or among Ansible's own."""
        namespace, collection, name = module.split(".")
        if (namespace, collection) == ("ansible", "builtin"):
            return f"ansible.modules.{name}"
        return f"ansible_collections.{namespace}.{collection}.plugins.modules.{name}"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        module, options = self.asked()
        self._settle(names_cluster=bool(options.get("kubeconfig")))
        if not self._is_here(variables):
            done = self._execute_module(
                module_name=module,
                module_args=options,
                task_vars=variables,
                wrap_async=bool(self._task.async_val and not self._connection.has_native_async),
            )
            return {**result, **printable_result(done)}
        with nothing_left():
            arguments = with_internal_arguments(self, module, plain(options), variables)
            # What a module leaves there for its end: here, nobody would remove it.
            arguments["_ansible_tmpdir"] = tempfile.tempdir
            return {**result, **run_module(self.python_name(module), module, arguments)}

    def inherited(self) -> Mapping[str, str]:
        """What the module may know of the user's environment."""
        return os.environ

    def _settle(self, *, names_cluster: bool) -> None:
        """Give the module its environment, here or in a process that this one starts.

        This process is the task's alone, and ends with it.
        """
        given = {name: str(value) for layer in self._task.environment or [] for name, value in layer.items()}
        settled = without_detours({**self.inherited(), **given}, names_cluster=names_cluster)
        replace(settled)
        self._task.environment = [{name: settled[name] for name in given if name in settled}]

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would run on this machine, as this user, with this Python."""
        if self._connection.transport != "local" or self._play_context.become:
            return False
        if self._task.async_val or self._task.delegate_to:
            return False
        return bool(self._templar.template(task_vars.get("ansible_python_interpreter")) == sys.executable)


def action_of(action: str) -> type[InProcessAction]:
    """The action plugin for the collection's module that is called as its Python module ``action``.

    Ansible loads an action before it makes the task's process: what is imported with it, here the module, is
    imported once for all tasks.
    """
    python_name = action.replace(".plugins.action.", ".plugins.modules.")
    importlib.import_module(python_name)

    class ActionModule(InProcessAction):
        """Runs the module of this name."""

        def python_name(self, module: str) -> str:  # noqa: ARG002 - whatever the task calls it
            return python_name

    return ActionModule


def run_module(python_name: str, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the ``module`` that Python knows by that name returns for ``arguments``, safe to show.

    ``arguments`` are its options and those that Ansible adds.
    """
    warnings: list[str] = []
    written = io.StringIO()
    done: dict[str, Any] = {}
    with (
        handed_over(arguments),
        told_to(warn=warnings.append, show=terminal.say),
        contextlib.redirect_stdout(written),
    ):
        try:
            importlib.import_module(python_name).main()
        except SystemExit:
            done = result_of(written.getvalue())
        except Exception as error:  # noqa: BLE001 - as of a module with a process: it has failed, no more
            terminal.trace(traceback.format_exc())
            # The rest of what a Kubernetes client says are headers and tracebacks.
            first = str(error).partition("\n")[0]
            return printable_result(
                {"failed": True, "msg": f"{module} has ended with {type(error).__name__}: {first}"}
            )
        else:
            raise AssertionError(f"{module} has ended without a result")
    if terminal.verbosity() < INVOCATION_VERBOSITY:
        done.pop("invocation", None)
    if warnings:
        done["warnings"] = [*done.get("warnings", []), *warnings]
    # As Ansible does with what modules return.
    texts = {name: done[name] for name in ("stdout", "stderr") if isinstance(done.get(name), str)}
    return printable_result({**{f"{name}_lines": text.splitlines() for name, text in texts.items()}, **done})
