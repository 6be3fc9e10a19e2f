#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: in_process
short_description: Runs another collection's module without a process of its own
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - To pack a module, to start Python and to compile what was packed takes about a second, which is several times what most modules take for
    what they do. Where a task is for this machine, this user and this Python, the module runs in the process that Ansible has for the task.
  - Elsewhere the module is run as always. What it does, returns and fails with is the same.
  - What is on this machine is reached without a proxy, whatever the environment says. Where the module's options name a kubeconfig, that alone says
    which cluster is meant and how it is reached, as for kubectl. Variables of kubernetes.core such as E(K8S_AUTH_HOST) do not count.
  - C(module_defaults) of the module apply. An action plugin that the module has is not used.
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
    details:
      - As far as the module supports it.
  diff_mode:
    support: full
    details:
      - As far as the module supports it.
  idempotent:
    support: full
    details:
      - As far as the module is.
options:
  module:
    description: The fully qualified name of the module.
    type: str
    required: true
  options:
    description: The module's options.
    type: dict
    default: {}
  variables:
    description:
      - What the module, and the programs that it runs, get of the user's environment beside E(HOME), E(PATH) and what sets the language.
      - V(network) are E(HTTPS_PROXY) and their like. V(engines) are E(DOCKER_HOST), E(CONTAINER_HOST), E(XDG_RUNTIME_DIR) and all that container
        engines read.
      - Without this option, modules of C(community.docker) and C(containers.podman) get both groups, and others get all variables.
    type: list
    elements: str
    choices: [network, engines]
  afterwards:
    description:
      - What is run after the module, in this order, also when the module has failed or the playbook was interrupted. Each has O(module) and
        O(options) as the task itself. Nothing of it is run in check mode.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: The container was looked at
  gitops.flux_local.in_process:
    module: community.docker.docker_container_info
    options:
      name: registry
  register: look
"""

RETURN = r"""
"""
