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
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  programs:
    description: The table of programs. Each entry is what the option O(gitops.flux_local.program_install#module:program) describes.
    type: list
    elements: dict
    required: true
  names:
    description: The names of the programs that are wanted, all in the table when empty.
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
      - V(go) builds them from their pinned Go modules.
      - V(auto) takes from O(folder) what that has, and builds the others.
    type: str
    choices: [auto, folder, go]
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
@RETURN@
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils.module import exit_with
from ansible_collections.gitops.flux_local.plugins.module_utils.program_cache import look, this_platform


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "programs": {"type": "list", "elements": "dict", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "cache_dir": {"type": "path", "required": True},
            "source": {"type": "str", "choices": ["auto", "folder", "go"], "default": "auto"},
            "folder": {"type": "path"},
        },
        required_if=[("source", "folder", ["folder"])],
        supports_check_mode=True,
    )
    wanted = module.params
    exit_with(
        module,
        lambda: look(
            wanted["programs"],
            names=wanted["names"],
            cache=Path(wanted["cache_dir"]),
            platform=this_platform(),
            source=wanted["source"],
            folder=Path(wanted["folder"]) if wanted["folder"] else None,
        ),
    )


if __name__ == "__main__":
    main()
