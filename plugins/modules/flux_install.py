#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Flux in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_install
version_added: 0.1.0
short_description: Has Flux's source-controller and kustomize-controller run in a cluster
description:
  - Composes an installation of Flux as C(flux install) does, of the manifests that Flux's modules publish, and applies it by server-side apply
    with the field manager C(gitops.flux_local). One call applies everything, and waits until the resources are served and the controllers are
    available.
  - An installation that is as asked is not written. One that is older is upgraded in place, one that was changed by others is healed.
  - An installation that somebody else made (C(flux install), an operator, another loop) is recognised by its Deployments' label
    C(app.kubernetes.io/part-of=flux) in any namespace, and is used as it is, unless O(adopt=true).
  - Before anything is changed, all permissions are asked for that the call needs, and those that lack are named in one error.
author: The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.cluster
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.actiongroup_k8s
attributes:
  check_mode:
    support: full
    details:
      - The API server is asked for dry runs. What would be in a namespace that does not exist yet is predicted without it.
  diff_mode:
    support: full
    details:
      - Definitions of resources are shown by the versions they serve; the return value C(changes) has each of their fields that differs.
  idempotent:
    support: full
requirements:
  - kubernetes (Python library) >= 24.2
options:
  state:
    description:
      - V(present) has Flux running.
      - V(stopped) has the controllers of this installation scaled to 0. What is installed stays.
      - V(absent) removes this installation with its resources (CRDs), and all OCIRepositories and Kustomizations with these. What workloads
        brought into the cluster stays there, and so does the namespace, unless O(delete_workloads=true).
      - What somebody else installed is neither stopped nor removed.
    type: str
    choices: [present, stopped, absent]
    default: present
  name:
    description:
      - The loop that the installation belongs to, which its objects are annotated with. An installation of another loop is somebody else's.
    type: str
    default: flux-local
  namespace:
    description: The namespace of the controllers. It is made where it does not exist.
    type: str
    default: flux-system
  manifests:
    description:
      - The folders with the published manifests, by the names V(source-controller), V(kustomize-controller) and V(flux).
      - Those of a controller have the folders C(crds) and C(manager), which are C(config/crd/bases) and C(config/manager) of its module.
      - That of Flux has C(source-controller), C(kustomize-controller), C(rbac), C(policies) and C(install), from C(manifests) of its module.
      - Required if O(state=present).
    type: dict
    default: {}
  versions:
    description:
      - The versions of the manifests, without a leading v, by the same names as O(manifests).
      - Required if O(state=present).
    type: dict
    default: {}
  images:
    description:
      - The images of the controllers by their names, with a tag, a digest or both.
      - Without one, it is the tag of the version in O(versions) in O(image_registry).
    type: dict
    default: {}
  image_registry:
    description: Where the images are that O(images) does not name, as C(host[:port]/prefix).
    type: str
    default: ghcr.io/fluxcd
  image_pull_secrets:
    description: Names of the Secrets in O(namespace) with which the images are pulled.
    type: list
    elements: str
    default: []
  arguments:
    description:
      - Arguments of the controllers, a list by each one's name. One takes the place of the same published one.
    type: dict
    default: {}
  network_policies:
    description: Whether the network policies are installed that Flux publishes. They are not removed where they are.
    type: bool
    default: true
  adopt:
    description:
      - Whether an installation that somebody else made in O(namespace) is taken over. It belongs to this loop then.
      - Whatever else manages it has to be kept from changing it back.
    type: bool
    default: false
  allow_downgrade:
    description: Whether a newer version may be replaced.
    type: bool
    default: false
  delete_workloads:
    description:
      - With O(state=absent), whether all Kustomizations are deleted first, so that Flux prunes what they applied, and the namespace at last, if
        this loop made it.
    type: bool
    default: false
  timeout:
    description: How long to wait for the controllers to be available, or for what is deleted to be gone, in seconds.
    type: int
    default: 120
seealso:
  - module: gitops.flux_local.flux_info
"""

EXAMPLES = r"""
- name: Flux runs in the cluster
  gitops.flux_local.flux_install:
    context: kind-shop
    manifests:
      source-controller: /srv/flux/source-controller-1.9.5
      kustomize-controller: /srv/flux/kustomize-controller-1.9.5
      flux: /srv/flux/flux-2.9.5
    versions:
      source-controller: 1.9.5
      kustomize-controller: 1.9.5
      flux: 2.9.5
    arguments:
      kustomize-controller: [--requeue-dependency=500ms]

- name: Flux is gone, and what it applied stays
  gitops.flux_local.flux_install:
    context: kind-shop
    state: absent
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, a line for each object or field.
  returned: success
  type: list
  elements: str
  sample:
    - "Deployment flux-system/kustomize-controller: spec.replicas: 0 -> 1"
mode:
  description: V(deployments), or V(processes) where another loop runs Flux beside the cluster.
  returned: success
  type: str
  sample: deployments
owner:
  description: V(ours) where this loop installed Flux, V(foreign) where something else did, V(none) where there is no Flux.
  returned: success
  type: str
  sample: ours
namespace:
  description: The namespace of the installation.
  returned: success
  type: str
  sample: flux-system
version:
  description: The version of Flux by the labels of its Deployments.
  returned: success
  type: str
  sample: v2.9.5
versions:
  description: The versions of the controllers by the tags of their images. Empty for an image that has none.
  returned: success
  type: dict
  sample:
    kustomize-controller: 1.9.5
    source-controller: 1.9.5
missing_permissions:
  description: What the user may not do and would have to, a line for each kind of object.
  returned: when permissions are missing
  type: list
  elements: str
  sample:
    - get, create, patch customresourcedefinitions.apiextensions.k8s.io
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.module import on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.flux_install import run

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
    "name": {"type": "str", "default": "flux-local"},
    "namespace": {"type": "str", "default": "flux-system"},
    "manifests": {"type": "dict", "default": {}},
    "versions": {"type": "dict", "default": {}},
    "images": {"type": "dict", "default": {}},
    "image_registry": {"type": "str", "default": "ghcr.io/fluxcd"},
    "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "arguments": {"type": "dict", "default": {}},
    "network_policies": {"type": "bool", "default": True},
    "adopt": {"type": "bool", "default": False},
    "allow_downgrade": {"type": "bool", "default": False},
    "delete_workloads": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    module = AnsibleModule(argument_spec={**AUTH_ARG_SPEC, **ARGUMENTS}, supports_check_mode=True)
    require(module, "kubernetes", "yaml")
    exit_with(
        module,
        lambda: on_cluster(
            module,
            lambda cluster: run(
                cluster,
                module.params,
                check_mode=module.check_mode,
                with_diff=module._diff,
            ),
        ),
    )


if __name__ == "__main__":
    main()
