# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A loop's cluster in containers: which engine has its nodes, and what forbids to have it so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine import attachment, k3d, kind
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.attachment import Attachment
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import (
    Endpoint,
    endpoint_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.engines import (
    MINIMUM,
    Docker,
    Engine,
    Podman,
    answered,
    ask_docker,
    ask_podman,
    is_at_least,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.k3d import K3d
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.kind import Kind
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Machine, complaint
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import (
    K3D,
    KIND,
    Labels,
    Node,
    of_docker,
    of_podman,
)

PROGRAM_MINIMUM = {"kind": "0.27.0", "k3d": "5.6.0"}
OTHERWISE = "the provider embedded, which needs no container engine"
# Nodes are called by it and a suffix, as host names.
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
# "kind v0.33.0 go1.26.8 linux/amd64", "k3d version v5.9.0"
_VERSION = re.compile(r"\bv([0-9.]+)")


@dataclass(frozen=True)
class Asked:
    """What the role is given.

    ``program`` is asked for its version where it is named. ``kubernetes_nodes``, what k8s_info returned of a
    cluster that exists, are looked for among the containers.
    """

    provider: str
    name: str
    state_dir: str
    state: str = "present"
    engine: str = "auto"
    program: str = ""
    node_image: str = ""
    kind_image: str = ""
    kind_config: Mapping[str, Any] = field(default_factory=dict)
    k3d_config: Mapping[str, Any] = field(default_factory=dict)
    registry_endpoint: Mapping[str, Any] = field(default_factory=dict)
    kubernetes_nodes: Mapping[str, Any] | None = None
    context: str = ""

    @property
    def is_in_containers(self) -> bool:
        """Whether the role makes it of containers."""
        return self.provider in PROGRAM_MINIMUM


@dataclass(frozen=True)
class Choice:
    """What the cluster is going to be, and why, where that was open."""

    provider: str
    engine: str = ""
    network: str = ""
    why: str = ""


@dataclass(frozen=True)
class Found:
    """What there is of the cluster. Without an ``engine``, none answers or none is asked."""

    choice: Choice
    choice_without_image: Choice
    engine: str = ""
    version: str = ""
    docker_host: str = ""
    network: str = ""
    nodes: tuple[Node, ...] = ()
    registry: Endpoint = field(default_factory=Endpoint)
    kind: Kind | None = None
    k3d: K3d | None = None
    attachment: Attachment | None = None
    refused: str = ""


def look(asked: Asked, machine: Machine) -> Found:
    """Look what there is of a cluster, and in which engine. Raises LoopError."""
    endpoint = endpoint_of(asked.registry_endpoint)
    choice = Choice(asked.provider)
    if asked.provider == "embedded" or (asked.provider == "existing" and asked.kubernetes_nodes is None):
        return Found(choice, choice, registry=endpoint)
    engine, silence = _engine(asked, machine)
    found = Found(choice, choice, registry=endpoint, refused=_engine_refused(asked, engine, silence))
    if engine:
        host = engine.host if isinstance(engine, Docker) else ""
        nodes = tuple(_nodes(asked, engine, machine))
        found = replace(found, engine=engine.name, version=engine.version, docker_host=host, nodes=nodes)
    found = replace(found, network=_network(asked, found.engine, machine))
    if not found.refused:
        found = replace(found, refused=_program_refused(asked, machine))
    return _with_choice(asked, _with_provider(asked, found, silence, machine))


def as_dict(found: Found) -> dict[str, Any]:
    """The return values of the module."""
    return asdict(found)


# --- the engine


def _engine(asked: Asked, machine: Machine) -> tuple[Engine | None, str]:
    """The engine that answers, or none and why not. k3d needs Docker."""
    docker: Docker | None = None
    podman: Podman | None = None
    if asked.engine != "podman":
        docker = ask_docker(machine, _question(asked))
        if docker.version:
            return docker, ""
    if asked.engine != "docker" and (asked.engine == "podman" or asked.provider != "k3d"):
        podman = ask_podman(machine)
        if podman.version and asked.provider != "k3d":
            return podman, ""
    silent = docker or podman
    return None, silent.silence(OTHERWISE) if silent else ""


def _question(asked: Asked) -> dict[str, Any]:
    # Of a cluster that exists, the names of its nodes are known and no label.
    filters = {} if asked.provider == "existing" else {"label": f"{_labels(asked).cluster}={asked.name}"}
    return {"containers": True, "containers_all": True, "containers_filters": filters}


def _labels(asked: Asked) -> Labels:
    return K3D if asked.provider == "k3d" else KIND


def _nodes(asked: Asked, engine: Engine, machine: Machine) -> list[Node]:
    if isinstance(engine, Docker):
        return of_docker(engine.answer.get("containers") or [], _labels(asked))
    answer = answered(machine, "containers.podman.podman_container_info", {})
    name = "" if asked.provider == "existing" else asked.name
    return of_podman(answer.get("containers") or [], _labels(asked), name)


def _network(asked: Asked, engine: str, machine: Machine) -> str:
    """The engine's network that the nodes are in.

    https://kind.sigs.k8s.io: what kind's own variables name, or else the one it makes for all its clusters.
    """
    if asked.provider == "k3d":
        return str(asked.k3d_config.get("network", "k3d"))
    return machine.environment.get(f"KIND_EXPERIMENTAL_{engine.upper()}_NETWORK") or "kind"


# --- what is refused, in the words of the role's options


def _engine_refused(asked: Asked, engine: Engine | None, silence: str) -> str:
    if not asked.is_in_containers:
        return ""
    if not _NAME.fullmatch(asked.name):
        return (
            f"cluster_name: {asked.name}: {asked.provider} allows lower-case letters, digits and "
            "hyphens, at most 32. Give the loop such a name, or use the provider embedded."
        )
    if not engine:
        return f"cluster_provider: {asked.provider}: {silence}"
    minimum = MINIMUM[engine.name]
    if is_at_least(engine.version, minimum):
        return ""
    return (
        f"cluster_provider: {asked.provider}: {engine.name} {engine.version} answers, and version "
        f"{minimum} or later is needed. Upgrade it, or use {OTHERWISE}."
    )


def _program_refused(asked: Asked, machine: Machine) -> str:
    if not asked.program:
        return ""
    name = asked.provider
    answer = machine.ask("ansible.builtin.command", {"argv": [asked.program, "version"]})
    said = _VERSION.search(answer.get("stdout") or "")
    if not said:
        return (
            f"cluster_{name}_program: {asked.program} cannot be run "
            f"({complaint(answer)}). Install {name}, name it with this option, or "
            "have the role binaries install it."
        )
    version, minimum = said[1], PROGRAM_MINIMUM[name]
    if is_at_least(version, minimum):
        return ""
    return (
        f"cluster_{name}_program: {asked.program} is version {version}, and version {minimum} or later "
        "is needed. Upgrade it, or name another one."
    )


# --- the provider


def _with_provider(asked: Asked, found: Found, silence: str, machine: Machine) -> Found:
    """With what there is of the cluster beside its nodes, where it is to be there."""
    if asked.kubernetes_nodes is not None:
        attached = attachment.look(
            asked.kubernetes_nodes, asked.context, found.engine, silence, found.nodes, found.registry
        )
        return replace(found, attachment=attached)
    if asked.state != "present":
        return found
    folder = f"{asked.state_dir}/{asked.provider}"
    if asked.provider == "kind":
        config = kind.configuration(asked.kind_config, asked.kind_image, f"{folder}/certs.d")
        made = kind.look(asked.name, folder, config, found.nodes, found.registry, machine)
        return replace(found, kind=made)
    if asked.provider == "k3d":
        config = k3d.configuration(asked.k3d_config, asked.name, found.network, found.registry)
        return replace(found, k3d=k3d.look(asked.name, folder, config, found.nodes, machine))
    return found


def _with_choice(asked: Asked, found: Found) -> Found:
    """With what the cluster is going to be, if the image of kind's nodes is there, and if it is not."""
    if asked.provider != "auto":
        networks: Sequence[str] = found.attachment.networks if found.attachment else (found.network,)
        choice = Choice(asked.provider, found.engine, networks[0] if networks else "")
        return replace(found, choice=choice, choice_without_image=choice)
    if not _NAME.fullmatch(asked.name):
        without = Choice("embedded", why=f"containers cannot have the name {asked.name}")
    elif not found.engine:
        without = Choice("embedded", why="no container engine answers")
    else:
        why = f"{found.engine.capitalize()} {found.version} answers"
        lacking = f"{why}, and it lacks the image {asked.node_image}, which cannot be pulled"
        chosen = Choice("kind", found.engine, found.network, why)
        return replace(found, choice=chosen, choice_without_image=Choice("embedded", why=lacking))
    return replace(found, choice=without, choice_without_image=without)
