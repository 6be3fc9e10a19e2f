#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ask Flux to reconcile a Kustomization, and prove that it did."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_reconcile
version_added: 0.1.0
short_description: Has Flux reconcile a Kustomization, and proves what was applied
description:
  - Asks Flux to fetch the source of a Kustomization and to apply it, waits for both by watching them, and returns a receipt.
  - With O(expected_digest), success means that the digest that was pushed, the revision of the source and the revision that was applied are
    one and the same, and that all health checks passed. Where that is so already, nothing is asked for and nothing has changed.
  - Without O(expected_digest), Flux is always asked, and success means that it applied whatever the source held after that.
  - The module fails as soon as Flux says that it failed, and does not wait for the time-out. It says what has happened, where, and what to
    do. RV(receipt.cause) has all that is known about it.
  - A dependency that is not ready yet is no failure; one that is missing, suspended or has failed is.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.cluster
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.actiongroup_k8s
attributes:
  check_mode:
    support: full
    details:
      - Tells whether Flux would be asked, and returns the receipt of what is there now.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - Only with O(expected_digest) is it known that there is nothing to do.
requirements:
  - kubernetes (Python library) >= 24.2
options:
  name:
    description: The name of the Kustomization.
    type: str
    required: true
  namespace:
    description: The namespace of the Kustomization.
    type: str
    default: flux-system
  expected_digest:
    description: The digest of the artifact that was pushed, as M(gitops.flux_local.oci_artifact_push) returns it.
    type: str
  timeout:
    description: How long to wait, in seconds.
    type: float
    default: 120
seealso:
  - module: gitops.flux_local.oci_artifact_push
  - module: gitops.flux_local.flux_info
"""

EXAMPLES = r"""
- name: A folder is pushed
  gitops.flux_local.oci_artifact_push:
    path: shop
    url: oci://127.0.0.1:5050/shop
    tags: [latest]
  register: pushed

- name: It is applied and healthy
  gitops.flux_local.flux_reconcile:
    name: shop
    expected_digest: "{{ pushed.digest }}"
    timeout: 60
  register: reconciled

- name: The proof
  ansible.builtin.debug:
    msg: "{{ reconciled.receipt.applied_revision }} after {{ reconciled.receipt.phases.values() | sum }} s"

- name: Flux tries again what failed
  gitops.flux_local.flux_reconcile:
    name: shop
"""

RETURN = r"""
receipt:
  description: What is proven, and what Flux says of it.
  returned: always, unless an option was wrong or the cluster could not be used
  type: dict
  contains:
    name:
      description: The name of the Kustomization.
      returned: always
      type: str
      sample: shop
    namespace:
      description: The namespace of the Kustomization.
      returned: always
      type: str
      sample: flux-system
    pushed_digest:
      description: The digest that was expected, none if O(expected_digest) was not given.
      returned: always
      type: str
      sample: sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    source_revision:
      description: The revision that the source has fetched, none before there is any.
      returned: always
      type: str
      sample: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    applied_revision:
      description: The revision that was applied last with success, none before there is any.
      returned: always
      type: str
      sample: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0
    ready:
      description: Whether everything is proven.
      returned: always
      type: bool
      sample: true
    state:
      description: One of V(ready), V(in_progress), V(failed), V(suspended) and V(deleting).
      returned: always
      type: str
      sample: ready
    reason:
      description: The word for the state, Flux's own where it has one.
      returned: always
      type: str
      sample: ReconciliationSucceeded
    message:
      description: The sentence for the state, with the object that it is about.
      returned: always
      type: str
      sample: "Kustomization flux-system/shop: Applied revision: latest@sha256:d92b66dcd899560cbc485faad16db60ae8a2d0035e4ea955e2a7db7bbc38b6b0"
    cause:
      description:
        - Why it is not ready.
        - None when it is ready.
      returned: always
      type: dict
      contains:
        kind:
          description:
            - What it is, in one word. Of a source V(registry_unreachable), V(registry_untrusted), V(authentication), V(artifact_missing),
              V(version_missing), V(unexpected_revision), V(signature), V(layer) and V(source). Of a build V(path_missing), V(build),
              V(substitution), V(decryption) and V(expression). Of an object that the API server refuses V(unknown_kind), V(invalid_field),
              V(immutable_field), V(admission), V(quota), V(forbidden), V(namespace_missing), V(namespace_terminating),
              V(owned_elsewhere) and V(refused). Of how things stand V(dependency), V(unhealthy), V(controller), V(suspended),
              V(deleting), V(not_found), V(time_out) and V(connection). V(other) is all the rest.
          returned: always
          type: str
          sample: invalid_field
        place:
          description: Where it is, an object or a file, with the line where that is known.
          returned: always
          type: str
          sample: Service default/web
        text:
          description: What has happened.
          returned: always
          type: str
          sample: "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive."
        remedy:
          description: What to do.
          returned: always
          type: str
          sample: Correct this field.
        details:
          description:
            - All that is known about it, by kind. C(object) and C(fields) of what the API server refuses. C(chain) of a dependency, down to
              the first that has failed, and the C(first_cause) there. C(objects) of what is not healthy, each with what it C(lacks), its
              C(conditions), its C(pods) with reason, exit code and the last lines of their log, and the newest C(events) that warn.
          returned: always
          type: dict
          sample: {"object": {"kind": Service, "namespace": default, "name": web}, "fields": ["spec.ports[0].port"]}
    phases:
      description:
        - How many seconds passed until the source had fetched the revision, from then until everything was applied, and from then until
          everything was healthy. A phase that was not reached is none.
      returned: always
      type: dict
      sample:
        source: 0.082
        apply: 0.119
        health: 0.014
    conditions:
      description: The conditions of the source and of the Kustomization.
      returned: always
      type: dict
      contains:
        source:
          description: The conditions of the source.
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
        kustomization:
          description: The conditions of the Kustomization.
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
    events:
      description: The newest ten events about the source, then those about the Kustomization, each with the latest last.
      returned: always
      type: list
      elements: dict
      sample:
        - type: Normal
          reason: Progressing
          message: ConfigMap/apps/shop configured
          count: 1
          last_seen: "2026-11-24T15:36:05Z"
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
kubeconfig_used:
  description: The kubeconfig and its context that were used, or the address of the API server.
  returned: from verbosity C(-v) on
  type: str
  sample: /home/me/.local/share/flux-local/flux-local/kubeconfig#flux-local
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.module import on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile_module import (
    RECONCILE_SPEC,
    run_reconcile,
)


def main() -> None:
    module = AnsibleModule(argument_spec=RECONCILE_SPEC, supports_check_mode=True)
    require(module, "kubernetes")

    def run(cluster: Cluster) -> dict[str, Any]:
        return run_reconcile(cluster, module.params, check_mode=module.check_mode)

    exit_with(module, lambda: on_cluster(module, run))


if __name__ == "__main__":
    main()
