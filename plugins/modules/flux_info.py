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
  - gitops.flux_local.cluster
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.actiongroup_k8s
  - gitops.flux_local.attributes.info_module
requirements:
  - kubernetes (Python library) >= 24.2
options:
  name:
    description: Only objects of this name are returned.
    type: str
  namespace:
    description: Only objects of this namespace are returned. By default those of all namespaces are.
    type: str
  events:
    description: Whether the newest events about each object are returned, too. This costs two more requests.
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
sources:
  description: The OCIRepositories.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the object.
      returned: always
      type: str
      sample: shop
    namespace:
      description: The namespace of the object.
      returned: always
      type: str
      sample: flux-system
    labels:
      description: The labels of the object.
      returned: always
      type: dict
      sample: {}
    generation:
      description: The generation of the object, which counts the changes of what is asked for.
      returned: always
      type: int
      sample: 8
    created:
      description: When the object was created.
      returned: always
      type: str
      sample: "2026-11-24T15:23:02Z"
    ready:
      description: Whether Flux has reconciled the object as it is now, with success.
      returned: always
      type: bool
      sample: true
    suspended:
      description: Whether Flux leaves the object alone.
      returned: always
      type: bool
      sample: false
    state:
      description: One of V(ready), V(in_progress), V(failed), V(suspended) and V(deleting).
      returned: always
      type: str
      sample: ready
    reason:
      description: Flux's word for the state.
      returned: always
      type: str
      sample: Succeeded
    message:
      description: Flux's sentence for the state.
      returned: always
      type: str
      sample: "stored artifact for digest 'latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0'"
    conditions:
      description: The conditions of the object.
      returned: always
      type: list
      elements: dict
      sample:
        - type: Ready
          status: "True"
          reason: Succeeded
          message: "stored artifact for digest 'latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0'"
          observed_generation: 8
          last_transition_time: "2026-11-24T15:36:05Z"
    url:
      description: The artifact that is followed.
      returned: always
      type: str
      sample: oci://127.0.0.1:5050/shop
    ref:
      description: The tag, semver, semverFilter and digest that are followed, as Flux names them.
      returned: always
      type: dict
      sample:
        tag: latest
    revision:
      description: The revision that Flux has fetched, none before it has any.
      returned: always
      type: str
      sample: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    artifact:
      description: What Flux made of the artifact and hands to its other controllers, none before there is any. Its digest is not that of the OCI manifest.
      returned: always
      type: dict
      sample:
        digest: sha256:4b679e5eacb1e29c0fc865d6d248c426eb6337217d0dbabdb11f833e2b7a96f9
        size: 255
        last_update_time: "2026-11-24T15:36:05Z"
        metadata:
          org.opencontainers.image.created: "2026-11-24T15:36:01Z"
          org.opencontainers.image.revision: main@sha1:4f1c2d9
          org.opencontainers.image.source: file:///home/me/project
    changed_with:
      description:
        - The programs with which somebody has changed by hand what the object asks for, such as C(kubectl-edit) or C(flux).
        - They are told by the object's managed fields.
      returned: always
      type: list
      elements: str
      sample: []
    events:
      description: The newest ten events about the object, the latest last.
      returned: if O(events=true)
      type: list
      elements: dict
      sample:
        - type: Normal
          reason: ArtifactUpToDate
          message: "artifact up-to-date with remote revision: 'latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0'"
          count: 1
          last_seen: "2026-11-24T15:36:05Z"
kustomizations:
  description: The Kustomizations.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the object.
      returned: always
      type: str
      sample: shop
    namespace:
      description: The namespace of the object.
      returned: always
      type: str
      sample: flux-system
    labels:
      description: The labels of the object.
      returned: always
      type: dict
      sample: {}
    generation:
      description: The generation of the object, which counts the changes of what is asked for.
      returned: always
      type: int
      sample: 1
    created:
      description: When the object was created.
      returned: always
      type: str
      sample: "2026-11-24T15:23:02Z"
    ready:
      description: Whether Flux has reconciled the object as it is now, with success.
      returned: always
      type: bool
      sample: true
    suspended:
      description: Whether Flux leaves the object alone.
      returned: always
      type: bool
      sample: false
    state:
      description: One of V(ready), V(in_progress), V(failed), V(suspended) and V(deleting).
      returned: always
      type: str
      sample: ready
    reason:
      description: Flux's word for the state.
      returned: always
      type: str
      sample: ReconciliationSucceeded
    message:
      description: Flux's sentence for the state.
      returned: always
      type: str
      sample: "Applied revision: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0"
    conditions:
      description: The conditions of the object.
      returned: always
      type: list
      elements: dict
      sample:
        - type: Ready
          status: "True"
          reason: ReconciliationSucceeded
          message: "Applied revision: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0"
          observed_generation: 1
          last_transition_time: "2026-11-24T15:36:05Z"
    source:
      description: The source of what is applied.
      returned: always
      type: dict
      sample:
        kind: OCIRepository
        namespace: flux-system
        name: shop
    path:
      description: The folder inside the source.
      returned: always
      type: str
      sample: ""
    depends_on:
      description: The Kustomizations that must be ready before this one is applied.
      returned: always
      type: list
      elements: dict
      sample: []
    applied_revision:
      description: The revision of the source that was applied last with success, none before there is any.
      returned: always
      type: str
      sample: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    applied_origin_revision:
      description: The revision of the code that was applied, as the artifact's annotations tell.
      returned: always
      type: str
      sample: main@sha1:4f1c2d9
    attempted_revision:
      description: The revision of the source that Flux tried last.
      returned: always
      type: str
      sample: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    inventory:
      description: Everything that is applied. Namespace and group are empty for what has none.
      returned: always
      type: list
      elements: dict
      sample:
        - kind: ClusterRole
          namespace: ""
          name: "shop:reader"
          group: rbac.authorization.k8s.io
          version: v1
        - kind: ConfigMap
          namespace: apps
          name: shop
          group: ""
          version: v1
    history:
      description: What was applied last, the newest first, by the digest of what was built.
      returned: always
      type: list
      elements: dict
      sample:
        - digest: sha256:af3643b2404e7f40e5abd1e5d6ababf843c6980521fc712c940010c3c4f14754
          status: ReconciliationSucceeded
          duration: 126.833256ms
          first_reconciled: "2026-11-24T15:36:05Z"
          last_reconciled: "2026-11-24T15:36:05Z"
          reconciliations: 1
          metadata:
            originRevision: main@sha1:4f1c2d9
            revision: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    changed_with:
      description:
        - The programs with which somebody has changed by hand what the object asks for, such as C(kubectl-edit) or C(flux).
        - They are told by the object's managed fields.
      returned: always
      type: list
      elements: str
      sample: []
    events:
      description: The newest ten events about the object, the latest last.
      returned: if O(events=true)
      type: list
      elements: dict
      sample:
        - type: Normal
          reason: ReconciliationSucceeded
          message: "Reconciliation finished in 132.43762ms, next run in 10m0s"
          count: 1
          last_seen: "2026-11-24T15:36:05Z"
kubeconfig_used:
  description: The kubeconfig and its context that were used, or the address of the API server.
  returned: from verbosity C(-v) on
  type: str
  sample: /home/me/.local/share/flux-local/flux-local/kubeconfig#flux-local
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.module import on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.info import INFO_SPEC, run_info


def main() -> None:
    module = AnsibleModule(argument_spec=INFO_SPEC, supports_check_mode=True)
    require(module, "kubernetes")
    exit_with(module, lambda: on_cluster(module, lambda cluster: run_info(cluster, module.params)))


if __name__ == "__main__":
    main()
