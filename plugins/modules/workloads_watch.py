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
  namespace:
    description: The namespace of the Flux objects of all workloads that name none.
    type: str
    default: flux-system
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
  flux:
    description: The flux program, which renders folders before they are pushed.
    type: path
    required: true
  base_dir:
    description: What relative paths of workloads are relative to. The current folder when it is not given.
    type: path
  source:
    description: Where the content comes from. Asked of git when it is not given.
    type: str
  revision:
    description: The revision of the content. Asked of git when it is not given.
    type: str
  compare:
    description:
      - With V(content), a folder with the same content is not pushed again.
      - With V(exact), source and revision count too.
    type: str
    choices: [content, exact]
    default: content
  timeout:
    description: How long to wait for a workload to be proven, in seconds.
    type: int
    default: 300
  on_failure:
    description:
      - What becomes of a workload that was pushed and does not pass its health checks. The module fails in either case.
      - With V(stop), it stays as it is.
      - With V(rollback), its tag names the version again that was healthy last, as the Kustomization's status tells it, and that is proven.
    type: str
    choices: [stop, rollback]
    default: stop
  unknown_fields:
    description:
      - What becomes of a field that its kind does not have, such as C(replicaz) of a Deployment. Flux drops it without a word from objects of
        Kubernetes' own kinds, and applies the rest.
      - With V(warn), that is warned of, with its file and line.
      - With V(refuse), it is an error before anything is changed.
    type: str
    choices: [warn, refuse]
    default: warn
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
