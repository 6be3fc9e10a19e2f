#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ports of a loop, chosen once and kept."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_ports
short_description: Chooses the ports that a loop listens on, and keeps them
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - A port is chosen when it is asked for the first time. The default is taken when it is free on 127.0.0.1 and no other loop of this
    user has it, running or stopped, otherwise any free one.
  - The choice is kept in C(ports.json) in the state folder, so that addresses stay the same from run to run.
  - Other loops are those whose state folders are beside this one, and those that C(~/.local/state/flux-local) has a link to. Each loop
    gets one there, or in C(/tmp/flux-local-<uid>) where the user has no home.
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
    details:
      - On a loop that does not exist yet, a port other than the default may be another one when the loop is really created.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state_dir:
    description: The state folder of the loop.
    type: path
    required: true
  wanted:
    description: The names of the ports, each with the port to take when it is free.
    type: dict
    required: true
  held:
    description:
      - Ports that the loop's own programs listen on although they were not chosen here, by name. They are kept like those that were.
      - A name without a value is ignored.
    type: dict
    default: {}
  pinned:
    description:
      - Ports that must be these and no others, by name. A name without a value is ignored.
      - The module fails when one of them is taken by another program.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: The registry has a port
  gitops.flux_local.loop_ports:
    state_dir: /home/me/.local/share/flux-local/flux-local
    wanted:
      registry: 5001
  register: ports
"""

RETURN = r"""
ports:
  description: The port of every name that was asked for.
  type: dict
  returned: success
  sample:
    registry: 5001
"""

import contextlib
import json
import socket
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import write_atomically
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.ports import (
    FILE_NAME,
    choose,
    choosing_alone,
    pinned_ports,
    port_numbers,
    ports_of_others,
    read_ports,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.machine import port_is_free
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    known_folders,
    shared_folder,
    this_user,
)


def any_free_port() -> int:
    """A port that the kernel says is free on 127.0.0.1."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Choose what is not chosen yet, and keep it."""
    user = this_user()
    links = known_folders(user)
    if check_mode:
        return chosen_ports(params, links, keeps=False)
    with choosing_alone(params["state_dir"], shared_folder(user)):
        return chosen_ports(params, links, keeps=True)


def chosen_ports(params: dict[str, Any], links: list[str], *, keeps: bool) -> dict[str, Any]:
    """The ports, and whether any of them is new."""
    state_dir = params["state_dir"]
    kept = read_ports(state_dir)
    chosen = choose(
        port_numbers("wanted", params["wanted"]),
        {**port_numbers("held", params["held"]), **kept},
        pinned_ports(params["pinned"], params["wanted"]),
        reserved=ports_of_others(state_dir, links),
        is_free=port_is_free,
        any_free=any_free_port,
    )
    after = {**kept, **chosen}
    if after == kept:
        return {"changed": False, "ports": chosen}
    before_text, after_text = (json.dumps(ports, indent=2, sort_keys=True) + "\n" for ports in (kept, after))
    if keeps:
        write_atomically(f"{state_dir}/{FILE_NAME}", after_text.encode(), mode=0o600)
    return {
        "changed": True,
        "ports": chosen,
        "diff": {"before": before_text if kept else "", "after": after_text},
    }


def main() -> None:
    """The module's entry."""
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "path", "required": True},
            "wanted": {"type": "dict", "required": True},
            "held": {"type": "dict", "default": {}},
            "pinned": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    exit_with(module, lambda: run(module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
