#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: what differs between two artifacts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_diff
version_added: 0.1.0
short_description: Says what differs between two artifacts, or a folder and an artifact
description:
  - Compares any two of a folder, a tag and a digest, by what they hold, whoever packed them.
  - Manifests are compared by resource, with the fields that differ; other text line by line, anything else by digest.
  - With C(--diff) the differences are shown. The values of Secrets, and of what kustomize makes Secrets from, are
    masked everywhere. Equal values look equal, and that is all that can be seen of them.
  - Nothing is changed, neither in a folder nor in a registry.
author:
  - The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.registry
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: full
  idempotent:
    support: N/A
    details:
      - This action does not modify state. C(changed) says whether there is a difference, for then Ansible shows it.
options:
  url:
    description:
      - The repository, as Flux names it, C(oci://host[:port]/repository), for the sides that name none of their own.
      - Not needed where both sides are folders.
    type: str
    required: false
  before:
    description:
      - One side, the old content.
    type: dict
    required: true
    suboptions: &side
      path:
        description:
          - A folder, or a single file. What a push would leave out is left out.
        type: path
      tag:
        description:
          - A tag of the repository.
        type: str
      digest:
        description:
          - A digest of the repository, C(sha256:...).
        type: str
      url:
        description:
          - The repository, where it is another one than that of O(url). It is reached with the same options.
        type: str
  after:
    description:
      - The other side, the new content.
    type: dict
    required: true
    suboptions: *side
  ignore:
    description:
      - Patterns as in C(.gitignore) of what else to leave out of a folder, as in
        M(gitops.flux_local.oci_artifact_push).
    type: list
    elements: str
    default: []
  symlinks:
    description:
      - What to do about symbolic links in a folder, as in M(gitops.flux_local.oci_artifact_push).
    type: str
    choices: [refuse, follow]
    default: refuse
requirements:
  - PyYAML (Python library)
notes:
  - Files above 1 MiB are compared by digest.
seealso:
  - module: gitops.flux_local.oci_artifact_push
    description: Shows the same with C(--check --diff), between the folder and the tag.
"""

EXAMPLES = r"""
- name: What would change with the next release
  gitops.flux_local.oci_artifact_diff:
    url: oci://registry.example.com/team/shop
    username: ci
    password: "{{ registry_password }}"
    before:
      tag: 1.4.0
    after:
      path: ./shop
  diff: true
  register: shop

- name: A Deployment may not change without a review
  ansible.builtin.assert:
    that: shop.resources | selectattr('kind', 'eq', 'Deployment') | length == 0
    fail_msg: "{{ shop.resources | to_nice_yaml }}"

- name: Staging and production have the same content
  gitops.flux_local.oci_artifact_diff:
    before:
      url: oci://registry.example.com/production/shop
      tag: stable
    after:
      url: oci://registry.example.com/staging/shop
      tag: stable
  register: staging
  failed_when: staging is changed
"""

RETURN = r"""
before:
  description: The first side.
  type: dict
  returned: success
  contains: &side
    name:
      description: What it is called in what is shown.
      type: str
      sample: oci://localhost:5050/shop:1.4.0
    digest:
      description: The digest of the artifact, V(null) for a folder.
      type: str
      sample: sha256:3f4c52c43ee00abcee3fb899cd602af66325d72c3a5e10a23af7d04184b3b805
  sample:
    name: oci://localhost:5050/shop:1.4.0
    digest: sha256:3f4c52c43ee00abcee3fb899cd602af66325d72c3a5e10a23af7d04184b3b805
after:
  description: The second side.
  type: dict
  returned: success
  contains: *side
  sample:
    name: ./shop
    digest: null
files:
  description: The files that differ, in alphabetical order.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name, relative to the artifact's root.
      type: str
      sample: deployment.yaml
    change:
      description: V(added), V(removed) or V(changed).
      type: str
      sample: changed
    form:
      description: V(manifest) where all that it holds are resources, V(text), or V(binary).
      type: str
      sample: manifest
    before:
      description: The C(digest), C(size) in bytes, and whether it is C(executable); V(null) where there is none.
      type: dict
      sample:
        digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        size: 412
        executable: false
    after:
      description: As RV(files[].before).
      type: dict
      sample:
        digest: sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
        size: 412
        executable: false
  sample:
    - name: deployment.yaml
      change: changed
      form: manifest
      before:
        digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        size: 412
        executable: false
      after:
        digest: sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
        size: 412
        executable: false
empty_folders:
  description: Folders that hold nothing, and that only one side has.
  type: list
  elements: str
  returned: success
  sample: []
resources:
  description: The resources that differ, by file.
  type: list
  elements: dict
  returned: success
  contains:
    change:
      description: V(added), V(removed), V(changed), or V(moved) for one that is in another file and otherwise the same.
      type: str
      sample: changed
    api_version:
      description: Its apiVersion, as it is afterwards.
      type: str
      sample: apps/v1
    kind:
      description: Its kind.
      type: str
      sample: Deployment
    namespace:
      description: Its namespace, V(null) where the manifest names none.
      type: str
      sample: shop
    name:
      description: Its name.
      type: str
      sample: api
    file:
      description: The file that holds it.
      type: str
      sample: deployment.yaml
    previous_file:
      description: The file that held it before, V(null) for a new one.
      type: str
      sample: deployment.yaml
    fields:
      description:
        - The fields that differ, with their values as JSON, V(null) where there is no such field.
        - Items of lists are named by what tells them apart, C(containers[api]), or by their place.
      type: list
      elements: dict
      sample:
        - field: spec.replicas
          before: "2"
          after: "3"
  sample:
    - change: changed
      api_version: apps/v1
      kind: Deployment
      namespace: shop
      name: api
      file: deployment.yaml
      previous_file: deployment.yaml
      fields:
        - field: spec.replicas
          before: "2"
          after: "3"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff_module import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository


def main() -> None:
    side = {
        "type": "dict",
        "required": True,
        "options": {
            "path": {"type": "path"},
            "tag": {"type": "str"},
            "digest": {"type": "str"},
            "url": {"type": "str"},
        },
        "mutually_exclusive": [("path", "tag", "digest"), ("path", "url")],
        "required_one_of": [("path", "tag", "digest")],
    }
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "url": {"type": "str"},
            "before": side,
            "after": side,
            "ignore": {"type": "list", "elements": "str", "default": []},
            "symlinks": {"type": "str", "choices": ["refuse", "follow"], "default": "refuse"},
        },
        supports_check_mode=True,
    )
    require(module, "oras", "yaml")
    exit_with(module, lambda: run(module.params, connect=open_repository, with_diff=module._diff))


if __name__ == "__main__":
    main()
