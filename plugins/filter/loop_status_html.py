# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The filter that says as HTML how a loop stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.flux_local.plugins.plugin_utils.status_html import html_of

DOCUMENTATION = r"""
name: loop_status_html
short_description: How a loop stands, as an HTML page
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Says how workloads, programs, registry and certificates stand, and what needs attention.
options:
  _input:
    description: The C(status) that M(gitops.flux_local.loop_info) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The loop has been looked at
  gitops.flux_local.loop_info:
    name: flux-local
    state_dir: ~/.local/share/flux-local/flux-local
    connection: "{{ cluster_connection }}"
    registry: "{{ registry_endpoint }}"
    flux: "{{ flux_status }}"
  register: loop

- name: A report is kept
  ansible.builtin.copy:
    content: "{{ loop.status | gitops.flux_local.loop_status_html }}"
    dest: /tmp/report
    mode: '0644'
"""

RETURN = r"""
_value:
  description:
    - A page that needs no network, no script and no other file.
    - It has pictures of the workloads' dependencies and of the last reconciles.
  type: str
"""


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"loop_status_html": html_of}
