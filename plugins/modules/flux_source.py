#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""An OCIRepository of Flux."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_source
version_added: 0.1.0
short_description: Makes an OCIRepository of Flux present or absent
description:
  - An OCIRepository tells Flux where an artifact is, which of its versions to take, and how often to look for a newer one.
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
    description: The name of the OCIRepository.
    type: str
    required: true
  namespace:
    description: The namespace of the OCIRepository. It must exist.
    type: str
    default: flux-system
  state:
    description:
      - V(present) has the object as the options describe it.
      - V(absent) has no such object.
    type: str
    choices: [present, absent]
    default: present
  url:
    description:
      - The artifact, as C(oci://host[:port]/repository), without tag or digest. The host is the one that Flux reaches.
      - Required if O(state=present).
    type: str
  tag:
    description: The tag to follow. Flux follows V(latest) when neither O(tag), O(semver) nor O(digest) is given.
    type: str
  digest:
    description: The digest to take, which Flux prefers to O(semver) and O(tag).
    type: str
  semver:
    description: The range of semantic versions of which the newest is taken. Flux prefers it to O(tag).
    type: str
  semver_filter:
    description: A regular expression of Go that tags must match before O(semver) is looked at.
    type: str
  interval:
    description: How often Flux looks for a newer version, for example V(1m30s).
    type: str
    default: 10m
  timeout:
    description: How long one look into the registry may take, for example V(30s). Flux knows V(ms), V(s) and V(m) here, and takes V(60s) by itself.
    type: str
  layer_selector:
    description: Which layer of the artifact is taken, and how. By default it is the first one, extracted.
    type: dict
    suboptions:
      media_type:
        description: The first layer of this media type is taken.
        type: str
      operation:
        description: Whether the layer is extracted from its archive, or copied as it is.
        type: str
        choices: [extract, copy]
  provider:
    description: The cloud whose credentials Flux uses. It takes V(generic) by itself.
    type: str
    choices: [generic, aws, azure, gcp]
  secret_ref:
    description: The Secret of type C(kubernetes.io/dockerconfigjson) with the credentials of the registry.
    type: dict
    suboptions:
      name:
        description: The name of the Secret, in the same namespace.
        type: str
        required: true
  cert_secret_ref:
    description: The Secret with a client certificate (C(tls.crt), C(tls.key)), a certificate authority (C(ca.crt)), or both.
    type: dict
    suboptions:
      name:
        description: The name of the Secret, in the same namespace.
        type: str
        required: true
  proxy_secret_ref:
    description: The Secret with the proxy's C(address), C(username) and C(password).
    type: dict
    suboptions:
      name:
        description: The name of the Secret, in the same namespace.
        type: str
        required: true
  service_account_name:
    description: The service account whose image pull secrets, or whose identity in the cloud, Flux uses.
    type: str
  verify:
    description: How the signature of the artifact is verified.
    type: dict
    suboptions:
      provider:
        description: The tool that signed it.
        type: str
        choices: [cosign, notation]
        default: cosign
      secret_ref:
        description: The Secret with the trusted public keys.
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
      trusted_root_secret_ref:
        description: The Secret with a Sigstore C(trusted_root.json) of one's own.
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
      match_oidc_identity:
        description: The identities of which one must have signed it without a key.
        type: list
        elements: dict
        suboptions:
          issuer:
            description: A regular expression of Go for the issuer.
            type: str
            required: true
          subject:
            description: A regular expression of Go for the subject.
            type: str
            required: true
  ignore:
    description: What is left out of the artifact, in the syntax of C(.gitignore). It replaces the rules that Flux has by default.
    type: str
  insecure:
    description: Whether plain HTTP is allowed. Loopback and private addresses need no permission.
    type: bool
  suspend:
    description: Whether Flux leaves the object alone. Not given, it is left as it is.
    type: bool
  labels:
    description: Labels of the object. Those that others set are left alone.
    type: dict
  annotations:
    description: Annotations of the object. Those that others set are left alone.
    type: dict
  wait:
    description:
      - Whether to wait until Flux has fetched the artifact, or, with O(state=absent), until the object is gone.
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
  - module: gitops.flux_local.flux_kustomization
  - module: gitops.flux_local.flux_reconcile
  - name: OCIRepository
    description: Flux's own description of every field.
    link: https://fluxcd.io/flux/components/source/ocirepositories/
"""

EXAMPLES = r"""
- name: Flux follows the tag latest of an artifact
  gitops.flux_local.flux_source:
    kubeconfig: ~/.local/share/flux-local/flux-local/kubeconfig
    name: shop
    url: oci://127.0.0.1:5050/shop
    tag: latest
    interval: 1m
    wait: true

- name: Only signed releases of a remote registry are taken
  gitops.flux_local.flux_source:
    name: podinfo
    namespace: podinfo
    url: oci://ghcr.io/stefanprodan/manifests/podinfo
    semver: ">= 6.0.0"
    verify:
      provider: cosign
      match_oidc_identity:
        - issuer: ^https://token\.actions\.githubusercontent\.com$
          subject: ^https://github\.com/stefanprodan/podinfo.*$

- name: Flux leaves the source alone for a while
  gitops.flux_local.flux_source:
    name: shop
    url: oci://127.0.0.1:5050/shop
    tag: latest
    suspend: true

- name: No source
  gitops.flux_local.flux_source:
    name: shop
    state: absent
"""

RETURN = r"""
changes:
  description: What was different, a line for each field. A field that was taken over from another field manager unchanged counts.
  returned: success
  type: list
  elements: str
  sample:
    - "spec.ref.tag: 'latest' -> '1.0.0'"
resource:
  description: The OCIRepository as Flux sees it, or, in check mode, as the API server would have it. None if it is absent.
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
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.resource import (
    resource_spec,
    run_resource,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=resource_spec(OCI_REPOSITORY),
        required_if=[("state", "present", ["url"])],
        supports_check_mode=True,
    )
    require(module, "kubernetes")

    def run(cluster: Cluster) -> dict[str, Any]:
        return run_resource(
            cluster, OCI_REPOSITORY, module.params, check_mode=module.check_mode, with_diff=module._diff
        )

    exit_with(module, lambda: on_cluster(module, run))


if __name__ == "__main__":
    main()
