# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind in_process: another collection's module without a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.utils.display import Display

from ansible_collections.gitops.flux_local.plugins.plugin_utils.here import HereAction

# What the modules that the roles run so take longest to import; here it is done once for all of them.
for _library in ("requests", "kubernetes.config", "kubernetes.dynamic"):
    with contextlib.suppress(ImportError):
        importlib.import_module(_library)

SPEC = {"module": {"type": "str", "required": True}, "options": {"type": "dict", "default": {}}}


class ActionModule(HereAction):
    """Runs any module in the process that Ansible has for the task; elsewhere, as any other."""

    def _elsewhere(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        module, options = self._asked()
        done: dict[str, Any] = self._execute_module(
            module_name=module, module_args=options, task_vars=task_vars
        )
        return done

    def _here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        module, options = self._asked()
        self._update_module_args(module, options, task_vars)
        # What a module leaves there for its end: here, nobody would remove it.
        options["_ansible_tmpdir"] = tempfile.tempdir
        said = io.StringIO()
        with _arguments(options), contextlib.redirect_stdout(said):
            try:
                importlib.import_module(_python_name(module)).main()
            except SystemExit:
                done: dict[str, Any] = json.loads(said.getvalue().strip().splitlines()[-1])
                # As Ansible does with what modules return.
                texts = {name: done[name] for name in ("stdout", "stderr") if isinstance(done.get(name), str)}
                return {**{f"{name}_lines": text.splitlines() for name, text in texts.items()}, **done}
            except Exception as error:  # noqa: BLE001 - as of a module with a process: it has failed, no more
                Display().vvv(traceback.format_exc())
                # The rest of what a Kubernetes client says are headers and tracebacks.
                first = str(error).partition("\n")[0]
                return {"failed": True, "msg": f"{module} has ended with {type(error).__name__}: {first}"}
        raise AssertionError(f"{module} has ended without a result")

    def _asked(self) -> tuple[str, dict[str, Any]]:
        """The module's full name and its options, with what module_defaults say of it."""
        asked = self.validate_argument_spec(argument_spec=SPEC)[1]
        options = asked["options"]
        found = self._shared_loader_obj.module_loader.find_plugin_with_context(asked["module"])
        if not found.resolved:
            raise AnsibleActionFail(
                f"module: there is no {asked['module']}. Install the collection that has it, or give its full name."
            )
        module = found.resolved_fqcn
        if hasattr(module_common, "_apply_action_arg_defaults"):  # ansible-core 2.19 and later
            given = module_common._apply_action_arg_defaults(module, self._task, options, self._templar)  # noqa: SLF001 - as the action of ansible.builtin.package does
        else:
            groups = self._task._parent._play._action_groups  # noqa: SLF001 - as the action of ansible.builtin.package does
            given = module_common.get_action_args_with_defaults(
                module, options, self._task.module_defaults, self._templar, action_groups=groups
            )
        return module, given


def _python_name(module: str) -> str:
    """Where Python finds a module of a collection, or one of Ansible's own."""
    namespace, collection, name = module.split(".")
    if (namespace, collection) == ("ansible", "builtin"):
        return f"ansible.modules.{name}"
    return f"ansible_collections.{namespace}.{collection}.plugins.modules.{name}"


@contextlib.contextmanager
def _arguments(options: Mapping[str, Any]) -> Iterator[None]:
    """Have AnsibleModule take these for what was sent to it; as ansible.module_utils.testing does."""
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()  # noqa: SLF001 - nothing public sets it
    basic._ANSIBLE_PROFILE = "legacy"  # noqa: SLF001 - nothing public sets it
    try:
        yield
    finally:
        basic._ANSIBLE_ARGS = basic._ANSIBLE_PROFILE = None  # noqa: SLF001 - nothing public sets it
