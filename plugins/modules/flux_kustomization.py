#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""A Kustomization of Flux."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_kustomization
version_added: 0.1.0
short_description: Makes a Kustomization of Flux present or absent
description:
  - A Kustomization tells Flux which source to apply to the cluster, from which folder of it, and how.
  - The object is brought to what is asked for by server-side apply with the field manager C(gitops.flux_local). Options that are not given
    are not touched, and fields that others own are left alone. An option that was given before and is not given any more is removed.
  - An object that is as asked costs one request, and is not written.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.cluster
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.actiongroup_k8s
attributes:
  check_mode:
    support: full
    details:
      - The API server is asked for a dry run, which validates all fields.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - kubernetes (Python library) >= 24.2
options:
  name:
    description: The name of the Kustomization, of at most 63 characters, because Flux writes it into a label of everything it applies.
    type: str
    required: true
  namespace:
    description: The namespace of the Kustomization. It must exist.
    type: str
    default: flux-system
  state:
    description:
      - V(present) has the object as the options describe it.
      - V(absent) has no such object. What it applied is pruned by Flux, as O(prune) and O(deletion_policy) said.
    type: str
    choices: [present, absent]
    default: present
  source_ref:
    description:
      - The source of what is applied.
      - Required if O(state=present).
    type: dict
    suboptions:
      api_version:
        description: The API version of the source.
        type: str
      kind:
        description: The kind of the source.
        type: str
        choices: [OCIRepository, GitRepository, Bucket, ExternalArtifact]
        default: OCIRepository
      name:
        description: The name of the source.
        type: str
        required: true
      namespace:
        description: The namespace of the source. By default it is that of the Kustomization.
        type: str
  path:
    description: The folder inside the source. By default it is the uppermost.
    type: str
  interval:
    description: How often Flux applies everything again, for example V(1m30s).
    type: str
    default: 10m
  retry_interval:
    description: How long Flux waits after a failure. By default it is O(interval).
    type: str
  timeout:
    description: How long Flux tries to build, apply and see healthy. By default it is O(interval).
    type: str
  prune:
    description: Whether Flux deletes what is no longer in the source.
    type: bool
    default: true
  deletion_policy:
    description: What becomes of everything that was applied when the Kustomization is deleted. By default O(prune) decides, which is V(MirrorPrune).
    type: str
    choices: [MirrorPrune, Delete, WaitForTermination, Orphan]
  wait_for_health:
    description: Whether everything that was applied must be healthy before Flux calls the Kustomization ready. This is Flux's field C(wait).
    type: bool
  force:
    description: Whether Flux recreates what cannot be changed because of an immutable field.
    type: bool
  suspend:
    description: Whether Flux leaves the object alone. Not given, it is left as it is.
    type: bool
  target_namespace:
    description: The namespace that everything is applied to, whatever the source says.
    type: str
  name_prefix:
    description: What is put before the names of everything that is applied.
    type: str
  name_suffix:
    description: What is put after the names of everything that is applied.
    type: str
  service_account_name:
    description: The service account that Flux impersonates when it applies.
    type: str
  depends_on:
    description: Kustomizations that must be ready before this one is applied.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the Kustomization.
        type: str
        required: true
      namespace:
        description: The namespace of the Kustomization. By default it is that of this one.
        type: str
      ready_expr:
        description: An expression in CEL over C(self) and C(dep) that says when the dependency is ready.
        type: str
  health_checks:
    description: Objects that must be healthy before Flux calls the Kustomization ready.
    type: list
    elements: dict
    suboptions:
      api_version:
        description: The API version of the object.
        type: str
      kind:
        description: The kind of the object.
        type: str
        required: true
      name:
        description: The name of the object.
        type: str
        required: true
      namespace:
        description: The namespace of the object.
        type: str
  health_check_exprs:
    description: How the health of custom resources is told, in CEL.
    type: list
    elements: dict
    suboptions:
      api_version:
        description: The API version of the objects.
        type: str
        required: true
      kind:
        description: The kind of the objects.
        type: str
      current:
        description: The expression that is true of a healthy object.
        type: str
        required: true
      in_progress:
        description: The expression that is true of an object that is not there yet.
        type: str
      failed:
        description: The expression that is true of a failed object.
        type: str
  patches:
    description: Patches of what is applied.
    type: list
    elements: dict
    suboptions:
      patch:
        description: The patch, a strategic merge patch or a JSON patch in YAML.
        type: str
        required: true
      target:
        description: The objects it is for. All by default, for a strategic merge patch the one it names.
        type: dict
        suboptions:
          group:
            description: The API group of the objects.
            type: str
          version:
            description: The API version of the objects.
            type: str
          kind:
            description: The kind of the objects.
            type: str
          name:
            description: The name of the objects, as a regular expression.
            type: str
          namespace:
            description: The namespace of the objects, as a regular expression.
            type: str
          label_selector:
            description: The labels of the objects.
            type: str
          annotation_selector:
            description: The annotations of the objects.
            type: str
  images:
    description: Other names, tags or digests for container images.
    type: list
    elements: dict
    suboptions:
      name:
        description: The image as the source names it, without a tag.
        type: str
        required: true
      new_name:
        description: The name to use instead.
        type: str
      new_tag:
        description: The tag to use.
        type: str
      digest:
        description: The digest to use. It wins over O(images[].new_tag).
        type: str
  components:
    description: Folders of kustomize components, relative to O(path).
    type: list
    elements: str
  ignore_missing_components:
    description: Whether components that do not exist are passed over.
    type: bool
  ignore:
    description: Fields of applied objects in which Flux accepts drift.
    type: list
    elements: dict
    suboptions:
      paths:
        description: The fields, as JSON pointers.
        type: list
        elements: str
        required: true
      target:
        description: The objects. All by default.
        type: dict
        suboptions:
          group:
            description: The API group of the objects.
            type: str
          version:
            description: The API version of the objects.
            type: str
          kind:
            description: The kind of the objects.
            type: str
          name:
            description: The name of the objects, as a regular expression.
            type: str
          namespace:
            description: The namespace of the objects, as a regular expression.
            type: str
          label_selector:
            description: The labels of the objects.
            type: str
          annotation_selector:
            description: The annotations of the objects.
            type: str
  build_metadata:
    description: What kustomize notes in annotations of everything it builds.
    type: list
    elements: str
    choices: [originAnnotations, transformerAnnotations]
  common_metadata:
    description: Metadata of everything that is applied.
    type: dict
    suboptions:
      labels:
        description: Labels that are set on everything.
        type: dict
      annotations:
        description: Annotations that are set on everything.
        type: dict
  post_build:
    description: What is done to the built manifests before they are applied.
    type: dict
    suboptions:
      substitute:
        description: Values of C(${variables}) in the manifests.
        type: dict
      substitute_from:
        description: Secrets and ConfigMaps whose entries are values of variables.
        type: list
        elements: dict
        suboptions:
          kind:
            description: The kind of the object.
            type: str
            required: true
            choices: [Secret, ConfigMap]
          name:
            description: The name of the object, in the same namespace.
            type: str
            required: true
          optional:
            description: Whether the object may be missing.
            type: bool
      substitute_strategy:
        description: Whether variables are replaced always, or only if there are any values.
        type: str
        choices: [WithVariables, Always]
  decryption:
    description: How encrypted Secrets in the source are decrypted.
    type: dict
    suboptions:
      provider:
        description: The tool that encrypted them.
        type: str
        choices: [sops]
        default: sops
      secret_ref:
        description: The Secret with the keys.
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
      service_account_name:
        description: The service account whose identity in the cloud is used for decryption.
        type: str
  kube_config:
    description: The cluster that Flux applies to. By default it is its own. This is not the O(kubeconfig) that this module uses.
    type: dict
    suboptions:
      secret_ref:
        description: The Secret with a kubeconfig.
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
          key:
            description: The entry of the Secret. By default it is C(value) or C(value.yaml).
            type: str
      config_map_ref:
        description: The ConfigMap with the access to a cluster by a cloud's identity.
        type: dict
        suboptions:
          name:
            description: The name of the ConfigMap, in the same namespace.
            type: str
            required: true
  labels:
    description: Labels of the Kustomization itself. Those that others set are left alone.
    type: dict
  annotations:
    description: Annotations of the Kustomization itself. Those that others set are left alone.
    type: dict
  wait:
    description:
      - Whether to wait until Flux has reconciled the Kustomization as it is now, or, with O(state=absent), until it is gone and everything
        is pruned.
      - The wait ends with an error as soon as Flux says that it failed. Nothing is awaited of a suspended object.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
  force_conflicts:
    description: Whether to take over fields that another field manager owns and set to another value. It is an error otherwise.
    type: bool
    default: false
