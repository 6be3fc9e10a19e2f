# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The filter that says why a cluster could not be created."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.creation import creation_cause

DOCUMENTATION = r"""
name: creation_cause
short_description: Why kind or k3d could not create a cluster
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Takes what the program said, and leaves out its progress and stack traces.
options:
  _input:
    description: The program's output.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: The cluster could be created
  ansible.builtin.assert:
    that: creation.rc == 0
    fail_msg: "{{ creation.stderr | gitops.flux_local.creation_cause }}"
"""

RETURN = r"""
_value:
  description: The lines that say what has failed, one after the other, of at most about 1000 characters.
  type: str
"""


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"creation_cause": creation_cause}
