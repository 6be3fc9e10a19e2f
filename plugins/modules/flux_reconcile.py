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
  - The module fails as soon as Flux says that it failed, with Flux's own message, and does not wait for the time-out. A dependency that is
    not ready yet is no failure.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
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
  - kubernetes (Python library) >= 37
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
@RETURN@
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils.flux_reconcile import (
    RECONCILE_SPEC,
    run_reconcile,
)
from ansible_collections.gitops.flux_local.plugins.module_utils.kubernetes_client import Cluster, on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils.module import exit_with, require


def main() -> None:
    module = AnsibleModule(argument_spec=RECONCILE_SPEC, supports_check_mode=True)
    require(module, "kubernetes")

    def run(cluster: Cluster) -> dict[str, Any]:
        return run_reconcile(cluster, module.params, check_mode=module.check_mode)

    exit_with(module, lambda: on_cluster(module, run))


if __name__ == "__main__":
    main()
