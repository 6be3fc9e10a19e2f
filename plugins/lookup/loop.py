# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""What others need of a loop: its kubeconfig, context, registry, provider and folder."""

from __future__ import annotations

DOCUMENTATION = r"""
name: loop
version_added: 0.1.0
short_description: Returns how a loop is reached
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Returns what the playbooks have kept of a loop on the controller. No request is made, and the loop need not run.
options:
  _terms:
    description:
      - The names of loops.
      - Without one, the loop that the playbooks would take, C(flux_local_name), else V(flux-local).
  state_dir:
    description:
      - The folder with all that belongs to the loop.
      - Without it, C(flux_local_state_dir) for the loop that the playbooks would take, else the folder of the loop's name below
        C($XDG_DATA_HOME/flux-local), C(~/.local/share/flux-local) where that variable is not set.
    type: path
seealso:
  - module: gitops.flux_local.loop_info
    description: What a loop does right now.
"""

EXAMPLES = r"""
- name: Deployments are read
  kubernetes.core.k8s_info:
    kubeconfig: "{{ loop.kubeconfig }}"
    context: "{{ loop.context }}"
    api_version: apps/v1
    kind: Deployment
  vars:
    loop: "{{ lookup('gitops.flux_local.loop') }}"

- name: The address of the registry of the loop shop
  ansible.builtin.debug:
    msg: "{{ lookup('gitops.flux_local.loop', 'shop').registry }}"
"""

RETURN = r"""
_raw:
  description: Of each loop how it is reached.
  type: list
  elements: dict
  contains:
    name:
      description: The loop's name.
      type: str
      sample: flux-local
    state_dir:
      description: The folder with all that belongs to it.
      type: str
      sample: /home/ada/.local/share/flux-local/flux-local
    provider:
      description: What its cluster is, V(embedded), V(kind), V(k3d) or V(existing).
      type: str
      sample: embedded
    kubeconfig:
      description: The kubeconfig of its cluster. It is empty for an existing cluster that is reached without one.
      type: str
      sample: /home/ada/.local/share/flux-local/flux-local/kubeconfig
    context:
      description: The context in that kubeconfig.
      type: str
      sample: kubernetes-admin@flux-local
    registry:
      description: The address of its registry as this machine reaches it, C(host:port).
      type: str
      sample: localhost:5050
    registry_source:
      description: The address of its registry as Flux reaches it, C(host:port).
      type: str
      sample: localhost:5050
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.kept import kept_loop


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """Reads what the playbooks have kept."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **options: Any) -> list[Any]:
        """Return a dictionary for each name."""
        self.set_options(var_options=variables, direct=options)
        mine = self._templar.template((variables or {}).get("flux_local_name")) or "flux-local"
        folder = self._templar.template((variables or {}).get("flux_local_state_dir"))
        try:
            return [
                kept_loop(name, self.get_option("state_dir") or (folder if name == mine else None))
                for name in (str(term) for term in terms or [mine])
            ]
        except LoopError as error:
            raise AnsibleLookupError(error.message) from None  # Ansible would tell it twice
