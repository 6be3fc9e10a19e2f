#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: the versions of an OCI artifact."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_info
version_added: 0.1.0
short_description: Lists the versions of an OCI artifact
description:
  - Lists the versions of a repository, the newest first, with their tags and with what they say about their origin.
  - A version is a manifest with all tags that name it. What several tags name is listed once.
  - All versions are returned, unless O(tag), O(digest) or O(semver) chooses some. None are returned for a repository that does not exist.
author:
  - The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
  - gitops.flux_local.registry
options:
  tag:
    description:
      - Only the version under this tag.
    type: str
  digest:
    description:
      - Only the version with this digest of its manifest, C(sha256:) and 64 hexadecimal digits. It need not have a tag.
    type: str
  semver:
    description:
      - Only versions in this range, as Flux reads it, the highest version first. The first is the one Flux chooses.
      - Pre-releases are only in a range that has a pre-release itself.
    type: str
  semver_filter:
    description:
      - A regular expression that tags have to match before O(semver) is applied.
    type: str
  limit:
    description:
      - How many versions to return at most. By default, all are.
    type: int
  contents:
    description:
      - Whether to list the files of each version, for which its content is fetched.
    type: bool
    default: false
seealso:
  - module: gitops.flux_local.oci_artifact_pull
  - module: gitops.flux_local.oci_artifact_tag
"""

EXAMPLES = r"""
- name: All versions
  gitops.flux_local.oci_artifact_info:
    url: oci://localhost:5050/shop

- name: Which version a range chooses
  gitops.flux_local.oci_artifact_info:
    url: oci://localhost:5050/shop
    semver: 1.x
    limit: 1

- name: The files of one version
  gitops.flux_local.oci_artifact_info:
    url: oci://localhost:5050/shop
    tag: latest
    contents: true
"""

RETURN = r"""
url:
  description: The repository.
  type: str
  returned: success
  sample: oci://localhost:5050/shop
total:
  description: How many versions there are of those that were asked for, also where O(limit) returns fewer.
  type: int
  returned: success
  sample: 2
versions:
  description: The versions, the newest first by the time they note; those without one come last.
  type: list
  elements: dict
  returned: success
  contains:
    digest:
      description: The digest of the manifest.
      type: str
      sample: sha256:3c93650ae5c0601d7fdf50cba323943071744a997dab43e0649620ed067f7ec4
    tags:
      description: All tags that name it, in alphabetical order.
      type: list
      elements: str
      sample: [1.4.0, latest]
    created:
      description: When it was made, as it says itself, V(null) where it does not.
      type: str
      sample: '2026-11-24T16:41:02Z'
    source:
      description: What it says about its source.
      type: str
      sample: https://github.com/example/shop.git
    revision:
      description: What it says about the revision of its source.
      type: str
      sample: main@sha1:69c37c04478c99eb42f66d1fe75b2dd71902b5b0
    content_digest:
      description: The digest of the uncompressed content, V(null) where it was not pushed by this collection.
      type: str
      sample: sha256:358f087e9e7bc4deec2e80b46d37db0db90d736a2eaabfa1f3617484e94aaa8f
    size:
      description: The bytes of all layers, compressed.
      type: int
      sample: 276
    media_type:
      description: The media type of the manifest.
      type: str
      sample: application/vnd.oci.image.manifest.v1+json
    config_media_type:
      description: The media type of the config, which tells what kind of artifact it is.
      type: str
      sample: application/vnd.cncf.flux.config.v1+json
    layers:
      description: The layers with their media type, digest and size in bytes. Flux takes the first, unless told otherwise.
      type: list
      elements: dict
      sample:
        - media_type: application/vnd.cncf.flux.content.v1.tar+gzip
          digest: sha256:3f7860bbb615b254fa50cdf5d5f1470bc3e6c257b2bab837c1fe692f42a77513
          size: 276
    annotations:
      description: All annotations.
      type: dict
      sample:
        org.opencontainers.image.source: https://github.com/example/shop.git
    contents:
      description: The files of the first layer, V(null) where it is no archive.
      type: list
      elements: dict
      returned: when O(contents=true)
      contains:
        name:
          description: The file's name.
          type: str
          sample: app/service.yaml
        digest:
          description: The digest of its content.
          type: str
          sample: sha256:b05c2f6f740ecd577979ba90c1211ba52b3664688e2201238359cdd5c4ac5a2e
        size:
          description: Its size in bytes.
          type: int
          sample: 108
        is_executable:
          description: Whether it can be executed.
          type: bool
          sample: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import (
    selection as artifact_selection,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.info import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | artifact_selection.ARGUMENTS
        | {"limit": {"type": "int"}, "contents": {"type": "bool", "default": False}},
        mutually_exclusive=[artifact_selection.EXCLUSIVE],
        supports_check_mode=True,
    )
    require(module, "oras")
    exit_with(module, lambda: run(module.params, connect=open_repository))


if __name__ == "__main__":
    main()
