#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Documentation and options of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_engine
short_description: Says which container engine answers, what of a loop it has, and what forbids to have it so
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Asks Docker and Podman with the modules of P(community.docker#collection) and P(containers.podman#collection), in the task's own process.
  - The roles registry and cluster read from it what to do. What they must not do is in RV(refused), in the words of their options.
  - Variables and files are those of the controller, as with lookups.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  registry:
    description: Look for the container and the volume of a registry.
    type: dict
    suboptions:
      state:
        description: What the registry is going to be.
        type: str
        choices: [present, stopped, absent]
        default: present
      engine:
        description:
          - What runs the registry.
          - V(auto) is what holds its content, or else Docker where that answers, else Podman where that does, else V(process).
        type: str
        choices: [auto, docker, podman, process, existing]
        default: auto
      name:
        description: The name of the loop.
        type: str
        required: true
      state_dir:
        description: The state folder of the loop. C(registry.json) in it says in which engine the content is.
        type: path
        required: true
      container_name:
        description: The name of the container.
        type: str
        required: true
      volume:
        description: The volume or, with a slash first, the folder of the content. By default it is the one that has been used so far.
        type: str
        default: ''
      network:
        description: A network of the engine that the container has to be in.
        type: str
        default: ''
      adopt:
        description: Whether a container and a volume that no loop has made may be taken over.
        type: bool
        default: false
      garbage:
        description: Whether to have the registry's own program look for blobs that nothing refers to.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Docker or Podman was asked for the registry's container
  gitops.flux_local.container_engine:
    registry:
      name: flux-local
      state_dir: /home/me/.local/share/flux-local/flux-local
      container_name: flux-local-registry
  register: found

- name: The registry can be had so
  ansible.builtin.assert:
    that: found.refused == ''
    fail_msg: "{{ found.refused }}"
"""

RETURN = r"""
engine:
  description: What runs the registry, V(docker), V(podman), V(process) or V(existing).
  type: str
  returned: success
  sample: docker
version:
  description: The version of the container engine; nothing where none is asked for, or where it does not answer.
  type: str
  returned: success
  sample: 28.2.2
docker_host:
  description: Where Docker was asked; nothing with another engine.
  type: str
  returned: success
  sample: unix:///var/run/docker.sock
refused:
  description: Why the registry cannot be had so, and what to do; nothing where it can.
  type: str
  returned: success
  sample: ''
kept:
  description: What has held the content so far (C(engine)), and there the volume or folder (C(storage)); nothing where there is no content.
  type: dict
  returned: when a registry is asked for
  sample:
    engine: docker
    storage: flux-local-registry
keep:
  description: The same for what is asked for.
  type: dict
  returned: when a registry is asked for
  sample:
    engine: docker
    storage: flux-local-registry
container:
  description: The container as it is. Its C(state) is V(absent) where there is none.
  type: dict
  returned: when a registry is asked for
  sample:
    configuration: /etc/distribution/config.yml
    image: docker.io/library/registry:3
    image_id: sha256:3d7b1fb9d2b2b1c1f8a4a7a4d4e6e8c6a0a5c5f0a7c9e1d3b5f7a9c1e3d5f7a9
    is_ours: true
    loop: flux-local
    mount: flux-local-registry:/var/lib/registry
    networks: [bridge, kind]
    port: '5001'
    state: running
volume:
  description: Whether the volume C(exists), and whether it is of this loop.
  type: dict
  returned: when a registry is asked for
  sample:
    exists: true
    is_ours: true
storage:
  description: The volume or folder that holds the content.
  type: str
  returned: when a registry is asked for
  sample: flux-local-registry
storage_is_folder:
  description: Whether that is a folder.
  type: bool
  returned: when a registry is asked for
  sample: false
networks:
  description: The networks that the container has to be in, besides the engine's own, each with its C(name).
  type: list
  elements: dict
  returned: when a registry is asked for
  sample:
    - name: kind
garbage:
  description: The digests of the blobs that nothing refers to.
  type: list
  elements: str
  returned: when a registry is asked for
  sample: []
"""

REGISTRY = {
    "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
    "engine": {
        "type": "str",
        "choices": ["auto", "docker", "podman", "process", "existing"],
        "default": "auto",
    },
    "name": {"type": "str", "required": True},
    "state_dir": {"type": "path", "required": True},
    "container_name": {"type": "str", "required": True},
    "volume": {"type": "str", "default": ""},
    "network": {"type": "str", "default": ""},
    "adopt": {"type": "bool", "default": False},
    "garbage": {"type": "bool", "default": False},
}
SPEC = {"registry": {"type": "dict", "options": REGISTRY}}
QUESTIONS = tuple(SPEC)
