#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_lock
short_description: Lets one playbook at a time work on a loop
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - The lock belongs to the C(ansible-playbook) process that took it, and is free again when that process ends, in whatever way.
  - Taking it twice in one playbook is fine.
  - A second playbook says for whom it waits, then continues, or fails and says who holds the lock.
  - Runs on the controller. In check mode nothing is locked, since nothing is written.
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
requirements:
  - psutil (Python library) >= 5.9
options:
  state_dir:
    description: The state folder of the loop.
    type: path
    required: true
  timeout:
    description: How long to wait for another playbook, in seconds.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: No other playbook works on this loop
  gitops.flux_local.loop_lock:
    state_dir: /home/me/.local/share/flux-local/flux-local
"""

RETURN = r"""
waited:
  description: How long another playbook held the lock, in seconds.
  type: float
  returned: success
  sample: 0.0
"""
