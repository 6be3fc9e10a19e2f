# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Docker and Podman: which of them answers, and what they say of containers and volumes.

They are asked by the modules of community.docker and containers.podman. What is read of their answers here is
alike: both have what ``inspect`` shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible.module_utils.compat.version import LooseVersion

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import (
    Answer,
    Machine,
    first,
    reason,
)

MINIMUM = {"docker": "20.10", "podman": "4.0"}
USUAL_DOCKER_HOST = "unix:///var/run/docker.sock"


class Engine(Protocol):
    """A container engine that was asked what it is."""

    @property
    def name(self) -> str:
        """The name of its program."""

    @property
    def version(self) -> str:
        """Its version; nothing where it does not answer."""

    def silence(self, otherwise: str) -> str:
        """Why it does not answer and what to do, ``otherwise`` being the way without it."""

    def container(self, machine: Machine, name: str) -> Answer:
        """A container as ``inspect`` shows it, or nothing. Raises LoopError."""

    def volume(self, machine: Machine, name: str) -> Answer:
        """A volume as ``inspect`` shows it, or nothing. Raises LoopError."""

    def execute(self, machine: Machine, container: str, command: Sequence[str]) -> Answer:
        """What a command in a container says: ``rc``, ``stdout`` and ``stderr``, or ``msg``."""


@dataclass(frozen=True)
class Docker:
    """What docker_host_info returned, and where it was asked; ``volume_asked`` came with the answer."""

    host: str
    answer: Answer
    user: str = ""
    volume_asked: str = ""

    name = "docker"

    @property
    def version(self) -> str:
        return str((self.answer.get("host_info") or {}).get("ServerVersion") or "")

    def silence(self, otherwise: str) -> str:
        if "ermission denied" in self.answer.get("msg", ""):
            return (
                f"Docker at {self.host} refuses this user. Join the group that owns the socket (usually: "
                f"sudo usermod -aG docker {self.user}, then log in anew), or use {otherwise}."
            )
        return (
            f"no Docker answers at {self.host} ({reason(self.answer)}). Start it, name its socket with "
            f"DOCKER_HOST or docker context use, or use {otherwise}."
        )

    def container(self, machine: Machine, name: str) -> Answer:
        options = {"docker_host": self.host, "name": name}
        return answered(machine, "community.docker.docker_container_info", options).get("container") or {}

    def volume(self, machine: Machine, name: str) -> Answer:
        if name == self.volume_asked:
            return _named(name, self.answer.get("volumes") or [])
        options = {"docker_host": self.host, "name": name}
        return answered(machine, "community.docker.docker_volume_info", options).get("volume") or {}

    def execute(self, machine: Machine, container: str, command: Sequence[str]) -> Answer:
        options = {"docker_host": self.host, "container": container, "argv": list(command)}
        return machine.ask("community.docker.docker_container_exec", options)


@dataclass(frozen=True)
class Podman:
    """What podman_system_info returned."""

    answer: Answer

    name = "podman"

    @property
    def version(self) -> str:
        info = self.answer.get("podman_system_info") or {}
        return str((info.get("version") or {}).get("Version") or "")

    def silence(self, otherwise: str) -> str:
        return f"no Podman answers ({reason(self.answer)}). Install it, or use {otherwise}."

    def container(self, machine: Machine, name: str) -> Answer:
        found = answered(machine, "containers.podman.podman_container_info", {"name": [name]})
        return first(found.get("containers") or [])

    def volume(self, machine: Machine, name: str) -> Answer:
        found = answered(machine, "containers.podman.podman_volume_info", {})
        return _named(name, found.get("volumes") or [])

    def execute(self, machine: Machine, container: str, command: Sequence[str]) -> Answer:
        options = {"name": container, "argv": list(command)}
        return machine.ask("containers.podman.podman_container_exec", options)


def ask_docker(machine: Machine, question: Mapping[str, Any], *, volume_asked: str = "") -> Docker:
    """Ask Docker what it is, with what docker_host_info can be asked besides, such as for a volume."""
    host = docker_host(machine)
    answer = machine.ask(
        "community.docker.docker_host_info", {"docker_host": host, **question, "verbose_output": True}
    )
    return Docker(host, answer, machine.environment.get("USER", ""), volume_asked)


def ask_podman(machine: Machine) -> Podman:
    """Ask Podman what it is."""
    return Podman(machine.ask("containers.podman.podman_system_info", {}))


def docker_host(machine: Machine) -> str:
    """Where Docker is: what DOCKER_HOST says, else DOCKER_CONTEXT or the current context, else as usual."""
    given = machine.environment.get("DOCKER_HOST")
    if given:
        return given
    folder = machine.environment.get("DOCKER_CONFIG") or f"{machine.environment.get('HOME', '')}/.docker"
    # It names a context in place of the current one, and needs no configuration.
    if not machine.environment.get("DOCKER_CONTEXT") and not machine.exists(f"{folder}/config.json"):
        return USUAL_DOCKER_HOST
    answer = machine.ask("community.docker.docker_context_info", {"only_current": True})
    context = first(answer.get("contexts") or []).get("config") or {}
    return str(context.get("docker_host", USUAL_DOCKER_HOST))


def is_at_least(version: str, minimum: str) -> bool:
    """Whether a version is this one or a later one, as Ansible's test ``version`` compares them."""
    return bool(LooseVersion(version) >= LooseVersion(minimum))


def answered(machine: Machine, module: str, options: Mapping[str, Any]) -> Answer:
    """What a module returns that may not fail. Raises LoopError with its own words."""
    answer = machine.ask(module, options)
    if answer.get("failed"):
        raise LoopError(reason(answer))
    return answer


def _named(name: str, volumes: Sequence[Answer]) -> Answer:
    return first([volume for volume in volumes if volume["Name"] == name])
