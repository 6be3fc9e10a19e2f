# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind loop_watch: it looks again and again without starting anything anew."""

from __future__ import annotations

import datetime
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.color import ANSIBLE_COLOR
from ansible.utils.display import Display

from ansible_collections.gitops.flux_local.plugins.module_utils.loop_status import (
    ARGUMENTS,
    edge_of,
    gather,
)
from ansible_collections.gitops.flux_local.plugins.module_utils.status_text import text_of

# https://www.ecma-international.org/publications-and-standards/standards/ecma-48/: CUP and ED
_HOME_AND_ERASE = "\033[H\033[2J"


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Shows the report until the playbook is interrupted."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return after ``times`` reports; never, without it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**ARGUMENTS, "interval": {"type": "float", "default": 2.0}, "times": {"type": "int"}}
        arguments = self.validate_argument_spec(argument_spec=spec)[1]
        edge = edge_of(arguments)
        shown = 0
        while arguments["times"] is None or shown < arguments["times"]:
            if shown:
                time.sleep(arguments["interval"])
            report = text_of(gather(arguments, edge, now=datetime.datetime.now(datetime.UTC)))
            # Ansible knows of a terminal by its colours; this process has none, whatever stdout is.
            Display().display(f"{_HOME_AND_ERASE}{report}" if ANSIBLE_COLOR else f"\n{report}")
            shown += 1
        return {**result, "changed": False}
