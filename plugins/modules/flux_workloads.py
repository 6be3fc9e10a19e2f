#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""The whole loop for many workloads in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_workloads
short_description: Pushes folders as artifacts, has Flux apply them, and proves it
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Each workload is a folder of manifests. It is packed and pushed as a Flux artifact, an OCIRepository and a Kustomization are applied
    for it, both are reconciled, and the module returns when the digest that was pushed is the revision that is applied and healthy.
  - All workloads are handled at once. Flux itself sees to their dependencies.
  - What is as it should be is left alone, nothing is pushed, applied or reconciled for it.
  - A workload fails as soon as Flux says that it failed, or that it waits for what has failed, is suspended or missing. The module says
    what has happened, where in the user's folder, and what to do. RV(receipts[].cause) has all that is known about it.
  - Of two runs at once on one machine, the second waits for the first where both have the same workload. A run that was interrupted at
    any point is completed by the next.
  - When something that Flux applied was deleted or edited in the cluster since, Flux is made to apply it again at once.
  - Everything that can be refused is refused before anything is pushed. A folder that is to be pushed is rendered first as
    kustomize-controller will render it.
extends_documentation_fragment:
  - gitops.flux_local.cluster
  - gitops.flux_local.attributes
  - gitops.flux_local.workloads
  - gitops.flux_local.attributes.actiongroup_k8s
attributes:
  check_mode:
    support: full
    details:
      - Folders are rendered as kustomize-controller renders them, and the API server is asked by dry runs what would become of every
        object. What differs is returned as RV(receipts[].changes) and shown by C(--diff).
      - When the registry does not run, or there is no kubeconfig or no Flux yet, everything is said to be made, since there is nothing to compare
        with.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - oras (Python library)
  - kubernetes (Python library)
options:
  only:
    description:
      - The names of the workloads of the list to bring about, or C(namespace/name). Without them, all are. V(all) is all, too.
      - The whole list is checked all the same. A name that is not in it is an error.
    type: list
    elements: str
    default: []
  registry:
    description:
      - The registry. The fact C(registry_endpoint) of the role registry can be given as it is.
      - Flux logs in and trusts as this module does. A name with its password, and certificates, are kept in two Secrets beside the
        OCIRepositories, which name them. They are called C(registry-), the registry's host, and C(-login) or C(-tls), and they go with the last
        workload that needs them. Their content is in no output.
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
  progress:
    description:
      - Whether lines about what happens are shown while the module waits, one when a workload is settled, and every few seconds one of
        each that takes longer. From verbosity C(-v) on there is one for each condition that changes, too.
      - They are shown where the task runs on the controller with Ansible's own Python, without C(become), C(async) and C(delegate_to).
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The shop runs as its folder says
  gitops.flux_local.flux_workloads:
    kubeconfig: /home/me/.local/share/flux-local/flux-local/kubeconfig
    registry:
      host: 127.0.0.1:5001
    flux: /home/me/.cache/flux-local/flux/2.9.5/linux-amd64/flux
    workloads:
      - name: shop
        path: ./shop

- name: A workload is removed, with everything that Flux applied for it
  gitops.flux_local.flux_workloads:
    kubeconfig: /home/me/.local/share/flux-local/flux-local/kubeconfig
    registry:
      host: 127.0.0.1:5001
    flux: /home/me/.cache/flux-local/flux/2.9.5/linux-amd64/flux
    workloads:
      - name: shop
        state: absent
