#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Takes a workload back to an earlier version."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_rollback
version_added: 0.1.0
short_description: Takes a workload back to an earlier version, and proves it
description:
  - The tag that a workload's OCIRepository follows is made to name an earlier version that the registry still holds. Source and Kustomization
    are reconciled, and the module returns when that version is applied and healthy.
  - Nothing is pushed. The version that is left stays in the registry, under its digest and its other tags.
  - The folder of the workload stays as it is, so that pushing it again brings back what was left.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.cluster
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.actiongroup_k8s
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the tag, and the files and resources that differ between the two versions.
  idempotent:
    support: partial
    details:
      - A version that O(to) names by tag or digest is gone back to once. V(previous) and V(last_healthy) mean another version the next time.
requirements:
  - kubernetes (Python library) >= 24.2
  - oras (Python library)
options:
  name:
    description: The workload's name, which is that of its Kustomization.
    type: str
    required: true
  namespace:
    description: Where its Flux objects are.
    type: str
    default: flux-system
  to:
    description:
      - The version, by a tag or by the digest of its manifest.
      - V(last_healthy) is the one that Flux applied last with all health checks passed, other than the one that the tag names now. The
        Kustomization's status tells it.
      - V(previous) is the next older one by the time of creation that the registry holds under a tag, that Flux's history names, or that
        O(storage_dir) has.
    type: str
    default: last_healthy
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
  storage_dir:
    description: The folder of a registry that runs here, in which versions without a tag are found, too.
    type: path
  timeout:
    description: How long to wait for the version to be proven, in seconds.
    type: float
    default: 120
seealso:
  - module: gitops.flux_local.oci_artifact_info
  - module: gitops.flux_local.oci_artifact_tag
"""

EXAMPLES = r"""
- name: The shop is what it was when it was healthy last
  gitops.flux_local.flux_rollback:
    kubeconfig: ~/.local/share/flux-local/flux-local/kubeconfig
    name: shop
    registry: "{{ registry_endpoint }}"

- name: The shop is at a certain version
  gitops.flux_local.flux_rollback:
    kubeconfig: ~/.local/share/flux-local/flux-local/kubeconfig
    name: shop
    to: 1.4.0
    registry:
      host: 127.0.0.1:5001
"""

RETURN = r"""
name:
  description: The workload's name.
  returned: success
  type: str
  sample: shop
url:
  description: The repository of its artifact.
  returned: success
  type: str
  sample: oci://127.0.0.1:5001/shop
tag:
  description: The tag that is followed, and that was moved.
  returned: success
  type: str
  sample: latest
from_digest:
  description: The version that the tag named before.
  returned: success
  type: str
  sample: sha256:d29f667da6361dd48a24f9f7ef4bd2a1b5bd6de95b5f9d4c4ad15ed0c2dcb2d0
to_digest:
  description: The version that it names now.
  returned: success
  type: str
  sample: sha256:9ded1825b791f0a7a21b0532d83660085ba0eba6cf7c50aa24901cde8601e0b3
receipt:
  description: The proof, as M(gitops.flux_local.flux_reconcile) returns it.
  returned: when not in check mode, also when the version is not proven
  type: dict
  sample:
    name: shop
    ready: true
    applied_revision: latest@sha256:9ded1825b791f0a7a21b0532d83660085ba0eba6cf7c50aa24901cde8601e0b3
kubeconfig_used:
  description: The kubeconfig and its context that were used, or the address of the API server.
  returned: from verbosity C(-v) on
  type: str
  sample: /home/me/.local/share/flux-local/flux-local/kubeconfig#flux-local
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.module import on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rollback import (
    SPEC,
    connector,
    run,
)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    require(module, "kubernetes", "oras")
    exit_with(
        module,
        lambda: on_cluster(
            module,
            lambda cluster: run(
                module.params,
                cluster=cluster,
                connect=connector(module.params),
                check_mode=module.check_mode,
                with_diff=module._diff,
            ),
        ),
    )


if __name__ == "__main__":
    main()
