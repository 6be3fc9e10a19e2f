#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""What Flux says of its sources and Kustomizations."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_info
version_added: 0.1.0
short_description: Returns everything Flux says of its OCIRepositories and Kustomizations
description:
  - Reads the OCIRepositories and Kustomizations of a cluster and returns their conditions, revisions, inventory and history as data.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.actiongroup_k8s
  - gitops.flux_local.attributes.info_module
requirements:
  - kubernetes (Python library) >= 37
options:
  name:
    description: Only objects of this name are returned.
    type: str
  namespace:
    description: Only objects of this namespace are returned. By default those of all namespaces are.
    type: str
  events:
    description: Whether the newest events about each object are returned, too. This costs one request for each.
    type: bool
    default: false
seealso:
  - module: gitops.flux_local.flux_reconcile
"""

EXAMPLES = r"""
- name: Everything Flux knows
  gitops.flux_local.flux_info:
    kubeconfig: ~/.local/share/flux-local/flux-local/kubeconfig
  register: flux

- name: What is not ready, and why
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.reason }}: {{ item.message }}"
  loop: "{{ flux.kustomizations | rejectattr('ready') }}"

- name: One workload with its events
  gitops.flux_local.flux_info:
    name: shop
    namespace: flux-system
    events: true
"""

RETURN = r"""
@RETURN@
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils.flux_state import INFO_SPEC, run_info
from ansible_collections.gitops.flux_local.plugins.module_utils.kubernetes_client import on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils.module import exit_with, require


def main() -> None:
    module = AnsibleModule(argument_spec=INFO_SPEC, supports_check_mode=True)
    require(module, "kubernetes")
    exit_with(module, lambda: on_cluster(module, lambda cluster: run_info(cluster, module.params)))


if __name__ == "__main__":
    main()