"""

RETURN = r"""
receipts:
  description: One for each workload. They are returned on failure too.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: The workload's name.
      type: str
      sample: backend
    namespace:
      description: Where its Flux objects are.
      type: str
      sample: flux-system
    state:
      description: What was asked for, V(present) or V(absent).
      type: str
      sample: present
    changed:
      description: Whether anything was different.
      type: bool
      sample: true
    why:
      description: What was different, a sentence each.
      type: list
      elements: str
      sample: ["latest: content differs"]
    changes:
      description:
        - In check mode, what Flux would change in the cluster. In a run, what was other than Flux had applied it, and what it has
          changed back.
        - Values of Secrets are replaced by stand-ins, of which equal ones stand for equal values.
      type: list
      elements: dict
      contains:
        action:
          description:
            - V(created), V(changed), V(recreated) (deleted and created anew, with C(force)) or V(pruned).
            - V(refused) when the API server would not take the object. Check mode fails then, as a run would.
            - V(unknown) when it cannot be told, as for an object that is encrypted or that the user may not change.
          type: str
          sample: changed
        api_version:
          description: The version of the API that the manifest names.
          type: str
          sample: apps/v1
        kind:
          description: The object's kind.
          type: str
          sample: Deployment
        namespace:
          description: The object's namespace, if it has one.
          type: str
          sample: shop
        name:
          description: The object's name.
          type: str
          sample: backend
        fields:
          description: The fields that differ, with their values as JSON, or none where there is no such field.
          type: list
          elements: dict
          sample: [{field: spec.replicas, before: "2", after: "5"}]
        message:
          description: Why it is refused or unknown.
          type: str
          sample: ""
    url:
      description: The artifact's address.
      type: str
      sample: oci://127.0.0.1:5001/backend
    tag:
      description: The artifact's tag.
      type: str
      sample: latest
    pushed_digest:
      description: The digest of the manifest that the tag names. Empty in check mode when it would be a new one.
      type: str
      sample: sha256:0b1f5d3a1c5f9a5b6b8f7ce5cd8dc5a7e4fb11bbec6bb9b9e4ac4bf05d5dd2bb
    size:
      description: The size of the artifact's layer, in bytes.
      type: int
      sample: 912
    files:
      description: How many files it holds.
      type: int
      sample: 3
    taken_back:
      description:
        - With O(on_failure=rollback), the version that a workload was taken back to, by its C(digest), and whether that is C(proven) to be
          applied and healthy.
        - The digest is empty where no version was healthy before, or where the registry does not hold it any more.
      type: dict
      returned: when it was pushed, did not pass its health checks, and O(on_failure=rollback)
      sample:
        digest: sha256:9ded1825b791f0a7a21b0532d83660085ba0eba6cf7c50aa24901cde8601e0b3
        proven: true
    source_revision:
      description: The revision that the OCIRepository has fetched.
      type: str
      sample: latest@sha256:0b1f5d3a1c5f9a5b6b8f7ce5cd8dc5a7e4fb11bbec6bb9b9e4ac4bf05d5dd2bb
    applied_revision:
      description: The revision that the Kustomization has applied.
      type: str
      sample: latest@sha256:0b1f5d3a1c5f9a5b6b8f7ce5cd8dc5a7e4fb11bbec6bb9b9e4ac4bf05d5dd2bb
    ready:
      description: Whether what was pushed is what runs, and is healthy.
      type: bool
      sample: true
    verdict:
      description: V(ready), V(in_progress), V(failed), V(suspended), V(deleting) or V(absent).
      type: str
      sample: ready
    reason:
      description: Flux's reason.
      type: str
      sample: ReconciliationSucceeded
    message:
      description: Flux's own message.
      type: str
      sample: "Kustomization flux-system/backend: Applied revision: latest@sha256:0b1f5d3a"
    cause:
      description:
        - Why it is not ready, or V(owned_elsewhere) for one that is ready, and shares an object with others.
        - None when all is well.
      returned: always
      type: dict
      contains:
        kind:
          description:
            - What it is, in one word. Of a source V(registry_unreachable), V(registry_untrusted), V(authentication), V(artifact_missing),
              V(version_missing), V(unexpected_revision), V(signature), V(layer) and V(source). Of a build V(path_missing), V(build),
              V(substitution) and V(expression). Of an object that the API server refuses V(unknown_kind), V(invalid_field),
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
          sample: Service default/web in /home/me/shop/web.yaml:9
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
      description: How long each phase took, in seconds. Empty for a phase that was not reached.
      type: dict
      sample: {source: 0.104, apply: 0.187, health: 0.021}
    conditions:
      description: The conditions of the OCIRepository and the Kustomization.
      type: dict
      sample: {source: [], kustomization: []}
    events:
      description: The newest Kubernetes events of both among those that came while they were waited for.
      type: list
      elements: dict
      sample: []
    inventory:
      description: What Flux applied for the workload.
      type: list
      elements: dict
      sample: [{group: apps, kind: Deployment, name: backend, namespace: shop, version: v1}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.module import allow_kubeconfig
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import (
    exit_with,
    is_verbose,
    require,
    warn_with,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.task import (
    ARGUMENTS,
    LIBRARIES,
    Mode,
    workloads_task,
)


def main() -> None:
    """The module's entry."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *LIBRARIES)
    allow_kubeconfig(module)
    mode = Mode(
        check=module.check_mode,
        diff=module._diff,
        verbose=is_verbose(module),
    )
    show = getattr(module, "show", None)  # a module on another machine has nothing to show it with
    exit_with(module, lambda: workloads_task(module.params, mode, warn=warn_with(module), show=show))


if __name__ == "__main__":
    main()
