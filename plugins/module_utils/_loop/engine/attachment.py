# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The registry attached to a cluster that exists: which containers of a local engine are its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import Endpoint
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import Node, names


@dataclass(frozen=True)
class Attachment:
    """``nodes`` are containers, ``networks`` theirs.

    ``apart`` is the registry's container if it is in none of these networks; without one that is known, its
    name is nothing, and it is not apart.
    """

    nodes: tuple[str, ...]
    networks: tuple[str, ...]
    apart: str
    refused: str


def look(
    answer: Mapping[str, Any],
    context: str,
    engine: str,
    silence: str,
    containers: Sequence[Node],
    endpoint: Endpoint,
) -> Attachment:
    """Find the nodes of ``answer``, what k8s_info returned, among the containers of the engine."""
    objects = answer.get("resources") or []
    nodes = [node for known in objects for node in containers if is_node(known, node)]
    networks = tuple(sorted({network for node in nodes for network in node.networks}))
    registry = next((node for node in containers if node.name == endpoint.container), None)
    is_apart = registry is not None and not set(registry.networks) & set(networks)
    return Attachment(
        nodes=tuple(names(nodes)),
        networks=networks,
        apart=registry.name if registry and is_apart else "",
        refused=_refused(answer, context, engine, silence, names(nodes)),
    )


def is_node(known: Mapping[str, Any], container: Node) -> bool:
    """Whether a container that runs has a node's name and its addresses: names alone repeat elsewhere."""
    addresses = (known.get("status") or {}).get("addresses") or []
    internal = {address["address"] for address in addresses if address["type"] == "InternalIP"}
    return (
        container.name == known["metadata"]["name"]
        and container.is_running
        and internal <= set(container.addresses)
    )


def _refused(answer: Mapping[str, Any], context: str, engine: str, silence: str, found: Sequence[str]) -> str:
    if not engine:
        return f"cluster_attach_registry: {silence}"
    objects = answer.get("resources") or []
    if not objects:
        return (
            f"cluster_attach_registry: the cluster of the context {context} does not say which nodes it has "
            f"({answer.get('msg', 'it has none')}). Start it, or name another context."
        )
    missing = [node["metadata"]["name"] for node in objects if node["metadata"]["name"] not in found]
    if not missing:
        return ""
    return (
        f"cluster_attach_registry: the nodes {', '.join(missing)} of the context {context} are no "
        f"running containers of {engine} on this machine. Name the other engine with cluster_engine, "
        "or tell their containerd yourself where the registry is."
    )
