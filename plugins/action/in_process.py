# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind in_process: another collection's module without a process of its own."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    ENGINES,
    NETWORK,
    for_child,
)
from ansible_collections.gitops.flux_local.plugins.plugin_utils.in_process import InProcessAction
from ansible_collections.gitops.flux_local.plugins.plugin_utils.private_parts import (
    result_of_action,
    with_defaults,
)

# What the modules that the roles run so take longest to import; here it is done once for all of them.
for _library in ("requests", "kubernetes.config", "kubernetes.dynamic"):
    with contextlib.suppress(ImportError):
        importlib.import_module(_library)

GROUPS = {"network": NETWORK, "engines": ENGINES}
# The collections whose modules are, or run, the clients of container engines.
OF_ENGINES = ("community.docker.", "containers.podman.")
SPEC = {
    "module": {"type": "str", "required": True},
    "options": {"type": "dict", "default": {}},
    "variables": {"type": "list", "elements": "str", "choices": list(GROUPS)},
    "afterwards": {"type": "list", "elements": "dict", "default": []},
}


class ActionModule(InProcessAction):
    """Runs the module that the task names, and whatever becomes of it, what has to be done afterwards."""

    _arguments: Mapping[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        self._arguments = self.validate_argument_spec(argument_spec=SPEC)[1]
        try:
            return super().run(tmp, task_vars)
        finally:
            # Ansible itself does nothing more after an interrupt, not even what is in `always`.
            for step in self._arguments["afterwards"] if not self._task.check_mode else ():
                result_of_action(self, "gitops.flux_local.in_process", step, task_vars or {})

    def inherited(self) -> Mapping[str, str]:
        """What the groups of variables name; without groups, all."""
        groups = self._arguments["variables"]
        if groups is None and self._arguments["module"].startswith(OF_ENGINES):
            groups = list(GROUPS)
        inherited = super().inherited()
        return inherited if groups is None else for_child(inherited, *(GROUPS[name] for name in groups))

    def asked(self) -> tuple[str, dict[str, Any]]:
        """The module's full name and its options, with what module_defaults say of it."""
        named = self._arguments["module"]
        found = self._shared_loader_obj.module_loader.find_plugin_with_context(named)
        if not found.resolved:
            raise AnsibleActionFail(
                f"module: there is no {named}. Install the collection that has it, or give its full name."
            )
        module = found.resolved_fqcn
        return module, with_defaults(self, module, self._arguments["options"])
