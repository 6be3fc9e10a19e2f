#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Which cluster a context of a kubeconfig means."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_info
short_description: Says which cluster a context of a kubeconfig means
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Returns the context that is named, or else the one that the environment means, with the address of its API server, and whether that looks
    like a cluster of this machine. The cluster itself is not asked.
  - By its address, a server looks local when it is loopback, an address of this machine, or a name that containers of kind and k3d or
    Docker Desktop have. A private address and a name without a domain look local when the context has the name of a local cluster, too,
    such as C(kind-shop), C(k3d-shop) or C(minikube).
  - It fails when there is no such context, and names those there are.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  kubeconfig:
    description:
      - The path of a kubeconfig, or several as in the environment variable E(KUBECONFIG).
      - Without it, E(K8S_AUTH_KUBECONFIG), E(KUBECONFIG) and C(~/.kube/config) are tried in this order. Other variables of kubernetes.core,
        such as E(K8S_AUTH_HOST), are then refused, since the cluster would be another one than that of the kubeconfig.
      - With it, no variable of kubernetes.core counts.
    type: str
  context:
    description: The name of the context. Without it, it is the current one, or that of E(K8S_AUTH_CONTEXT) where no O(kubeconfig) is given.
    type: str
requirements:
  - PyYAML (Python library)
"""

EXAMPLES = r"""
- name: It is known which cluster would be used
  gitops.flux_local.kubeconfig_info:
    kubeconfig: /home/me/.kube/config
  register: current

- name: It is one of this machine
  ansible.builtin.assert:
    that: current.looks_local
"""

RETURN = r"""
kubeconfig:
  description: The absolute path, or the paths, that was read.
  type: str
  returned: success
  sample: /home/me/.kube/config
context:
  description: The name of the context.
  type: str
  returned: success
  sample: kind-shop
contexts:
  description: The names of all contexts.
  type: list
  elements: str
  returned: success
  sample: [kind-shop, staging]
server:
  description: The address of the API server.
  type: str
  returned: success
  sample: https://127.0.0.1:41123
proxy:
  description: The proxy that the server is asked through, and the variable that names it. Empty where it is asked directly, as on this machine.
  type: str
  returned: success
  sample: ''
looks_local:
  description: Whether that looks like a cluster of this machine.
  type: bool
  returned: success
  sample: true
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubeconfig import is_own_address, run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require


def main() -> None:
    """The module's entry."""
    module = AnsibleModule(
        argument_spec={"kubeconfig": {"type": "str"}, "context": {"type": "str"}},
        supports_check_mode=True,
    )
    require(module, "yaml")
    exit_with(module, lambda: run(module.params, environment=os.environ, owns=is_own_address))


if __name__ == "__main__":
    main()
