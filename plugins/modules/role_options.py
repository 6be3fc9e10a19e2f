#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Documentation and options of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_options
short_description: Checks the options of this collection's roles before any of them does anything
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Each role checks its own options when its turn comes. By then, others have done their part. This checks all of them at once, by the same
    argument_specs, and names all that is wrong. The variables that playbooks of this collection take are checked with them.
  - Besides, a number has to be above 0 where that makes sense, a port has to be one, and no port is given twice. Certificates, folders of programs
    and the folders of workloads have to be there. The list of workloads is checked as M(gitops.flux_local.flux_workloads) does it.
  - A variable whose name begins with C(flux_local_) and is no option is an error, and so is one that differs from the name of a role's option by
    one slip. Name those of your own in C(flux_local_own_variables).
  - Options are variables. One that cannot be known yet, since it waits for a role's fact, is left to the role that takes it.
  - Roles work on the machine that Ansible runs on, for the user who runs it. Another connection, and C(become) of another user, are an error.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  roles:
    description: The roles whose options are checked, without the name of the collection.
    type: list
    elements: str
    choices: [binaries, registry, cluster, flux, workloads]
    default: [binaries, registry, cluster, flux, workloads]
  state:
    description:
      - What the roles are to bring about.
      - To stop and to remove something, no file, folder or list of workloads is needed. Only names and types are checked then.
    type: str
    choices: [present, stopped, absent]
    default: present
  begins:
    description:
      - Whether the roles begin now, with the facts that there are. Then what they need of others has to be there, too, such as programs and a
        connection to the cluster. What is missing is named with how to give it.
    type: bool
    default: false
  folders:
    description: Whether the folders of workloads have to be there.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The options of all roles are valid
  gitops.flux_local.role_options:

- name: The options of two roles are valid
  gitops.flux_local.role_options:
    roles: [binaries, registry]

- name: The role flux can begin
  gitops.flux_local.role_options:
    roles: [flux]
    state: "{{ flux_state }}"
    begins: true
"""

RETURN = r"""
checked:
  description: The options that were given and are valid.
  type: list
  elements: str
  returned: success
  sample: [registry_engine, cluster_timeout]
named:
  description: The names in the variable C(workload); none where all workloads are meant.
  type: list
  elements: str
  returned: success
  sample: [shop, web]
"""
