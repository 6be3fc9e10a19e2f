#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""A loop's entries in the kubeconfig of its user."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_merge
short_description: Has the contexts of a loop in a user's kubeconfig, or not
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Adds the clusters, users and contexts of a loop's kubeconfig to another one, or removes them again. Everything else that is there stays,
    also the current context, unless there is none.
  - What belongs to the loop is known by an extension in each of its entries. An entry of the same name that has none is somebody else's, and an
    error.
  - The file is replaced in one step, with mode 0600, while the lock that kubectl and kind respect is held. Comments in it are lost.
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Names of contexts, and no keys.
  idempotent:
    support: full
options:
  path:
    description: The kubeconfig of the user. It is made when it is not there.
    type: path
    required: true
  loop:
    description: The name of the loop.
    type: str
    required: true
  source:
    description: The kubeconfig of the loop. It is required with O(state=present).
    type: path
  state:
    description: Whether the entries of the loop are there.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - PyYAML (Python library)
"""

EXAMPLES = r"""
- name: The loop's context is among mine
  gitops.flux_local.kubeconfig_merge:
    path: ~/.kube/config
    source: ~/.local/share/flux-local/shop/kind/kubeconfig
    loop: shop

- name: It is no longer
  gitops.flux_local.kubeconfig_merge:
    path: ~/.kube/config
    loop: shop
    state: absent
"""

RETURN = r"""
path:
  description: The file that was looked at, which is the one that a link leads to.
  type: str
  returned: success
  sample: /home/me/.kube/config
contexts:
  description: The names of all contexts that are there now.
  type: list
  elements: str
  returned: success
  sample: [work, kind-shop]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubeconfig_merge import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "loop": {"type": "str", "required": True},
            "source": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ("source",))],
        supports_check_mode=True,
    )
    require(module, "yaml")
    exit_with(module, lambda: run(module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
