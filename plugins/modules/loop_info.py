#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Everything that can be said of a loop."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_info
version_added: 0.1.0
short_description: Returns everything that can be said of a loop, in one call
description:
  - Asks Flux, the registry, supervisord or the cluster's Deployments, and the machine, all at once, and returns the answers as data.
  - What does not answer is an entry of RV(status.problems). The module fails for none of it.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
requirements:
  - cryptography (Python library)
  - kubernetes (Python library) >= 24.2
  - oras (Python library)
  - psutil (Python library) >= 5.9
  - supervisor (Python library)
options:
  name:
    description: The loop's name.
    type: str
    required: true
  state_dir:
    description: The folder with all that belongs to the loop.
    type: path
    required: true
  connection:
    description: The fact C(cluster_connection) of the role cluster.
    type: dict
    required: true
  registry:
    description: The fact C(registry_endpoint) of the role registry.
    type: dict
    required: true
  flux:
    description: The fact C(flux_status) of the role flux. Where its C(mode) is V(deployments), Flux's controllers are looked for in the cluster.
    type: dict
    required: true
  programs:
    description: The fact C(binaries_paths) of the role binaries, which knows the versions of the loop's processes.
    type: dict
    default: {}
  only:
    description: The names of the workloads to tell of, or C(namespace/name). By default, and with V(all), all are told of.
    type: list
    elements: str
    default: []
seealso:
  - module: gitops.flux_local.flux_info
  - ref: gitops.flux_local.loop_status filter <ansible_collections.gitops.flux_local.loop_status_filter>
    description: The same as a report.
"""

EXAMPLES = r"""
- name: The loop has been looked at
  gitops.flux_local.loop_info:
    name: flux-local
    state_dir: ~/.local/share/flux-local/flux-local
    connection: "{{ cluster_connection }}"
    registry: "{{ registry_endpoint }}"
    flux: "{{ flux_status }}"
    programs: "{{ binaries_paths }}"
  register: loop

- name: All is well
  ansible.builtin.assert:
    that: loop.status.summary.well
    fail_msg: "{{ loop.status | gitops.flux_local.loop_status }}"
"""

RETURN = r"""
status:
  description: The status of the loop. C(docs/status.md) describes every field.
  returned: always
  type: dict
  contains:
    schema_version:
      description: The version of this structure. It becomes another one when a field is removed or means something else.
      returned: always
      type: int
      sample: 1
    taken_at:
      description: When the loop was looked at.
      returned: always
      type: str
      sample: "2026-11-24T18:31:07Z"
    summary:
      description: How many workloads there are, are ready, failed and so on, how many problems, and whether all is C(well).
      returned: always
      type: dict
      sample: {workloads: 3, ready: 3, failed: 0, in_progress: 0, suspended: 0, behind: 0, drifted: 0, problems: 0, well: true}
    problems:
      description: What did not answer or does not run, with its C(part) and a C(message).
      returned: always
      type: list
      elements: dict
      sample:
        - part: etcd
          message: etcd does not run (backoff).
    loop:
      description: The loop's name and folder.
      returned: always
      type: dict
      sample: {name: flux-local, state_dir: /home/me/.local/share/flux-local/flux-local}
    cluster:
      description: The cluster, and whether Pods are only simulated in it.
      returned: always
      type: dict
      sample:
        provider: embedded
        name: flux-local
        context: flux-local
        kubeconfig: /home/me/.local/share/flux-local/flux-local/kubeconfig
        simulates_pods: true
    registry:
      description: The registry as this machine and as Flux reaches it.
      returned: always
      type: dict
      sample: {host: "127.0.0.1:5001", cluster: "127.0.0.1:5001"}
    flux:
      description: How Flux runs, where its objects are, and the versions of its controllers.
      returned: always
      type: dict
      sample: {mode: processes, namespace: flux-system, versions: {source-controller: 1.9.5, kustomize-controller: 1.9.5}}
    workloads:
      description: One for each Kustomization, with its source, and what the registry holds against what is applied.
      returned: always
      type: list
      elements: dict
      sample:
        - name: backend
          namespace: flux-system
          ready: true
          state: ready
          suspended: false
          reason: ReconciliationSucceeded
          message: "Applied revision: latest@sha256:d29f667da6361dd48a24f9f7ef4bd2a1b5bd6de95b5f9d4c4ad15ed0c2dcb2d0"
          url: oci://127.0.0.1:5001/backend
          follows: latest
          fetched_revision: latest@sha256:d29f667da6361dd48a24f9f7ef4bd2a1b5bd6de95b5f9d4c4ad15ed0c2dcb2d0
          applied_revision: latest@sha256:d29f667da6361dd48a24f9f7ef4bd2a1b5bd6de95b5f9d4c4ad15ed0c2dcb2d0
          applied_origin_revision: main@sha1:4f1c2d9
          applied_at: "2026-11-24T18:27:21Z"
          objects: 3
          depends_on: [{namespace: flux-system, name: base}]
          drift: []
          cause: null
          behind: 0
          newest:
            digest: sha256:d29f667da6361dd48a24f9f7ef4bd2a1b5bd6de95b5f9d4c4ad15ed0c2dcb2d0
            tags: [latest]
            created: "2026-11-24T18:27:19Z"
          versions:
            - digest: sha256:d29f667da6361dd48a24f9f7ef4bd2a1b5bd6de95b5f9d4c4ad15ed0c2dcb2d0
              tags: [latest]
              created: "2026-11-24T18:27:19Z"
          versions_total: 1
    sources:
      description: The OCIRepositories with their events, as M(gitops.flux_local.flux_info) returns them.
      returned: always
      type: list
      elements: dict
      sample: []
    kustomizations:
      description: The Kustomizations with their events, as M(gitops.flux_local.flux_info) returns them.
      returned: always
      type: list
      elements: dict
      sample: []
    programs:
      description: The loop's processes, and Flux's Deployments where it runs in the cluster. Memory is in bytes, uptime in seconds.
      returned: always
      type: list
      elements: dict
      sample:
        - name: etcd
          kind: process
          version: 3.6.8
          state: running
          running: true
          pid: 9985
          memory: 54525952
          restarts: 0
          uptime: 240
          message: ""
    ports:
      description: The ports that the loop listens on, all on 127.0.0.1.
      returned: always
      type: list
      elements: dict
      sample:
        - name: registry
          port: 5001
    disk:
      description: What the loop's folders hold, and what their file system has left, in bytes. None where that cannot be read.
      returned: always
      type: dict
      sample:
        path: /home/me/.local/share/flux-local/flux-local
        used: 68157440
        free: 42949672960
        folders:
          - name: etcd
            size: 67108864
    certificates:
      description: The loop's certificates, the first to end first.
      returned: always
      type: list
      elements: dict
      sample:
        - name: ca
          path: /home/me/.local/share/flux-local/flux-local/pki/ca.crt
          not_after: "2027-11-24T18:27:09Z"
          days_left: 364
"""

import datetime

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.status import (
    ARGUMENTS,
    edge_of,
    gather,
)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, "cryptography", "kubernetes", "oras", "psutil", "supervisor")
    now = datetime.datetime.now(datetime.UTC)
    exit_with(
        module,
        lambda: {"changed": False, "status": gather(module.params, edge_of(module.params), now=now)},
    )


if __name__ == "__main__":
    main()
