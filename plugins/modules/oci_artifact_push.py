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
  - Patterns mean what Flux takes them for, also where C(.gitignore) is read otherwise. A pattern that is not valid is refused.
  - What editors and file managers keep beside files (C(.#a.yaml), C(.a.yaml.swp), C(a.yaml~), C(.DS_Store)) is left out as well, unless
    O(ignore) keeps it.
  - What Flux would drop or reject (symbolic links, devices, names with a backslash) is refused by name before
    anything is sent.
  - Hard links, and names that are the same on macOS and Windows (they differ only in case or Unicode form), are
    refused in the same way.
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
      - Shows what M(gitops.flux_local.oci_artifact_diff) shows, between what the first tag that changes holds and
        O(path).
  idempotent:
    support: full
options:
  path:
    description:
      - The folder, or the single file, to push.
    type: path
    required: true
  url:
    description:
      - The repository, as Flux names it, C(oci://host[:port]/repository), without a tag or digest.
      - Either this or O(dest_layout) is needed.
    type: str
    required: false
  dest_layout:
    description:
      - A folder to write an OCI image layout to, in place of a registry, for instance to hand it over where there is
        no network. It is created where there is none, and further pushes add to it.
      - The other modules read it as C(oci-layout://FOLDER), the C(oras) program with C(--oci-layout).
    type: path
  mount_from:
    description:
      - Another repository of the same registry, such as V(shop/staging), that may hold the same content.
      - A registry that mounts across repositories takes it from there, and nothing is sent. Others are sent it.
    type: str
  tag:
    description:
      - The tag to push to.
      - C({branch}), C({commit}) and C({short_commit}) stand for what O(revision) says, with C(-dirty) behind the
        commit where that has it. Characters no tag may have become C(-).
      - Where the checkout is on no branch, which is common in CI, C({branch}) is the git tag of its commit, or else V(HEAD) with a warning. Give
        the branch with O(revision), such as C("{{ lookup('env', 'GITHUB_REF_NAME') }}@sha1:{{ lookup('env', 'GITHUB_SHA') }}").
      - C({next}) stands for the version that O(next) asks for.
      - By default V(latest), or V({next}) when O(next) is set.
    type: str
  next:
    description:
      - Which part of the newest version to raise. The newest one is the highest semantic version among the tags of the
        repository, with or without a leading C(v). When it holds the same content already, it is not raised.
      - The first version is 0.1.0, or 1.0.0 for V(major). A pre-release is followed by its release.
    type: str
    choices: [patch, minor, major]
  tags:
    description:
      - More tags for the same artifact, with the same placeholders as O(tag).
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
  immutable:
    description:
      - Whether to fail, and push nothing, when one of the tags exists and would have to be moved.
      - To move a tag such as C(stable) along with an immutable version, use M(gitops.flux_local.oci_artifact_tag)
        afterwards.
    type: bool
    default: false
  secrets:
    description:
      - What to do about Secrets in plain text, be it in manifests or in what kustomize makes Secrets from. What SOPS has
        encrypted is none.
      - V(warn) names them in a warning, V(refuse) fails before anything is sent, V(allow) does not look.
      - A manifest that cannot be read may hold a Secret. V(warn) names it with the line, V(refuse) fails.
    type: str
    choices: [warn, refuse, allow]
    default: warn
  max_size:
    description:
      - How large the content may be before it is compressed, as a number of bytes or with a unit, such as V(50MB).
      - There is no limit by default.
    type: bytes
  max_files:
    description:
      - How many files there may be. There is no limit by default.
    type: int
requirements:
  - PyYAML (Python library)
notes:
  - Git is asked for O(source) and O(revision) where it is installed; it is not needed.
  - When something is pushed, a warning names files that are no YAML, and files that a C(kustomization.yaml) refers to
    but that are ignored.
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

- name: Changed content becomes the next version, and main names it too
  gitops.flux_local.oci_artifact_push:
    path: ./shop
    url: oci://registry.example.com/team/shop
    next: minor
    tags: ["{branch}"]
    secrets: refuse
  register: shop

- name: A build is pushed under its commit, and never replaced
  gitops.flux_local.oci_artifact_push:
    path: ./shop
    url: oci://registry.example.com/team/shop
    tag: "{branch}-{short_commit}"
    immutable: true

- name: The same for a place without a network
  gitops.flux_local.oci_artifact_push:
    path: ./shop
    dest_layout: /media/handover/shop
    tag: "{{ shop.tags[0] }}"
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
    - One of V(tag missing), V(content differs), V(metadata differs) and V(content missing), where the registry has lost what the tag names.
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
secrets:
  description: The files that hold Secrets in plain text.
  type: list
  elements: str
  returned: when they are refused
  sample: [db/secret.yaml]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import (
    exit_with,
    require,
    warn_with,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "path": {"type": "path", "required": True},
            "url": {"type": "str"},
            "dest_layout": {"type": "path"},
            "mount_from": {"type": "str"},
            "tag": {"type": "str"},
            "next": {"type": "str", "choices": ["patch", "minor", "major"]},
            "tags": {"type": "list", "elements": "str", "default": []},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "symlinks": {"type": "str", "choices": ["refuse", "follow"], "default": "refuse"},
            "source": {"type": "str"},
            "revision": {"type": "str"},
            "annotations": {"type": "dict", "default": {}},
            "compare": {"type": "str", "choices": ["content", "exact"], "default": "content"},
            "immutable": {"type": "bool", "default": False},
            "secrets": {
                "type": "str",
                "choices": ["warn", "refuse", "allow"],
                "default": "warn",
                "no_log": False,
            },
            "max_size": {"type": "bytes"},
            "max_files": {"type": "int"},
        },
        mutually_exclusive=[("url", "dest_layout")],
        required_one_of=[("url", "dest_layout")],
        supports_check_mode=True,
    )
    require(module, "oras", "yaml")
    exit_with(
        module,
        lambda: run(
            module.params,
            connect=open_repository,
            warn=warn_with(module),
            check_mode=module.check_mode,
            with_diff=module._diff,
        ),
    )


if __name__ == "__main__":
    main()
