# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind plain_text: only on the controller is there a terminal to write to."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.plugin_utils.terminal import report


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Writes the text where Ansible writes everything else."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the lines, which have been written."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(argument_spec={"text": {"type": "str", "required": True}})[1]
        return {**result, "changed": False, "lines": report(arguments["text"])}