seealso:
  - module: gitops.flux_local.flux_source
  - module: gitops.flux_local.flux_reconcile
  - name: Kustomization
    description: Flux's own description of every field.
    link: https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

EXAMPLES = r"""
- name: Flux applies a folder of an artifact, and its Deployments become healthy
  gitops.flux_local.flux_kustomization:
    kubeconfig: ~/.local/share/flux-local/flux-local/kubeconfig
    name: shop
    source_ref:
      name: shop
    path: ./overlays/local
    wait_for_health: true
    timeout: 2m
    wait: true

- name: The frontend comes after the shop, with values of its own
  gitops.flux_local.flux_kustomization:
    name: frontend
    source_ref:
      name: frontend
    depends_on:
      - name: shop
    post_build:
      substitute:
        greeting: Hello
      substitute_from:
        - kind: ConfigMap
          name: settings
          optional: true
    patches:
      - patch: |
          - op: replace
            path: /spec/replicas
            value: 2
        target:
          kind: Deployment

- name: What was the shop is pruned
  gitops.flux_local.flux_kustomization:
    name: shop
    state: absent
    wait: true
"""

RETURN = r"""
changes:
  description: What was different, a line for each field. A field that was taken over from another field manager unchanged counts.
  returned: success
  type: list
  elements: str
  sample:
    - "spec.path: (none) -> './overlays/local'"
resource:
  description: The Kustomization as Flux sees it, or, in check mode, as the API server would have it. None if it is absent.
  returned: success, and on failure of the wait
  type: dict
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
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.resource import (
    resource_spec,
    run_resource,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=resource_spec(KUSTOMIZATION),
        required_if=[("state", "present", ["source_ref"])],
        supports_check_mode=True,
    )
    require(module, "kubernetes")

    def run(cluster: Cluster) -> dict[str, Any]:
        return run_resource(
            cluster, KUSTOMIZATION, module.params, check_mode=module.check_mode, with_diff=module._diff
        )

    exit_with(module, lambda: on_cluster(module, run))


if __name__ == "__main__":
    main()
