#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""A pinned program in the cache."""

from __future__ import annotations

DOCUMENTATION = r"""
module: program_install
short_description: Puts a pinned program into the cache
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Obtains a program and the manifests that belong to it, runs it to see that it works and is the version wanted, and then moves all of it
    into the cache in one step. What is interrupted leaves nothing half.
  - A program that the cache has already is left alone and not run.
  - Of two runs at once that want the same program, one installs it, and the other one waits and finds it there.
  - The output of the installation is kept in the cache's folder C(logs).
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
  - Go, of the version that O(modules_dir) asks for, when O(method=go), and for manifests that the mirror lacks when O(method=image)
options:
  program:
    description: The program. In its texts, V({version}) stands for its version.
    type: dict
    required: true
    suboptions:
      name:
        description: The program's name, and that of its file.
        type: str
        required: true
      version:
        description: Its version, without a leading v.
        type: str
        required: true
      module:
        description: The folder below O(modules_dir) with the C(go.mod) and C(go.sum) that pin what it is built from.
        type: str
        required: true
      source:
        description: The Go module that the program and its manifests are from.
        type: str
        required: true
      package:
        description:
          - The Go package of the program.
          - Without it there is no program, but its manifests alone, which are then obtained without building anything.
        type: str
        default: ''
      ldflags:
        description: Flags for Go's linker that put the version into the program. Debug information is always left out.
        type: str
        default: ''
      embeds:
        description:
          - A file of its module that the program embeds but that is not published with it. An empty one takes its place.
          - The program is then built in a copy of its own module, with the C(go.mod) of that.
        type: str
        default: ''
      check_arguments:
        description: The arguments with which the program is run to see that it works and which version it is.
        type: list
        elements: str
        default: [--version]
      check_text:
        description:
          - What it then prints, and by which it is recognised. A longer version that only begins with it is another version.
          - Required with O(program.package).
        type: str
        default: ''
      check_build_info:
        description:
          - Whether the version is read from what Go recorded in the program, for programs that do not print their version.
          - Programs built without such a record are accepted with a warning.
        type: bool
        default: false
      build:
        description:
          - Counts the builds of the same version that are made of other modules. A cache keeps them apart, so that an older one is replaced.
        type: int
        default: 1
      manifests:
        description: Folders of O(program.source) whose YAML files are kept with the program. C(kustomization.yaml) is left out.
        type: list
        elements: dict
        default: []
        suboptions:
          from:
            description: The folder in the module. Folders below it are left out.
            type: str
            required: true
          to:
            description: The folder in the program's manifests.
            type: str
            required: true
      image:
        description:
          - The image that has the program, C(host/repository:tag), with C(@sha256:...) behind it when it is pinned to a digest.
          - Required when O(method=image).
        type: str
        default: ''
      digest:
        description:
          - The digest that the image has to have, instead of one in O(program.image).
          - Without either, the digest for this platform has to be the one that was recorded in C(digests.json) of O(cache_dir) when the image was
            first pulled.
        type: str
        default: ''
      path:
        description: Where in the image the program is. Symbolic links are followed. Required when O(method=image).
        type: str
        default: ''
  method:
    description:
      - How the program is obtained.
      - V(folder) copies it from O(folder).
      - V(image) takes it out of the layers of its image, with every digest verified, and its manifests from O(mirror) or, where that is
        not given or lacks them, from its Go module.
      - V(go) builds it without cgo, with the installed Go and the user's own proxy settings and caches.
    type: str
    choices: [folder, image, go]
    required: true
  cache_dir:
    description: The folder that keeps programs by name, version and platform. It is made when it does not exist.
    type: path
    required: true
  folder:
    description:
      - A folder that has the program. Required when O(method=folder).
      - Either programs lie in it side by side, with their manifests in C(manifests/<name>), or it is laid out as O(cache_dir).
    type: path
  modules_dir:
    description: The folder with the pinned Go modules. Required when O(method=go) or O(method=image).
    type: path
seealso:
  - module: gitops.flux_local.program_info
"""

EXAMPLES = r"""
- name: Build etcd
  gitops.flux_local.program_install:
    method: go
    cache_dir: ~/.cache/flux-local
    modules_dir: files/modules
    program:
      name: etcd
      version: 3.6.8
      module: etcd
      source: go.etcd.io/etcd/server/v3
      package: go.etcd.io/etcd/server/v3
      check_text: "etcd Version: {version}"

- name: Take etcd out of its image, from a mirror of that
  gitops.flux_local.program_install:
    method: image
    mirror: registry.example.com/flux-local
    cache_dir: ~/.cache/flux-local
    modules_dir: files/modules
    program:
      name: etcd
      version: 3.6.8
      module: etcd
      source: go.etcd.io/etcd/server/v3
      package: go.etcd.io/etcd/server/v3
      check_text: "etcd Version: {version}"
      image: registry.k8s.io/etcd:{version}-0
      path: /usr/local/bin/etcd
"""

RETURN = r"""
program:
  description: The program in the cache. Empty for manifests alone.
  returned: success
  type: str
  sample: /home/dev/.cache/flux-local/kwok/0.8.0/linux-amd64/kwok
version:
  description: Its version.
  returned: success
  type: str
  sample: 0.8.0
manifests:
  description: The folder with its manifests. Empty for a program that has none.
  returned: success
  type: str
  sample: /home/dev/.cache/flux-local/kwok/0.8.0/linux-amd64/manifests
log:
  description: Where the output of its installation is, also of one that failed.
  returned: always
  type: str
  sample: /home/dev/.cache/flux-local/logs/kwok-0.8.0.log
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import (
    exit_with,
    require,
    warn_with,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.cache import run
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import IMAGE_ARGUMENTS

MANIFESTS: dict[str, Any] = {
    "from": {"type": "str", "required": True},
    "to": {"type": "str", "required": True},
}
PROGRAM: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "module": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "package": {"type": "str", "default": ""},
    "ldflags": {"type": "str", "default": ""},
    "embeds": {"type": "str", "default": ""},
    "check_arguments": {"type": "list", "elements": "str", "default": ["--version"]},
    "check_text": {"type": "str", "default": ""},
    "check_build_info": {"type": "bool", "default": False},
    "build": {"type": "int", "default": 1},
    "manifests": {"type": "list", "elements": "dict", "default": [], "options": MANIFESTS},
    "image": {"type": "str", "default": ""},
    "digest": {"type": "str", "default": ""},
    "path": {"type": "str", "default": ""},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=IMAGE_ARGUMENTS
        | {
            "program": {"type": "dict", "required": True, "options": PROGRAM},
            "method": {"type": "str", "choices": ["folder", "image", "go"], "required": True},
            "cache_dir": {"type": "path", "required": True},
            "folder": {"type": "path"},
            "modules_dir": {"type": "path"},
        },
        required_if=[
            ("method", "folder", ["folder"]),
            ("method", "image", ["modules_dir"]),
            ("method", "go", ["modules_dir"]),
        ],
        supports_check_mode=True,
    )
    if module.params["method"] == "image":
        require(module, "oras")
    exit_with(module, lambda: run(module.params, check_mode=module.check_mode, warn=warn_with(module)))


if __name__ == "__main__":
    main()
