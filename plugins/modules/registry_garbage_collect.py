#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: win back the space of what a registry no longer refers to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_garbage_collect
version_added: 0.1.0
short_description: Deletes the blobs that no manifest of a stopped registry refers to
description:
  - Runs the garbage collection of the registry's own program (CNCF Distribution) on its folder, and says how many bytes
    that won.
  - The registry has to be stopped. What is pushed meanwhile could otherwise be deleted with the garbage. The module fails
    when something listens at the address of the configuration.
  - The playbook C(gitops.flux_local.prune) stops the registry of a loop, runs this module and starts the registry again,
    whatever happens.
author:
  - The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  program:
    description:
      - The registry's program.
    type: path
    required: true
  config:
    description:
      - The registry's configuration, which names the folder of its storage.
    type: path
    required: true
requirements:
  - PyYAML (Python library)
notes:
  - Manifests without a tag are kept with their blobs, because a cluster may refer to them by digest.
    M(gitops.flux_local.oci_artifact_prune) removes those that are not needed.
seealso:
  - module: gitops.flux_local.oci_artifact_prune
"""

EXAMPLES = r"""
- name: The registry has no garbage
  gitops.flux_local.registry_garbage_collect:
    program: /usr/local/bin/registry
    config: /etc/registry/config.yml
"""

RETURN = r"""
won:
  description: The bytes won, or to be won in check mode.
  type: int
  returned: success
  sample: 203300
before:
  description: The size of the registry's folder before, in bytes.
  type: int
  returned: success
  sample: 417800
after:
  description: The size of the registry's folder afterwards, in bytes.
  type: int
  returned: success
  sample: 214500
blobs:
  description: The blobs that were deleted.
  type: list
  elements: str
  returned: success
  sample: ["sha256:3f4c52c43ee00abcee3fb899cd602af66325d72c3a5e10a23af7d04184b3b805"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.garbage_collection import (
    execute,
    run,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "program": {"type": "path", "required": True},
            "config": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    require(module, "yaml")
    exit_with(module, lambda: run(module.params, execute=execute, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
