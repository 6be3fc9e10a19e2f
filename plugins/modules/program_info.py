#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""One look at the cache of programs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: program_info
short_description: Says where pinned programs are, and which of them have to be installed
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Looks for all programs in the cache in one call, and runs none of them. What the cache has was checked before it got there.
  - Says of each program that is missing how M(gitops.flux_local.program_install) will install it.
extends_documentation_fragment:
  - gitops.flux_local.images
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  programs:
    description: The table of programs. Each entry is what the option O(gitops.flux_local.program_install#module:program) describes.
    type: list
    elements: dict
    required: true
  digests:
    description:
      - Digests of your own for the images of programs, by the programs' names, C(sha256:…) of the image for all platforms or for this one.
      - An image without one has to have the digest that it had when it was first pulled, which O(cache_dir) has in C(digests.json).
    type: dict
    default: {}
  names:
    description: The names of what is wanted, all programs in the table when empty. What is manifests alone has to be named.
    type: list
    elements: str
    default: []
  cache_dir:
    description: The folder that keeps programs by name, version and platform.
    type: path
    required: true
  source:
    description:
      - Where programs come from that the cache lacks.
      - V(folder) takes them from O(folder) only. It is an error when that lacks one, and the error names all it lacks.
      - V(image) takes them out of their images only, which have programs for Linux. All that cannot be had is named in one error.
      - V(go) builds them from their pinned Go modules.
      - V(auto) takes from O(folder) what that has, from images what can be had, and builds the others.
      - Registries are asked at the same time, and one that does not answer is not asked twice.
    type: str
    choices: [auto, folder, image, go]
    default: auto
  folder:
    description:
      - A folder that has programs already. Required when O(source=folder).
      - Either the programs lie in it side by side, with their manifests in C(manifests/<name>), or it is laid out as O(cache_dir).
    type: path
seealso:
  - module: gitops.flux_local.program_install
"""

EXAMPLES = r"""
- name: See whether etcd is in the cache
  gitops.flux_local.program_info:
    cache_dir: ~/.cache/flux-local
    names: [etcd]
    programs:
      - name: etcd
        version: 3.6.8
        module: etcd
        source: go.etcd.io/etcd/server/v3
        package: go.etcd.io/etcd/server/v3
        check_text: "etcd Version: {version}"
"""

RETURN = r"""
platform:
  description: The platform that programs are looked for, in Go's words.
  returned: success
  type: str
  sample: linux-amd64
paths:
  description: Where each program that is wanted is, or will be once it is installed, by its name.
  returned: success
  type: dict
  contains:
    program:
      description: The program. Empty for manifests alone.
      type: str
    version:
      description: Its version.
      type: str
    manifests:
      description: The folder with its manifests. Empty for a program that has none.
      type: str
  sample:
    etcd:
      manifests: ''
      program: /home/dev/.cache/flux-local/etcd/3.6.8/linux-amd64/etcd
      version: 3.6.8
    kwok:
      manifests: /home/dev/.cache/flux-local/kwok/0.8.0/linux-amd64/manifests
      program: /home/dev/.cache/flux-local/kwok/0.8.0/linux-amd64/kwok
      version: 0.8.0
missing:
  description: The programs that the cache lacks, in the order of the table.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The program's name.
      type: str
    version:
      description: Its version.
      type: str
    method:
      description: How it is to be installed.
      type: str
    needs_module:
      description: Whether its manifests have to come from its Go module, while nothing has to be built.
      type: bool
    log:
      description: Where the output of its installation will be.
      type: str
    program:
      description: Its entry in O(programs).
      type: dict
  sample:
    - log: /home/dev/.cache/flux-local/logs/etcd-3.6.8.log
      method: go
      name: etcd
      needs_module: false
      program:
        check_text: "etcd Version: {version}"
        module: etcd
        name: etcd
        package: go.etcd.io/etcd/server/v3
        source: go.etcd.io/etcd/server/v3
        version: 3.6.8
      version: 3.6.8
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import (
    exit_with,
    require,
    warn_with,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import (
    IMAGE_ARGUMENTS,
    Images,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.sources import Sources, look
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    this_platform,
    with_digests,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=IMAGE_ARGUMENTS
        | {
            "programs": {"type": "list", "elements": "dict", "required": True},
            "digests": {"type": "dict", "default": {}},
            "names": {"type": "list", "elements": "str", "default": []},
            "cache_dir": {"type": "path", "required": True},
            "source": {"type": "str", "choices": ["auto", "folder", "image", "go"], "default": "auto"},
            "folder": {"type": "path"},
        },
        required_if=[("source", "folder", ["folder"])],
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["source"] in ("auto", "image"):
        require(module, "oras")
    exit_with(
        module,
        lambda: look(
            with_digests(wanted["programs"], wanted["digests"]),
            wanted["names"],
            Path(wanted["cache_dir"]),
            Sources(
                source=wanted["source"],
                folder=Path(wanted["folder"]) if wanted["folder"] else None,
                images=Images.from_params(wanted),
                platform=this_platform(),
            ),
            warn_with(module),
        ),
    )


if __name__ == "__main__":
    main()
