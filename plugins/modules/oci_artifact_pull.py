#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: a folder holds what an OCI artifact holds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_pull
version_added: 0.1.0
short_description: Pulls an OCI artifact into a folder
description:
  - Makes the folder O(dest) hold the files of an artifact, and nothing else. The version is named by a tag, a digest or a range of semantic
    versions.
  - Artifacts of any producer are read (Flux, oras, this collection), as long as their layer is a tar archive compressed with gzip.
  - What is fetched is verified by its size and its sha256 before anything is extracted.
  - The content takes its place in one step. Whenever a pull is interrupted, O(dest) has either the old content or the new.
  - Content decides. Nothing is written when O(dest) holds the same files already, and nothing is fetched either when the artifact was pushed by
    M(gitops.flux_local.oci_artifact_push).
  - What could leave O(dest), or would not be a plain file or folder in it, is refused by name.
  - So is what git or Mercurial would run commands from (C(.git) in any spelling, and what they take for a repository), names with characters that
    a terminal obeys, and more than 100 levels of folders. Names that differ only in case are refused where O(dest) does not tell them apart.
author:
  - The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.registry
  - gitops.flux_local.version
attributes:
  check_mode:
    support: full
    details:
      - The artifact is fetched and read, but not extracted.
  diff_mode:
    support: full
    details:
      - Shows name, digest and size of each file that is in O(dest) and would be.
  idempotent:
    support: full
options:
  dest:
    description:
      - The folder that holds the artifact's files afterwards. All of it is replaced. It is made when it does not exist, with its parents, and
        keeps its mode when it does.
      - Your home folder, the folder you are in and those above it, the root of a file system and git checkouts are refused.
      - A C(.git) without anything in its C(objects), which earlier versions could pull, is no checkout and is replaced.
    type: path
    required: true
  include:
    description:
      - Patterns as in C(.gitignore) of the files wanted. By default, all are.
    type: list
    elements: str
    default: []
  exclude:
    description:
      - Patterns as in C(.gitignore) of files not wanted, which win over O(include).
    type: list
    elements: str
    default: []
  media_type:
    description:
      - Takes the first layer of this media type, as the C(layerSelector) of Flux's OCIRepository does. By default, it is the first layer.
    type: str
  symlinks:
    description:
      - What to do about symbolic links in the artifact.
      - V(refuse) fails and names them.
      - V(skip) leaves them out, as Flux does.
    type: str
    choices: [refuse, skip]
    default: refuse
  max_size:
    description:
      - How many bytes the artifact's files may have together, such as V(500M). It is counted while they are decompressed.
    type: bytes
    default: 2G
  max_files:
    description:
      - How many files and folders the artifact may hold.
    type: int
    default: 200000
requirements:
  - pathspec (Python library)
seealso:
  - module: gitops.flux_local.oci_artifact_push
  - module: gitops.flux_local.oci_artifact_info
"""

EXAMPLES = r"""
- name: The folder holds what the tag holds
  gitops.flux_local.oci_artifact_pull:
    url: oci://localhost:5050/shop
    dest: ./pulled

- name: The newest release of version 1, without its documentation
  gitops.flux_local.oci_artifact_pull:
    url: oci://registry.example.com/team/shop
    semver: 1.x
    exclude: ["*.md"]
    dest: /srv/shop
    username: ci
    password: "{{ registry_password }}"

- name: What runs in the cluster, byte for byte
  gitops.flux_local.oci_artifact_pull:
    url: oci://localhost:5050/shop
    digest: sha256:3c93650ae5c0601d7fdf50cba323943071744a997dab43e0649620ed067f7ec4
    dest: ./running

- name: What was handed over in a folder, without a registry
  gitops.flux_local.oci_artifact_pull:
    url: oci-layout:///media/usb/shop
    tag: 1.4.0
    dest: ./shop
"""

RETURN = r"""
digest:
  description: The digest of the artifact (its manifest).
  type: str
  returned: success
  sample: sha256:3c93650ae5c0601d7fdf50cba323943071744a997dab43e0649620ed067f7ec4
tag:
  description: The tag the artifact was found under, V(null) with O(digest).
  type: str
  returned: success
  sample: 1.4.0
url:
  description: The repository.
  type: str
  returned: success
  sample: oci://localhost:5050/shop
folder:
  description: The folder, as O(dest) says it.
  type: str
  returned: success
  sample: ./pulled
files:
  description: How many files O(dest) holds.
  type: int
  returned: success
  sample: 2
size:
  description: The bytes of these files.
  type: int
  returned: success
  sample: 156
media_type:
  description: The media type of the layer they are from.
  type: str
  returned: success
  sample: application/vnd.cncf.flux.content.v1.tar+gzip
created:
  description: When the artifact was made, as it says itself, V(null) where it does not.
  type: str
  returned: success
  sample: '2026-11-24T16:41:02Z'
source:
  description: What the artifact says about its source.
  type: str
  returned: success
  sample: https://github.com/example/shop.git
revision:
  description: What the artifact says about the revision of its source.
  type: str
  returned: success
  sample: main@sha1:69c37c04478c99eb42f66d1fe75b2dd71902b5b0
refused:
  description: What in the artifact cannot be extracted, and why.
  type: list
  elements: dict
  returned: when something in the artifact cannot be extracted
  contains:
    name:
      description: The name in the archive.
      type: str
      sample: ../escape.yaml
    reason:
      description: What is the matter with it.
      type: str
      sample: name with '..'
  sample:
    - name: ../escape.yaml
      reason: name with '..'
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import (
    selection as artifact_selection,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.pull import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | artifact_selection.ARGUMENTS
        | {
            "dest": {"type": "path", "required": True},
            "include": {"type": "list", "elements": "str", "default": []},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "media_type": {"type": "str"},
            "symlinks": {"type": "str", "choices": ["refuse", "skip"], "default": "refuse"},
            "max_size": {"type": "bytes", "default": "2G"},
            "max_files": {"type": "int", "default": 200000},
        },
        mutually_exclusive=[artifact_selection.EXCLUSIVE],
        supports_check_mode=True,
    )
    require(module, "oras", "pathspec")
    exit_with(
        module,
        lambda: run(
            module.params, connect=open_repository, check_mode=module.check_mode, with_diff=module._diff
        ),
    )


if __name__ == "__main__":
    main()
