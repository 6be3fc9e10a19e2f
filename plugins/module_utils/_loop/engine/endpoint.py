# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A registry as the nodes of a cluster reach it, and where their containerd reads of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.engines import Engine
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Machine, complaint

# containerd's configuration in nodes of kind and of others, and in those of k3s.
CONFIGURATIONS = ("/etc/containerd/config.toml", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml")
_CONFIG_PATH = re.compile(r"""config_path\s*=\s*["']([^"':]+)""")
_LOCAL = re.compile(r"(localhost|127\.0\.0\.1):")
_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+)(:|/|$)")


@dataclass(frozen=True)
class Endpoint:
    """``names`` are those by which images of the registry may be named, ``url`` is where it is for nodes.

    ``hosts`` is a hosts.toml for it: https://github.com/containerd/containerd/blob/main/docs/hosts.md
    """

    names: tuple[str, ...] = ()
    url: str = ""
    hosts: str = ""
    container: str = ""
    is_told: bool = False
    is_out_of_reach: bool = False


@dataclass(frozen=True)
class Place:
    """Where a node's containerd reads of one name of the registry, and what it reads there now."""

    folder: str
    content: str = ""


@dataclass(frozen=True)
class Places:
    """The places in a node. Without a ``folder`` it has none, and ``said`` is what it said instead."""

    node: str
    folder: str
    said: str
    registries: tuple[Place, ...] = ()


def endpoint_of(registry: Mapping[str, Any]) -> Endpoint:
    """The registry that the fact registry_endpoint describes; nothing where there is none yet."""
    if "host" not in registry:
        return Endpoint()
    host, cluster = str(registry["host"]), str(registry.get("cluster") or "")
    is_insecure = bool(registry.get("insecure"))
    address, cluster_address = host.split("/", maxsplit=1)[0], cluster.split("/", maxsplit=1)[0]
    url = f"{'http' if is_insecure else 'https'}://{cluster_address}"
    port = address.rpartition(":")[2]
    # Who pushes to one of them names it so in his manifests.
    is_local = _LOCAL.match(address)
    return Endpoint(
        names=(f"127.0.0.1:{port}", f"localhost:{port}") if is_local else (address,),
        url=url,
        hosts=f'[host."{url}"]\n',
        container=cluster_address.split(":")[0],
        # Anything else is reached as it is called.
        is_told=is_insecure or host != cluster,
        is_out_of_reach=bool(_LOOPBACK.match(cluster)),
    )


def places_in(
    nodes: Sequence[str], endpoint: Endpoint, engine: Engine, machine: Machine, *, reads: bool
) -> list[Places]:
    """Where containerd reads of the registry in these containers; with what is there, if ``reads``."""
    return [_places(node, endpoint, engine, machine, reads=reads) for node in nodes]


def no_place(places: Sequence[Places]) -> str:
    """Which node has no place for it, and what to do; nothing where all have one."""
    for found in places:
        if not found.folder:
            return (
                f"cluster_attach_registry: the containerd of the node {found.node} has no config_path "
                f"that names a folder for registries ({found.said.strip()}). Nodes of kind 0.27 or "
                "later and of k3d have one: make the cluster anew with one of these, or use one of "
                "the other providers."
            )
    return ""


def as_dict(places: Places) -> dict[str, Any]:
    """How the module returns them."""
    return {**asdict(places), "registries": [asdict(place) for place in places.registries]}


def _places(node: str, endpoint: Endpoint, engine: Engine, machine: Machine, *, reads: bool) -> Places:
    answer = engine.execute(machine, node, ["cat", *CONFIGURATIONS])
    found = _CONFIG_PATH.search(answer.get("stdout") or "")
    folder = found[1] if found else ""
    folders = [f"{folder}/{name}" for name in endpoint.names]
    registries = tuple(
        Place(path, _content(node, path, engine, machine) if reads and folder else "") for path in folders
    )
    return Places(node, folder, complaint(answer), registries)


def _content(node: str, folder: str, engine: Engine, machine: Machine) -> str:
    return str(engine.execute(machine, node, ["cat", f"{folder}/hosts.toml"]).get("stdout") or "")
