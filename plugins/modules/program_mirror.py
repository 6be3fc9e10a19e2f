#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""A mirror of the programs' images and manifests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: program_mirror
short_description: Fills a mirror with the images of pinned programs, and their manifests
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Has a registry, or a folder, hold all that M(gitops.flux_local.program_install) needs to install the programs without internet.
  - In a registry, an image keeps its repository and tag below the prefix. In a folder, which is an OCI image layout, it keeps its whole name.
  - The manifests of programs, which images do not have, are kept beside them as artifacts C(flux-local/manifests/<program>:<version>).
  - All that cannot be had is named in one error, before anything is copied.
  - What the mirror holds already is not sent again. Everything is verified by its digest.
  - Of an image for several platforms, only the O(platforms) that are wanted are copied, so that its index has another digest. An image that
    is pinned to its digest is copied whole.
extends_documentation_fragment:
  - gitops.flux_local.images
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
requirements:
  - Go, for manifests that neither O(mirror) nor O(cache_dir) has
options:
  target:
    description: The mirror to fill, a registry (C(host[:port][/prefix])) or the path of a folder, as O(mirror) is written.
    type: str
    required: true
  target_connection:
    description: How O(target) is reached.
    type: dict
    suboptions:
      insecure:
        description: Whether plain HTTP is allowed where the registry speaks no HTTPS.
        type: bool
        default: false
      username:
        description: The user to authenticate as, together with C(password). Without it, access is anonymous.
        type: str
      password:
        description: The password or access token of C(username).
        type: str
      ca_cert:
        description: A PEM file with the certificates of the authorities that may have signed the registry's certificate.
        type: path
      client_cert:
        description: A PEM file with the client certificate to authenticate with, and its key unless C(client_key) has it.
        type: path
      client_key:
        description: A PEM file with the key of C(client_cert).
        type: path
      validate_certs:
        description: Whether the registry's certificate has to be trusted.
        type: bool
        default: true
      timeout:
        description: After how many seconds a registry that does not answer is given up.
        type: float
        default: 5
  platforms:
    description:
      - The platforms whose images the mirror has to hold, V(linux-amd64) or V(linux-arm64).
      - V(this) is the platform of this machine (on macOS, that of Linux on the same processor), V(all) stands for all there are.
    type: list
    elements: str
    default: [this]
  programs:
    description: The table of programs. Each entry is what the option O(gitops.flux_local.program_install#module:program) describes.
    type: list
    elements: dict
    required: true
  digests:
    description:
      - Digests of your own for the images of programs, by the programs' names. An image that is pinned so keeps all its platforms.
      - An image without one has to have the digest that it had when it was first pulled, which O(cache_dir) has in C(digests.json).
    type: dict
    default: {}
  names:
    description: The names of the programs that are wanted, all in the table when empty.
    type: list
    elements: str
    default: []
  cache_dir:
    description: The folder that keeps programs. Manifests are taken from it where it has them.
    type: path
    required: true
  modules_dir:
    description: The folder with the pinned Go modules.
    type: path
    required: true
seealso:
  - module: gitops.flux_local.program_install
"""

EXAMPLES = r"""
- name: A folder to carry to another machine has etcd
  gitops.flux_local.program_mirror:
    target: /media/stick/flux-local
    cache_dir: ~/.cache/flux-local
    modules_dir: files/modules
    names: [etcd]
    programs: &programs
      - name: etcd
        version: 3.6.8
        module: etcd
        source: go.etcd.io/etcd/server/v3
        package: go.etcd.io/etcd/server/v3
        check_text: "etcd Version: {version}"
        image: registry.k8s.io/etcd:{version}-0
        path: /usr/local/bin/etcd

- name: There, a registry gets what is in the folder
  gitops.flux_local.program_mirror:
    mirror: /media/stick/flux-local
    target: registry.example.com/flux-local
    target_connection:
      username: ci
      password: "{{ registry_password }}"
    cache_dir: ~/.cache/flux-local
    modules_dir: files/modules
    programs: *programs
"""

RETURN = r"""
target:
  description: The mirror.
  returned: success
  type: str
  sample: /media/stick/flux-local
is_folder:
  description: Whether the mirror is a folder.
  returned: success
  type: bool
  sample: true
images:
  description: What the mirror holds of what is wanted, the images first.
  returned: success
  type: list
  elements: dict
  contains:
    image:
      description: The image, or the artifact with a program's manifests.
      type: str
    digest:
      description: Its digest in the mirror. V(null) in check mode for manifests that would have to be packed first.
      type: str
    copied_blobs:
      description: How many blobs had to be copied.
      type: int
    copied_bytes:
      description: How many bytes these have.
      type: int
    changed:
      description: Whether anything about it changed.
      type: bool
  sample:
    - changed: true
      copied_blobs: 3
      copied_bytes: 10718336
      digest: sha256:5e1f3f3a58f8f4c4a40a2e4b4f3a35fbdbbe4aee15d3b8ee4a4ee3a1c2a7be20
      image: registry.k8s.io/etcd:3.6.8-0
lacking:
  description: The programs whose images cannot be had.
  returned: when that is why the module failed
  type: list
  elements: str
  sample: [etcd]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import (
    CONNECTION_ARGUMENTS,
    IMAGE_ARGUMENTS,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.mirror import run


def main() -> None:
    module = AnsibleModule(
        argument_spec=IMAGE_ARGUMENTS
        | {
            "target": {"type": "str", "required": True},
            "target_connection": {"type": "dict", "options": CONNECTION_ARGUMENTS},
            "platforms": {"type": "list", "elements": "str", "default": ["this"]},
            "programs": {"type": "list", "elements": "dict", "required": True},
            "digests": {"type": "dict", "default": {}},
            "names": {"type": "list", "elements": "str", "default": []},
            "cache_dir": {"type": "path", "required": True},
            "modules_dir": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    require(module, "oras")
    exit_with(module, lambda: run(module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
