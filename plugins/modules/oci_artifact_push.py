#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: push a folder as a Flux OCI artifact."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_push
version_added: 0.1.0
short_description: Pushes a folder of manifests to an OCI registry, as an artifact for Flux
description:
  - Packs a folder, or a single file, and pushes it as an artifact that Flux's C(OCIRepository) reads.
  - Packing is deterministic. Order, modes, times, owners, umask and host do not matter, only names, content and
    whether a file is executable.
  - Nothing is pushed when the tags hold the same content already, whoever pushed it.
  - Files are left out by the rules of Flux's source-controller, that is its built-in patterns and C(.sourceignore)
    files in any folder, and by O(ignore). A C(.sourceignore) file is pushed, because Flux applies it as well.
  - What Flux would drop or reject (symbolic links, devices, names with a backslash) is refused by name before
    anything is sent.
  - The blobs are sent first and the tags are set last. Whenever a push is interrupted, a tag holds either the old
    content or the new.
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
    details:
      - Shows the annotations, and name, digest and size of each file, of what the first tag that changes holds and
        would hold.
  idempotent:
    support: full
options:
  path:
    description:
      - The folder, or the single file, to push.
    type: path
    required: true
  tag:
    description:
      - The tag to push to.
    type: str
    default: latest
  tags:
    description:
      - More tags for the same artifact.
    type: list
    elements: str
    default: []
  ignore:
    description:
      - Patterns as in C(.gitignore) of what else to leave out, relative to O(path). They win over Flux's own and
        over C(.sourceignore).
      - A pattern that begins with C(!) keeps what they would leave out. Flux leaves it out all the same when it
        reads the artifact, unless its source is told otherwise; a warning names such files.
    type: list
    elements: str
    default: []
  symlinks:
    description:
      - What to do about symbolic links, which Flux would drop silently.
      - V(refuse) fails and names them.
      - V(follow) pushes what they point to, which has to be in the folder itself.
    type: str
    choices: [refuse, follow]
    default: refuse
  source:
    description:
      - Where the content is from, for people and for Flux's status, usually a URL.
      - By default, the URL of the git remote of O(path), without credentials. An empty text notes none.
    type: str
  revision:
    description:
      - Which version of the source the content is, as Flux writes it, C(branch@sha1:commit).
      - By default, branch (or tag) and commit of the git checkout of O(path), with C(-dirty) at the end when git
        reports changes in O(path). An empty text notes none.
    type: str
  annotations:
    description:
      - More annotations of the artifact. They win over O(source) and O(revision).
      - Set C(org.opencontainers.image.created) to get the same RV(digest) from every push of the same content.
    type: dict
    default: {}
  compare:
    description:
      - When a tag counts as unchanged.
      - V(content) compares names, content and executability of the files. A new commit alone pushes nothing, so
        that Flux has nothing to reconcile.
      - V(exact) compares O(source), O(revision) and O(annotations) too.
    type: str
    choices: [content, exact]
    default: content
requirements:
  - pathspec (Python library)
notes:
  - Git is asked for O(source) and O(revision) where it is installed; it is not needed.
seealso:
  - name: Flux OCI artifacts
    description: What Flux does with an artifact.
    link: https://fluxcd.io/flux/components/source/ocirepositories/
"""

EXAMPLES = r"""
- name: The registry holds what is in the folder
  gitops.flux_local.oci_artifact_push:
    path: ./shop
    url: oci://localhost:5050/shop

- name: A release has a version and moves the tag stable
  gitops.flux_local.oci_artifact_push:
    path: ./shop
    url: oci://registry.example.com/team/shop
    tag: 1.4.0
    tags: [stable]
    username: ci
    password: "{{ registry_password }}"
    compare: exact

- name: Documentation stays out, and a symbolic link is replaced by what it points to
  gitops.flux_local.oci_artifact_push:
    path: ./shop
    url: oci://localhost:5050/shop
    ignore:
      - docs/
      - "*.md"
    symlinks: follow
"""

RETURN = r"""
digest:
  description:
    - The digest of the artifact (its manifest) under the tags.
    - V(null) in check mode when a new artifact would be pushed, because the time of the push is part of it.
  type: str
  returned: success
  sample: sha256:3f4c52c43ee00abcee3fb899cd602af66325d72c3a5e10a23af7d04184b3b805
previous_digest:
  description: What O(tag) held before, V(null) when it did not exist.
  type: str
  returned: success
  sample: sha256:c5cbd1e86e55dde5735b36a8c9572bf722ef465f0d539bfea0051a74be3ab0c1
content_digest:
  description:
    - The digest of the uncompressed content. It is the same for the same files, whenever, wherever and by whomever they
      are packed, and is noted in the artifact's annotation C(io.github.gitops-flux-local.content.digest).
  type: str
  returned: success
  sample: sha256:af291c4f8a330936488bfd7e70d9a1e5d07988f378d0cdd1bb30a2260ac67ef3
url:
  description: The repository.
  type: str
  returned: success
  sample: oci://localhost:5050/shop
tags:
  description: The tags that hold the artifact, O(tag) first.
  type: list
  elements: str
  returned: success
  sample: [latest]
why:
  description:
    - Why each of the tags that changed had to. Empty when nothing changed.
    - One of V(tag missing), V(content differs) and V(metadata differs).
  type: dict
  returned: success
  sample:
    latest: content differs
files:
  description: How many files the artifact holds.
  type: int
  returned: success
  sample: 2
size:
  description: The size of the compressed content, in bytes.
  type: int
  returned: success
  sample: 193
source:
  description: What the artifact says about its source. An unchanged artifact says what it said.
  type: str
  returned: success
  sample: https://github.com/example/shop.git
revision:
  description: What the artifact says about the revision of its source. An unchanged artifact says what it said.
  type: str
  returned: success
  sample: main@sha1:69c37c04478c99eb42f66d1fe75b2dd71902b5b0-dirty
refused:
  description: The files and folders that cannot be packed, and why.
  type: list
  elements: dict
  returned: when something in O(path) cannot be packed
  contains:
    name:
      description: The name, relative to O(path).
      type: str
      sample: app/current
    reason:
      description: What is the matter with it.
      type: str
      sample: symlink
  sample:
    - name: app/current
      reason: symlink
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils.artifact_push import run
from ansible_collections.gitops.flux_local.plugins.module_utils.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils.registry import ARGUMENTS, OrasRepository


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "path": {"type": "path", "required": True},
            "tag": {"type": "str", "default": "latest"},
            "tags": {"type": "list", "elements": "str", "default": []},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "symlinks": {"type": "str", "choices": ["refuse", "follow"], "default": "refuse"},
            "source": {"type": "str"},
            "revision": {"type": "str"},
            "annotations": {"type": "dict", "default": {}},
            "compare": {"type": "str", "choices": ["content", "exact"], "default": "content"},
        },
        supports_check_mode=True,
    )
    require(module, "oras", "pathspec")
    exit_with(
        module,
        lambda: run(
            module.params,
            connect=OrasRepository,
            warn=module.warn,
            check_mode=module.check_mode,
            with_diff=module._diff,
        ),
    )


if __name__ == "__main__":
    main()
