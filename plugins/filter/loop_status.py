# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The filter that says how a loop stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils.report import standings, summary

DOCUMENTATION = r"""
name: loop_status
short_description: How a loop stands, as text
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Says where the kubeconfig and the registry are, and for every workload that Flux knows its version, its
    fetched and its applied revision, and whether it is ready.
  - When Flux could not be asked, it says why.
options:
  _input:
    description: What M(gitops.flux_local.flux_info) returned.
    type: dict
    required: true
  connection:
    description: The fact C(cluster_connection).
    type: dict
    required: true
  endpoint:
    description: The fact C(registry_endpoint).
    type: dict
    required: true
  flux:
    description: The fact C(flux_status).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What runs
  ansible.builtin.debug:
    msg: "{{ answer | gitops.flux_local.loop_status(cluster_connection, registry_endpoint, flux_status) }}"
"""

RETURN = r"""
_value:
  description: Lines of at most 100 columns, as far as names allow.
  type: str
"""


def loop_status(
    answer: Mapping[str, Any],
    connection: Mapping[str, Any],
    endpoint: Mapping[str, Any],
    flux: Mapping[str, Any],
) -> str:
    """The lines of the report."""
    lines = summary(standings(answer), connection, endpoint, flux)
    if "kustomizations" not in answer:
        lines += ["", f"Flux could not be asked: {answer.get('msg', 'no answer')}"]
    return "\n".join(lines)


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"loop_status": loop_status}
