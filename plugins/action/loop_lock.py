# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind loop_lock: only on the controller is the playbook's own process known."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import process_start
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.playbook_lock import (
    Owner,
    take,
)
from ansible_collections.gitops.flux_local.plugins.plugin_utils.terminal import say

COLLECTION_PLAYBOOK = re.compile(r"\w+\.\w+\.\w+")


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes the lock for the ansible-playbook process, which is the parent of the worker this runs in."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return ``waited``, in seconds."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        unused, arguments = self.validate_argument_spec(
            argument_spec={
                "state_dir": {"type": "path", "required": True},
                "timeout": {"type": "int", "default": 600},
            }
        )
        del unused
        lock_file = os.path.join(arguments["state_dir"], "lock")
        playbook = os.getppid()
        result.update(changed=False, waited=0.0)
        if self._task.check_mode:
            return result
        try:
            owner = Owner(
                pid=playbook,
                started=process_start(playbook),
                command=_playbooks_of(sys.argv),
                since=time.strftime("%Y-%m-%d %H:%M:%S"),
            )
            result["waited"] = round(take(lock_file, owner, timeout=arguments["timeout"], on_wait=_tell), 1)
        except LoopError as error:
            raise AnsibleActionFail(error.message) from None  # Ansible would tell it twice
        return result


def _tell(holder: Owner) -> None:
    say(f"Waiting for process {holder.pid}, {holder.command}, which works on this loop.")


def _playbooks_of(arguments: list[str]) -> str:
    """The command without its options, which may hold secrets."""
    playbooks = [
        argument
        for argument in arguments[1:]
        if argument.endswith((".yml", ".yaml")) or COLLECTION_PLAYBOOK.fullmatch(argument)
    ]
    return " ".join([os.path.basename(arguments[0]), *playbooks])
