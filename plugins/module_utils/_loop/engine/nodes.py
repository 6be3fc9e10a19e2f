# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The containers that are nodes of a cluster, as both engines tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Answer


@dataclass(frozen=True)
class Labels:
    """What kind and k3d write on the containers of their nodes: of which cluster, and as what."""

    cluster: str
    role: str


KIND = Labels("io.x-k8s.kind.cluster", "io.x-k8s.kind.role")
K3D = Labels("k3d.cluster", "k3d.role")


@dataclass(frozen=True)
class Node:
    """A container that is a node, or beside nodes."""

    name: str
    state: str
    role: str
    networks: tuple[str, ...]
    addresses: tuple[str, ...]
    mounts: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self.state == "running"


def of_docker(containers: Iterable[Answer], labels: Labels) -> list[Node]:
    """Nodes of what docker_host_info lists, which has been asked for them alone."""
    return [
        _node(
            str(container["Names"][0]).removeprefix("/"),
            str(container["State"]),
            (container.get("Labels") or {}).get(labels.role) or "",
            container,
        )
        for container in containers
    ]


def of_podman(containers: Iterable[Answer], labels: Labels, cluster: str) -> list[Node]:
    """Nodes of what podman_container_info shows; those of one ``cluster``, or all where it has no name."""
    nodes = []
    for container in containers:
        marks = (container.get("Config") or {}).get("Labels") or {}
        if not cluster or marks.get(labels.cluster) == cluster:
            state = str(container["State"]["Status"])
            nodes.append(_node(str(container["Name"]), state, marks.get(labels.role) or "", container))
    return nodes


def _node(name: str, state: str, role: str, container: Answer) -> Node:
    networks: dict[str, Any] = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return Node(
        name=name,
        state=state,
        role=role,
        networks=tuple(networks),
        addresses=tuple(network.get("IPAddress") or "" for network in networks.values()),
        mounts=tuple(mount["Destination"] for mount in container.get("Mounts") or []),
    )


def names(nodes: Sequence[Node]) -> list[str]:
    """What the nodes are called."""
    return [node.name for node in nodes]
