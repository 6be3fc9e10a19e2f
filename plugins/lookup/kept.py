# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""The lookup of what a loop keeps in its state folder."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kept
short_description: What a loop keeps in its state folder from run to run
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Reads a file of a loop's state folder. Where there is none, it returns an empty dictionary.
  - A file that is damaged fails, naming the file and what to do.
options:
  _terms:
    description: What is looked for, one of V(facts), V(ports), V(provider), V(registry) and V(workloads).
    type: list
    elements: str
    required: true
  state_dir:
    description: The state folder of the loop.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: The provider is known
  ansible.builtin.debug:
    msg: "{{ lookup('gitops.flux_local.kept', 'provider', state_dir=loop_state_dir) }}"
"""

RETURN = r"""
_raw:
  description: What the file holds, a dictionary for each of the terms.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.state_files import FILES, read_kept


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """Reads what is kept."""

    def run(
        self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        """What is kept under each of the names."""
        self.set_options(var_options=variables, direct=options)
        state_dir = self.get_option("state_dir")
        unknown = [term for term in terms if term not in FILES]
        if unknown:
            raise AnsibleLookupError(f"A loop keeps {', '.join(sorted(FILES))}, not {', '.join(unknown)}.")
        try:
            return [read_kept(state_dir, term) for term in terms]
        except LoopError as error:
            # Ansible would say what is behind it, too, in Python's words.
            raise AnsibleLookupError(error.message) from None
