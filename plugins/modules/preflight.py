#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""What a machine must have."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Names everything at once that a machine lacks
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Looks at Python, its libraries, the platform, Go, and the folders that are going to be written, and changes nothing.
  - Fails when something is missing, with one message that names all of it, and what to do about each.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  python:
    description: The lowest version of Python that runs the collection's modules.
    type: str
    default: '3.11'
  libraries:
    description: Python libraries that are needed.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name by which pip installs it.
        type: str
        required: true
      minimum:
        description: The lowest version.
        type: str
        required: true
  folders:
    description: Folders that are going to be written. Those that do not exist must be possible to make.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The folder.
        type: path
        required: true
      purpose:
        description: What it is for, to follow the word V(for).
        type: str
        required: true
      free_gb:
        description: The free space it needs, in gigabytes.
        type: float
        default: 0
      programs_run:
        description: Whether programs are going to be run from it.
        type: bool
        default: false
  go:
    description: Go, when something has to be built. It is only looked for when this is given.
    type: dict
    suboptions:
      minimum:
        description: The lowest version.
        type: str
        required: true
      needed_for:
        description: The names of the programs that have to be built.
        type: list
        elements: str
        required: true
      modules_for:
        description: The names of the programs whose manifests have to come from their Go modules.
        type: list
        elements: str
        default: []
      free_gb:
        description: The free space that building them needs in each of Go's two caches, in gigabytes.
        type: float
        default: 0
"""

EXAMPLES = r"""
- name: See that the loop can be started here
  gitops.flux_local.preflight:
    libraries:
      - name: oras
        minimum: 0.2.43
    folders:
      - path: ~/.local/share/flux-local
        purpose: the state of the loop
        free_gb: 1

- name: See that etcd can be built here
  gitops.flux_local.preflight:
    go:
      minimum: '1.26'
      needed_for: [etcd]
      free_gb: 1.5
"""

RETURN = r"""
python:
  description: The version of the Python that runs the modules.
  returned: success
  type: str
  sample: 3.11.7
go:
  description: The version of Go that is installed. Empty when O(go) is not given.
  returned: success
  type: str
  sample: 1.26.8
missing:
  description: What the machine lacks.
  returned: failure
  type: list
  elements: dict
  contains:
    lacking:
      description: What is needed, and what there is instead.
      type: str
    remedy:
      description: What to do about it.
      type: str
  sample:
    - lacking: The Python library oras 0.2.43 or later is needed, and it is not installed.
      remedy: "Run: /home/dev/flux-local/.venv/bin/python -m pip install 'oras>=0.2.43'"
    - lacking: Go 1.26 or later is needed to build etcd, and version 1.24.1 is installed.
      remedy: Install it (https://go.dev/dl/), or set binaries_folder to a folder with these programs.
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.preflight import ThisMachine, run

LIBRARY: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "minimum": {"type": "str", "required": True},
}
FOLDER: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "purpose": {"type": "str", "required": True},
    "free_gb": {"type": "float", "default": 0},
    "programs_run": {"type": "bool", "default": False},
}
GO: dict[str, Any] = {
    "minimum": {"type": "str", "required": True},
    "needed_for": {"type": "list", "elements": "str", "required": True},
    "modules_for": {"type": "list", "elements": "str", "default": []},
    "free_gb": {"type": "float", "default": 0},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "python": {"type": "str", "default": "3.11"},
            "libraries": {"type": "list", "elements": "dict", "default": [], "options": LIBRARY},
            "folders": {"type": "list", "elements": "dict", "default": [], "options": FOLDER},
            "go": {"type": "dict", "options": GO},
        },
        supports_check_mode=True,
    )
    exit_with(module, lambda: run(module.params, ThisMachine()))


if __name__ == "__main__":
    main()
