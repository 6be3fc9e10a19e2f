# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A task's list of workloads, refused in our words: Ansible's own do not name the workload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.listed import check_list
from ansible_collections.gitops.flux_local.plugins.plugin_utils.private_parts import plain


def refuse_wrong_list(arguments: Mapping[str, Any]) -> None:
    """Raise AnsibleActionFail where the option ``workloads`` cannot be brought about, whatever runs."""
    try:
        check_list(plain(arguments.get("workloads")))
    except LoopError as error:
        raise AnsibleActionFail(error.message) from None  # Ansible would tell it twice
