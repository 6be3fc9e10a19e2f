# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind role_options: only on the controller are the variables that roles are given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.options import (
    WaitingError,
    given_values,
    refused,
    wrong_options,
)

FOLDER = Path(__file__).parents[2] / "roles"
ROLES = ["binaries", "registry", "cluster", "flux", "workloads"]
# The module documents them.
SPEC = {"roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES}}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Checks what was given, and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return which options were checked, or fail with all that are wrong."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        roles = self.validate_argument_spec(argument_spec=SPEC)[1]["roles"]
        variables = task_vars or {}
        options: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for role in roles:
            names = [name for name in variables if name.startswith(f"{role}_")]
            known = options_of(role) if names else {}
            options |= known
            values |= given_values(known, lambda name: self._value(variables[name]), names)
        wrong = wrong_options(options, values)
        if wrong:
            return {**result, "failed": True, "msg": refused(wrong)}
        return {**result, "changed": False, "checked": list(values)}

    def _value(self, variable: Any) -> Any:
        """A variable's value, as a module gets it: nothing of Ansible's own types is left."""
        try:
            return json.loads(json.dumps(self._templar.template(variable)))
        except AnsibleUndefinedVariable as error:
            raise WaitingError from error


def options_of(role: str) -> Mapping[str, Any]:
    """The options of a role of this collection."""
    text = (FOLDER / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return options
