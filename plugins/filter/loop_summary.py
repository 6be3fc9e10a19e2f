# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The filter that says what a run has reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import summary

DOCUMENTATION = r"""
name: loop_summary
short_description: What a loop holds, as text
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Says where the kubeconfig and the registry are, and for every workload its version, its digest, its
    applied revision, and whether it is ready.
options:
  _input:
    description: The receipts that the role workloads returns.
    type: list
    elements: dict
    required: true
  connection:
    description:
      - The fact C(cluster_connection).
      - With it, in C(why), what made the provider be chosen, unless it was asked for.
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
- name: What was reached
  ansible.builtin.debug:
    msg: >-
      {{ workloads_receipts
         | gitops.flux_local.loop_summary(cluster_connection, registry_endpoint, flux_status) }}
"""

RETURN = r"""
_value:
  description: Lines of at most 100 columns, as far as names allow.
  type: str
"""


def loop_summary(
    receipts: Sequence[Mapping[str, Any]],
    connection: Mapping[str, Any],
    endpoint: Mapping[str, Any],
    flux: Mapping[str, Any],
) -> str:
    """The lines of the summary."""
    return "\n".join(summary(receipts, connection, endpoint, flux))


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"loop_summary": loop_summary}
