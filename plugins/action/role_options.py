# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind role_options: only on the controller are the variables that roles are given."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleUndefinedVariable
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.needs import missing
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.option_names import OURS, misspelled
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.options import (
    WaitingError,
    given_values,
    missing_files,
    refused,
    wrong_options,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.place import not_here
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.listed import (
    check_list,
    chosen,
    missing_folders,
    names_of,
)
from ansible_collections.gitops.flux_local.plugins.plugin_utils.private_parts import place_of, plain

FOLDER = Path(__file__).parents[2]
ROLES = ["binaries", "registry", "cluster", "flux", "workloads"]
LISTED = "workloads_list"
# The module documents them.
SPEC = {
    "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
    "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
    "begins": {"type": "bool", "default": False},
    "folders": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Checks what was given, and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return which options were checked, or fail with all that are wrong."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        asked = self.validate_argument_spec(argument_spec=SPEC)[1]
        variables = task_vars or {}
        # A role that is used alone is not asked about a playbook's variables, which have ordinary names.
        options = {
            name: option for name, option in PLAYBOOKS.items() if name.startswith(OURS) or not asked["begins"]
        }
        for role in asked["roles"]:
            options |= SPECS[role]["main"]["options"]
        # What may be in the list is said of each workload, by name.
        options[LISTED] = {"type": "list", "elements": "raw"}
        values = given_values(options, lambda name: self._value(variables[name]), variables)
        own = values.get("flux_local_own_variables") or []
        wrong = [
            *filter(None, [not_here(place_of(self), in_container=is_container(asked["roles"], values))]),
            *misspelled(variables, NAMES, own),
            *wrong_options(options, values),
        ]
        if asked["state"] == "present":
            wrong += missing_files(options, values)
            if "workloads" in asked["roles"]:
                wrong += wrong_workloads(values, folders=asked["folders"])
            if asked["begins"] and not wrong:
                wrong += [told for role in asked["roles"] for told in missing(role, values)]
        if wrong:
            return {**result, "failed": True, "msg": refused(wrong)}
        named = names_of(values.get("workload") or [])
        return {**result, "changed": False, "checked": list(values), "named": named}

    def _value(self, variable: Any) -> Any:
        """A variable's value, as a module gets it."""
        try:
            return plain(self._templar.template(variable))
        except AnsibleUndefinedVariable as error:
            raise WaitingError from error


def is_container(roles: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Whether what the roles make is a container alone."""
    return list(roles) == ["registry"] and values.get("registry_engine") in ("docker", "podman")


def wrong_workloads(values: Mapping[str, Any], *, folders: bool) -> Iterator[str]:
    """What is wrong with the list of workloads, a sentence without its full stop for each."""
    try:
        workloads = check_list(values.get(LISTED))
        for option in ("workload", "workloads_only"):
            chosen(workloads, values.get(option) or [], option)
    except LoopError as error:
        yield error.message.rstrip(".")
        return
    if folders:
        base_dir = values.get("workloads_base_dir") or os.environ.get("PWD") or os.getcwd()
        yield from missing_folders(workloads, os.path.expanduser(base_dir))


def read(path: str) -> dict[str, Any]:
    """A file of this collection."""
    content: dict[str, Any] = yaml_load((FOLDER / path).read_text(encoding="utf-8"))
    return content


# Read once for all tasks: Ansible loads an action before it makes the task's process.
PLAYBOOKS: Mapping[str, Any] = read("playbooks/vars/options.yml")["loop_options"]
SPECS: Mapping[str, Any] = {
    role: read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"] for role in ROLES
}
# Those of all entry points.
NAMES = frozenset(
    {*PLAYBOOKS, *(name for spec in SPECS.values() for entry in spec.values() for name in entry["options"])}
)
