# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind container_engine: engines are asked by the modules of their own collections."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import read_text
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable_result
from ansible_collections.gitops.flux_local.plugins.module_utils._loop import provider
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine import (
    cluster,
    endpoint,
    registry,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.arguments import QUESTIONS, SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.engines import (
    Docker,
    Engine,
    Podman,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Answer, Machine
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.state_files import read_kept
from ansible_collections.gitops.flux_local.plugins.plugin_utils.private_parts import result_of_action

# What community.docker takes longest to import; here it is done once for all tasks.
with contextlib.suppress(ImportError):
    importlib.import_module("requests")


class TaskMachine:
    """This machine, as the task of an action may ask it."""

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self.environment: Mapping[str, str] = dict(os.environ)
        self._action = action
        self._task_vars = task_vars

    def ask(self, module: str, options: Mapping[str, Any]) -> Answer:
        arguments = {"module": module, "options": dict(options)}
        try:
            return result_of_action(self._action, "gitops.flux_local.in_process", arguments, self._task_vars)
        except AnsibleError as error:
            return {"failed": True, "msg": str(error)}

    def text(self, path: str) -> str:
        return read_text(path) or ""

    def kept(self, state_dir: str, name: str) -> Mapping[str, Any]:
        return read_kept(state_dir, name)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Asks what there is, and changes nothing."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the engines say."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _spec, given = self.validate_argument_spec(
            argument_spec=SPEC, mutually_exclusive=[QUESTIONS], required_one_of=[QUESTIONS]
        )
        # As a module gets them: nothing of Ansible's own types is left.
        params = json.loads(json.dumps(given))
        try:
            answer = json.loads(json.dumps(answered(params, TaskMachine(self, task_vars or {}))))
        except LoopError as error:
            return {**result, "failed": True, "msg": error.message, **printable_result(error.details)}
        return {**result, "changed": False, **printable_result(answer)}


def answered(params: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    """The return values of the module. Raises LoopError."""
    if params["loop"]:
        return {"loop": asdict(provider.look(provider.Asked(**params["loop"]), machine)), "refused": ""}
    if params["registry"]:
        asked = registry.Asked(**params["registry"])
        return registry.as_dict(registry.look(asked, machine), asked)
    if params["cluster"]:
        return cluster.as_dict(cluster.look(cluster.Asked(**params["cluster"]), machine))
    return places(params["containerd"], machine)


def places(params: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    """The return values where containerd is asked for."""
    engine: Engine = Docker(params["docker_host"], {}) if params["engine"] == "docker" else Podman({})
    registry_endpoint = endpoint.endpoint_of(params["registry_endpoint"])
    found = endpoint.places_in(params["nodes"], registry_endpoint, engine, machine, reads=params["reads"])
    return {"places": [endpoint.as_dict(place) for place in found], "refused": endpoint.no_place(found)}
