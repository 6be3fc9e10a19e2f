#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""A group of programs that supervisord keeps running for a loop."""

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_processes
short_description: Keeps a group of programs running under a loop's own supervisord
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Each loop has one supervisord of its own, run by the calling user without root. It is started when the first group needs it, and ends
    when the last program of the loop has been stopped.
  - The configuration files, the programs and the folders they need are compared with what is there. Only what differs is written, and
    only programs whose command, environment or files differ are restarted.
  - What a killed supervisord left running is found by its exact arguments, ended, and started again under supervision.
  - The supervisord of a loop is found in the process table, whatever became of its socket and of the loop's files. One that cannot be
    asked any more is replaced by one that runs the same.
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - psutil (Python library) >= 5.9
  - supervisor (Python library) >= 4.2.5
options:
  state_dir:
    description: The state folder of the loop. Logs go to its folder C(logs), supervisor's files to C(supervisor).
    type: path
    required: true
  group:
    description:
      - The name of the group. Groups of one loop are independent of each other.
      - Required with O(state=started). Without it, everything that still runs for the loop is ended, also what none of its files names any
        more.
    type: str
  state:
    description:
      - V(started) has every program running with this configuration.
      - V(stopped) has none of the group's programs running, the last started stopped first.
      - V(absent) also forgets their configuration.
    type: str
    choices: [started, stopped, absent]
    default: started
  processes:
    description: The programs. Only used with O(state=started).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name, unique in the loop.
        type: str
        required: true
      command:
        description: The program's path and its arguments.
        type: list
        elements: str
        required: true
      environment:
        description: Environment variables.
        type: dict
        default: {}
      priority:
        description: Programs with a lower number are started first, and stopped last. Those of one number start together.
        type: int
        default: 100
      stop_seconds:
        description: How long the program may take to end by itself before it is killed.
        type: int
        default: 20
      ports:
        description: Ports on 127.0.0.1 that the program listens on. They must be free before it is started.
        type: list
        elements: int
        default: []
      restarts_with:
        description: Files that the program reads only when it starts. It is restarted when one of them differs.
        type: list
        elements: path
        default: []
      own_folder:
        description:
          - A folder that the program has for itself. It is not started while another process has locked the folder, as
            M(gitops.flux_local.registry_garbage_collect) does.
        type: path
      ready:
        description: How to see that the program serves.
        type: dict
        suboptions:
          url:
            description: An address that answers with a status below 400 once the program serves.
            type: str
            required: true
          ca_cert:
            description: The certificate authority that signed the server's certificate.
            type: path
          client_cert:
            description: The client certificate to show.
            type: path
          client_key:
            description: The key of O(processes[].ready.client_cert).
            type: path
  requires:
    description: What must answer before a program of this group is started, such as a server of another group.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: An address that answers with a status below 400 once the program serves.
        type: str
        required: true
      ca_cert:
        description: The certificate authority that signed the server's certificate.
        type: path
      client_cert:
        description: The client certificate to show.
        type: path
      client_key:
        description: The key of O(requires[].client_cert).
        type: path
  files:
    description: Configuration files, written before the programs are started.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file is.
        type: path
        required: true
      content:
        description: What it holds.
        type: str
        required: true
      mode:
        description: Its permission bits, in octal.
        type: str
        default: '0600'
      secret:
        description: Whether its content is kept out of the diff.
        type: bool
        default: false
  directories:
    description: Folders that must exist before the programs are started. They are made with mode 0700.
    type: list
    elements: path
    default: []
  wait:
    description: Whether to wait until every program with O(processes[].ready) answers, wave by wave.
    type: bool
    default: true
  timeout:
    description: How long to wait for a wave of programs to answer or to stop, in seconds.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: The registry runs
  gitops.flux_local.supervised_processes:
    state_dir: /home/me/.local/share/flux-local/flux-local
    group: registry
    files:
      - path: /home/me/.local/share/flux-local/flux-local/registry/config.yml
        content: "{{ lookup('ansible.builtin.template', 'config.yml.j2') }}"
    processes:
      - name: registry
        command: [/usr/local/bin/registry, serve, /home/me/.local/share/flux-local/flux-local/registry/config.yml]
        restarts_with: [/home/me/.local/share/flux-local/flux-local/registry/config.yml]
        ports: [5001]
        ready:
          url: http://127.0.0.1:5001/v2/

