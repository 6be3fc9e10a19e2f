# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of the module container_engine, as Ansible validates them; the module documents them."""

from __future__ import annotations

from typing import Any

REGISTRY: dict[str, Any] = {
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
    "program": {"type": "str", "default": ""},
    "address": {"type": "str", "default": ""},
}
CLUSTER: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
    "provider": {
        "type": "str",
        "choices": ["auto", "embedded", "kind", "k3d", "existing"],
        "required": True,
    },
    "engine": {"type": "str", "choices": ["auto", "docker", "podman"], "default": "auto"},
    "name": {"type": "str", "required": True},
    "state_dir": {"type": "path", "required": True},
    "program": {"type": "str", "default": ""},
    "node_image": {"type": "str", "default": ""},
    "kind_image": {"type": "str", "default": ""},
    "kind_config": {"type": "dict", "default": {}},
    "k3d_config": {"type": "dict", "default": {}},
    "registry_endpoint": {"type": "dict", "default": {}},
    "kubernetes_nodes": {"type": "dict"},
    "context": {"type": "str", "default": ""},
}
CONTAINERD: dict[str, Any] = {
    "engine": {"type": "str", "choices": ["docker", "podman"], "required": True},
    "docker_host": {"type": "str", "default": ""},
    "nodes": {"type": "list", "elements": "str", "required": True},
    "registry_endpoint": {"type": "dict", "required": True},
    "reads": {"type": "bool", "default": False},
}
LOOP: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state_dir": {"type": "path", "required": True},
    "provider": {
        "type": "str",
        "choices": ["auto", "embedded", "kind", "k3d", "existing"],
        "default": "auto",
    },
    "kept": {"type": "dict", "default": {}},
    "registry_engine": {
        "type": "str",
        "choices": ["", "auto", "docker", "podman", "process", "existing"],
        "default": "",
    },
    "attach_registry": {"type": "bool", "default": False},
    "kind_program": {"type": "str", "default": ""},
    "k3d_program": {"type": "str", "default": ""},
}
SPEC: dict[str, Any] = {
    "loop": {"type": "dict", "options": LOOP},
    "registry": {"type": "dict", "options": REGISTRY},
    "cluster": {"type": "dict", "options": CLUSTER},
    "containerd": {"type": "dict", "options": CONTAINERD},
}
# One of them is asked at a time.
QUESTIONS = tuple(SPEC)
