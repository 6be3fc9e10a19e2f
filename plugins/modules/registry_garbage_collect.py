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
    when something listens at the address of the configuration, or a registry runs with it.
  - With O(state_dir), as in the playbook C(gitops.flux_local.prune), the registry of a loop is stopped and started again,
    also when the playbook is interrupted or killed. The collection ends with the playbook.
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
  state_dir:
    description:
      - The state folder of the loop whose supervisord runs the registry, as its program C(registry).
      - Nothing is stopped where there is no garbage.
    type: path
  timeout:
    description:
      - How long the registry may take to stop, in seconds.
    type: int
    default: 60
requirements:
  - PyYAML (Python library)
  - psutil (Python library) >= 5.9
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

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.garbage_collection import (
    execute,
    run,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.programs import paused
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.supervisord import Supervisord
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import this_user


def pause_of_registry(params: Mapping[str, Any]) -> AbstractContextManager[object]:
    """The time in which the loop's registry is stopped."""
    if params["state_dir"] is None:
        return nullcontext()
    supervisor = Supervisord(params["state_dir"], this_user())
    return paused("registry", supervisor=supervisor, timeout=params["timeout"])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "program": {"type": "path", "required": True},
            "config": {"type": "path", "required": True},
            "state_dir": {"type": "path"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    require(module, "yaml", "psutil")
    registry = partial(pause_of_registry, module.params)
    exit_with(
        module, lambda: run(module.params, execute=execute, paused=registry, check_mode=module.check_mode)
    )


if __name__ == "__main__":
    main()