- name: The registry is stopped
  gitops.flux_local.supervised_processes:
    state_dir: /home/me/.local/share/flux-local/flux-local
    group: registry
    state: stopped
"""

RETURN = r"""
why:
  description: What was different, a sentence each. Empty when nothing was.
  type: list
  elements: str
  returned: success
  sample: [registry is not running]
processes:
  description: The programs as supervisord sees them.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The program's name.
      type: str
      sample: registry
    state:
      description: The state, in supervisord's words.
      type: str
      sample: RUNNING
    pid:
      description: The process number, V(0) when it does not run.
      type: int
      sample: 4711
    since:
      description: When it was started, in seconds since the epoch.
      type: int
      sample: 1795530000
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    ConfigurationFile,
    Group,
    Probe,
    Process,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.group import (
    ensure_started,
    ensure_stopped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.machine import LocalMachine
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.recovery import end_everything
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.supervisord import Supervisord
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import this_user


def asked_group(params: dict[str, Any]) -> Group:
    """The group as the module's options describe it."""
    return Group(
        state_dir=params["state_dir"],
        name=params["group"],
        processes=tuple(
            Process(
                name=process["name"],
                command=tuple(process["command"]),
                environment={name: str(value) for name, value in process["environment"].items()},
                priority=process["priority"],
                stop_seconds=process["stop_seconds"],
                ports=tuple(process["ports"]),
                restarts_with=tuple(process["restarts_with"]),
                ready=Probe(**process["ready"]) if process["ready"] else None,
                own_folder=process["own_folder"] or "",
            )
            for process in params["processes"]
        ),
        files=tuple(
            ConfigurationFile(file["path"], file["content"], mode=int(file["mode"], 8), secret=file["secret"])
            for file in params["files"]
        ),
        directories=tuple(params["directories"]),
        requires=tuple(Probe(**probe) for probe in params["requires"]),
    )


def run(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the group into the state that ``params`` ask for."""
    state_dir = params["state_dir"]
    supervisor, machine = Supervisord(state_dir, this_user()), LocalMachine(state_dir)
    if params["group"] is None:
        return end_everything(state_dir, supervisor=supervisor, machine=machine, check_mode=check_mode)
    group = asked_group(params)
    if params["state"] == "started":
        return ensure_started(
            group,
            supervisor=supervisor,
            machine=machine,
            wait=params["wait"],
            timeout=params["timeout"],
            check_mode=check_mode,
        )
    return ensure_stopped(
        group,
        forget=params["state"] == "absent",
        supervisor=supervisor,
        machine=machine,
        timeout=params["timeout"],
        check_mode=check_mode,
    )


def main() -> None:
    """The module's entry."""
    probe = {
        "url": {"type": "str", "required": True},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
    }
    process = {
        "name": {"type": "str", "required": True},
        "command": {"type": "list", "elements": "str", "required": True},
        "environment": {"type": "dict", "default": {}},
        "priority": {"type": "int", "default": 100},
        "stop_seconds": {"type": "int", "default": 20},
        "ports": {"type": "list", "elements": "int", "default": []},
        "restarts_with": {"type": "list", "elements": "path", "default": []},
        "ready": {"type": "dict", "options": probe},
        "own_folder": {"type": "path"},
    }
    file = {
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "required": True},
        "mode": {"type": "str", "default": "0600"},
        "secret": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "path", "required": True},
            "group": {"type": "str"},
            "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
            "processes": {"type": "list", "elements": "dict", "default": [], "options": process},
            "files": {"type": "list", "elements": "dict", "default": [], "options": file},
            "directories": {"type": "list", "elements": "path", "default": []},
            "requires": {"type": "list", "elements": "dict", "default": [], "options": probe},
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 60},
        },
        required_if=[("state", "started", ["group"])],
        supports_check_mode=True,
    )
    require(module, "psutil", "supervisor")
    exit_with(module, lambda: run(module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
