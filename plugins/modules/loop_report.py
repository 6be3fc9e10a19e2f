#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Shows how a loop stands, and keeps that in files; done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_report
version_added: 0.1.0
short_description: Shows how a loop stands, and keeps that in files
description:
  - Shows what M(gitops.flux_local.loop_info) returns as a report of at most 100 columns, and keeps it in files where that is asked for.
  - With O(watch), it is refreshed until the playbook is interrupted. In a terminal each report takes the place of the one before.
    Elsewhere they follow each other, without control characters.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode no file is written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - A report says when it was made. The task counts as changed when it writes a file.
requirements:
  - cryptography (Python library)
  - kubernetes (Python library) >= 24.2
  - oras (Python library)
  - psutil (Python library) >= 5.9
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
  only:
    description: The names of the workloads to tell of, or C(namespace/name). By default, and with V(all), all are told of.
    type: list
    elements: str
    default: []
  markdown:
    description: The file that the report is kept in as Markdown.
    type: path
  html:
    description: The file that the report is kept in as an HTML page, which needs no network, no script and no other file.
    type: path
  json:
    description: The file that the status is kept in as data.
    type: path
  watch:
    description: Whether the report is refreshed until the playbook is interrupted.
    type: bool
    default: false
  interval:
    description: The seconds between two reports with O(watch).
    type: float
    default: 2.0
seealso:
  - module: gitops.flux_local.loop_info
"""

EXAMPLES = r"""
- name: What runs
  gitops.flux_local.loop_report:
    name: flux-local
    state_dir: ~/.local/share/flux-local/flux-local
    connection: "{{ cluster_connection }}"
    registry: "{{ registry_endpoint }}"
    flux: "{{ flux_status }}"
    programs: "{{ binaries_paths }}"
    html: /tmp/status.html
"""

RETURN = r"""
lines:
  description: The report, as it was shown.
  returned: when not O(watch)
  type: list
  elements: str
  sample: ["3 workloads: 3 ready"]
summary:
  description: How many workloads there are, are ready, failed and so on, how many problems, and whether all is C(well).
  returned: when not O(watch)
  type: dict
  sample: {workloads: 3, ready: 3, failed: 0, in_progress: 0, suspended: 0, behind: 0, drifted: 0, problems: 0, well: true}
"""
