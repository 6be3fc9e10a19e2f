#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plain_text
short_description: Writes lines of text as they are
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - What M(ansible.builtin.debug) shows is quoted or escaped as the result format wants it. This writes a report the same in all of them.
  - They are written to stdout, or to stderr where stdout is for a program that reads it (the callback plugins C(ansible.posix.json),
    C(ansible.posix.jsonl), C(community.general.null)). Programs find them in the result.
  - Runs on the controller.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  text:
    description: The lines.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: What was reached
  gitops.flux_local.plain_text:
    text: "{{ workloads_receipts | gitops.flux_local.loop_summary(cluster_connection, registry_endpoint, flux_status) }}"
"""

RETURN = r"""
lines:
  description: The lines that were written.
  returned: success
  type: list
  elements: str
  sample: ["cluster     embedded, context kubernetes-admin@flux-local", "flux        2.9.5"]
"""
