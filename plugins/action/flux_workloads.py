# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind flux_workloads: on this machine the module gets no process of its own."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.flux_local.plugins.plugin_utils.in_process import action_of
from ansible_collections.gitops.flux_local.plugins.plugin_utils.listed import refuse_wrong_list

_Module: Any = action_of(__name__)


class ActionModule(_Module):  # type: ignore[misc]  # made by a function
    """Runs the module, unless its list is wrong."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        refuse_wrong_list(self._task.args)
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result
