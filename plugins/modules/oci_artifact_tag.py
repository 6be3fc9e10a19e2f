#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: the tags of an OCI artifact."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_tag
version_added: 0.1.0
short_description: Adds, moves and removes tags of an OCI artifact
description:
  - Makes tags name a version that is in the repository already, without fetching or pushing its content.
  - Or removes tags. What they named stays, under its digest and its other tags.
  - Works on anything a registry holds, artifacts, images and indexes.
author:
  - The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.registry
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  tags:
    description:
      - The tags to set, or to remove when O(state=absent).
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) makes O(tags) name the version that O(tag), O(digest) or O(semver) says, wherever they pointed before.
      - V(absent) removes O(tags). Where the registry cannot remove a tag but a manifest, the tag is first given a manifest of its own.
    type: str
    choices: [present, absent]
    default: present
  tag:
    description:
      - The version under this tag gets the O(tags).
    type: str
  digest:
    description:
      - The version with this digest of its manifest, C(sha256:) and 64 hexadecimal digits, gets the O(tags).
    type: str
  semver:
    description:
      - The highest version in this range, as Flux chooses it, gets the O(tags).
    type: str
  semver_filter:
    description:
      - A regular expression that tags have to match before O(semver) is applied.
    type: str
  immutable:
    description:
      - Whether to fail instead of moving a tag that names something else.
    type: bool
    default: false
notes:
  - Some registries remove what has lost its last tag, at once or later.
seealso:
  - module: gitops.flux_local.oci_artifact_info
  - module: gitops.flux_local.oci_artifact_prune
"""

EXAMPLES = r"""
- name: What was tested becomes stable
  gitops.flux_local.oci_artifact_tag:
    url: oci://localhost:5050/shop
    tag: 1.4.0
    tags: [stable]

- name: The stable version follows the newest release of version 1
  gitops.flux_local.oci_artifact_tag:
    url: oci://localhost:5050/shop
    semver: 1.x
    tags: [stable]

- name: A release is never moved
  gitops.flux_local.oci_artifact_tag:
    url: oci://localhost:5050/shop
    digest: sha256:3c93650ae5c0601d7fdf50cba323943071744a997dab43e0649620ed067f7ec4
    tags: [1.4.0]
    immutable: true

- name: The branch is gone, and its tag too
  gitops.flux_local.oci_artifact_tag:
    url: oci://localhost:5050/shop
    tags: [feature-basket]
    state: absent
"""

RETURN = r"""
digest:
  description: The digest that the tags name, V(null) when they are removed.
  type: str
  returned: success
  sample: sha256:3c93650ae5c0601d7fdf50cba323943071744a997dab43e0649620ed067f7ec4
url:
  description: The repository.
  type: str
  returned: success
  sample: oci://localhost:5050/shop
tags:
  description: The tags, each once.
  type: list
  elements: str
  returned: success
  sample: [stable]
previous:
  description: The digest that each tag which changed named before, V(null) for a new one.
  type: dict
  returned: success
  sample:
    stable: sha256:c0678e0361d44f8da5605e72fd5c4e2d75a7873b72f1c3ef0d8c7cd5762cb11c
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import (
    selection as artifact_selection,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.tag import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | artifact_selection.ARGUMENTS
        | {
            "tags": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "immutable": {"type": "bool", "default": False},
        },
        mutually_exclusive=[artifact_selection.EXCLUSIVE],
        supports_check_mode=True,
    )
    require(module, "oras")
    exit_with(
        module,
        lambda: run(
            module.params, connect=open_repository, check_mode=module.check_mode, with_diff=module._diff
        ),
    )


if __name__ == "__main__":
    main()
