# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind workloads_watch: after a save it starts nothing, so that a second is enough."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import process_start
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.playbook_lock import (
    Owner,
    release,
    take,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.push_on_save import (
    HAS_WATCHFILES,
    follow,
    saved_workloads,
    saves,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import FluxCli
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.run import Edge, run
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.task import WORKLOADS
from ansible_collections.gitops.flux_local.plugins.plugin_utils.listed import refuse_wrong_list
from ansible_collections.gitops.flux_local.plugins.plugin_utils.task_process import nothing_left
from ansible_collections.gitops.flux_local.plugins.plugin_utils.terminal import say, warn

LOCK_SECONDS = 600


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Pushes and proves after each save until the playbook is interrupted."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return after ``rounds`` rounds; never, without it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        spec = {
            **WORKLOADS,
            "kubeconfig": {"type": "path"},
            "context": {"type": "str"},
            "state_dir": {"type": "path", "required": True},
            "rounds": {"type": "int"},
        }
        refuse_wrong_list(self._task.args)
        arguments = self.validate_argument_spec(argument_spec=spec)[1]
        if not HAS_WATCHFILES:
            raise AnsibleActionFail(missing_required_lib("watchfiles"))
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True, "msg": "In check mode nothing is watched."}
        try:
            with nothing_left():
                workloads = saved_workloads(arguments["workloads"], arguments["only"], arguments["base_dir"])
                say(f"Watching {', '.join(workload.name for workload in workloads)}. Ctrl-C ends it.")
                rounds = _rounds(arguments)
                done = follow(workloads, saves(workloads), rounds, say, rounds=arguments["rounds"])
        except LoopError as error:
            raise AnsibleActionFail(error.message) from None  # Ansible would tell it twice
        return {**result, "changed": False, "rounds": done}


def _rounds(arguments: Mapping[str, Any]) -> Callable[[Sequence[str]], Mapping[str, Any]]:
    """What brings workloads about, by their names; other playbooks wait that long, and no longer."""
    cluster = KubernetesCluster({name: arguments[name] for name in ("kubeconfig", "context")})
    edge = Edge(cluster, RegistryRepository, FluxCli(arguments["flux"]), warn)
    lock_file = os.path.join(arguments["state_dir"], "lock")
    owner = Owner(
        pid=os.getpid(),
        started=process_start(os.getpid()),
        command="dev.yml",
        since=time.strftime("%Y-%m-%d %H:%M:%S"),
    )

    def bring_about(names: Sequence[str]) -> Mapping[str, Any]:
        take(lock_file, owner, timeout=LOCK_SECONDS)
        try:
            return run({**arguments, "only": names}, edge, check_mode=False, with_diff=False)
        finally:
            release(lock_file, owner)

    return bring_about
