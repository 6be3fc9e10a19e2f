#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Shows how a loop stands until it is interrupted; done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_watch
version_added: 0.1.0
short_description: Shows how a loop stands, again and again
description:
  - Shows what M(gitops.flux_local.loop_info) returns as a report, and refreshes it until the playbook is interrupted.
  - In a terminal each report takes the place of the one before. Elsewhere they follow each other, without control characters.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
requirements:
  - cryptography (Python library)
  - kubernetes (Python library) >= 37
  - oras (Python library)
  - supervisor (Python library)
options:
  name:
    description: The loop's name.
    type: str
    required: true
  state_dir:
    description: The folder with all that belongs to the loop.
    type: path
    required: true
  connection:
    description: The fact C(cluster_connection) of the role cluster.
    type: dict
    required: true
  registry:
    description: The fact C(registry_endpoint) of the role registry.
    type: dict
    required: true
  flux:
    description: The fact C(flux_status) of the role flux.
    type: dict
    required: true
  programs:
    description: The fact C(binaries_paths) of the role binaries.
    type: dict
    default: {}
  interval:
    description: The seconds between two reports.
    type: float
    default: 2.0
  times:
    description: How many reports are shown. Without it, there is no end.
    type: int
seealso:
  - module: gitops.flux_local.loop_info
"""

EXAMPLES = r"""
- name: What runs, until somebody presses Ctrl-C
  gitops.flux_local.loop_watch:
    name: flux-local
    state_dir: ~/.local/share/flux-local/flux-local
    connection: "{{ cluster_connection }}"
    registry: "{{ registry_endpoint }}"
    flux: "{{ flux_status }}"
    programs: "{{ binaries_paths }}"
"""

RETURN = r"""
"""
