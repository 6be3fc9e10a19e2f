#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Pushes and proves workloads after each save; done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: workloads_watch
version_added: 0.1.0
short_description: Pushes workloads after each save, and proves them
description:
  - Brings workloads about as M(gitops.flux_local.flux_workloads) does, then watches their folders, and does so again for those in which
    something was saved, until the playbook is interrupted.
  - Each round is a line. A round that fails ends nothing.
  - While a round is under way, other playbooks on the loop wait. In between they do not.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.workloads
attributes:
  check_mode:
    support: none
    details:
      - In check mode nothing is watched.
  diff_mode:
    support: none
  idempotent:
    support: full
requirements:
  - kubernetes (Python library)
  - oras (Python library)
  - psutil (Python library) >= 5.9
  - watchfiles (Python library)
options:
  only:
    description: The names of the workloads to watch. By default, and with V(all), all that are present are watched.
    type: list
    elements: str
    default: []
  state_dir:
    description: The folder of the loop, whose lock is held during a round.
    type: path
    required: true
  rounds:
    description: How many rounds there are, the first one included. Without it, there is no end.
    type: int
  kubeconfig:
    description: The kubeconfig of the cluster.
    type: path
  context:
    description: The context in it.
    type: str
  registry:
    description: The registry. The fact C(registry_endpoint) of the role registry can be given as it is.
    type: dict
    required: true
    suboptions:
      host:
        description: The registry as this machine reaches it, as C(host[:port][/prefix]).
        type: str
        required: true
      cluster:
        description: The registry as Flux reaches it. The same address when it is not given.
        type: str
      insecure:
        description: Whether plain http is allowed. Loopback addresses need no permission.
        type: bool
        default: false
      username:
        description: The name to log in with.
        type: str
      password:
        description: The password to log in with.
        type: str
      ca_cert:
        description: The certificate authority of the registry, in PEM.
        type: path
      client_cert:
        description: The client certificate to show to the registry, in PEM.
        type: path
      client_key:
        description: The key of O(registry.client_cert), in PEM.
        type: path
      validate_certs:
        description: Whether the registry's certificate is verified.
        type: bool
        default: true
      timeout:
        description: How long one request may take, in seconds.
        type: float
        default: 10
"""

EXAMPLES = r"""
- name: What is saved in the shop is pushed
  gitops.flux_local.workloads_watch:
    kubeconfig: /home/me/.local/share/flux-local/flux-local/kubeconfig
    state_dir: /home/me/.local/share/flux-local/flux-local
    registry:
      host: 127.0.0.1:5001
    flux: /home/me/.cache/flux-local/flux/2.9.5/linux-amd64/flux
    workloads:
      - name: shop
        path: ./shop
"""

RETURN = r"""
rounds:
  description: How many rounds there were.
  returned: success
  type: int
  sample: 3
"""
