# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which provider a loop has: chosen once, by the first run, and kept as long as there is a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Machine

PROVIDERS = ("embedded", "kind", "k3d", "existing")
# Their nodes are containers, which do not reach this machine's loopback. The program of its name makes each.
IN_CONTAINERS = ("kind", "k3d")
# What renders, and what Flux is installed with in a cluster.
_FOR_FLUX_INSIDE = (
    "flux",
    "flux-manifests",
    "source-controller-manifests",
    "kustomize-controller-manifests",
)


@dataclass(frozen=True)
class Asked:
    """What the user gives, and what the loop has kept of its ``provider`` and ``engine``.

    ``provider`` may be auto; ``registry_engine`` is empty where none is given.
    """

    name: str
    state_dir: str
    provider: str
    kept: Mapping[str, Any] = field(default_factory=dict)
    registry_engine: str = ""
    attach_registry: bool = False
    kind_program: str = ""
    k3d_program: str = ""


@dataclass(frozen=True)
class Found:
    """What is known of the loop's provider before this machine is asked what it has.

    ``open`` is what is to be chosen, unless it ``is_settled``; ``present`` what is stopped or removed. For
    each provider that may be chosen, ``refused`` says why it cannot be, and ``programs`` which it needs of
    the role binaries, none meaning all of the embedded loop's.
    """

    open: str
    is_settled: bool
    present: str
    refused: Mapping[str, str]
    programs: Mapping[str, list[str]]


def look(asked: Asked, machine: Machine) -> Found:
    """Look what the loop has."""
    kept = str(asked.kept.get("provider") or "")
    is_process = registry_is_process(asked, machine)
    undecided = kept or ("embedded" if is_process else "auto")
    wanted = undecided if asked.provider == "auto" else asked.provider
    present = kept or ("embedded" if asked.provider == "auto" else asked.provider)
    # To attach a registry is asked for also of a loop that is there.
    has_network = not asked.attach_registry or bool(asked.kept.get("engine"))
    return Found(
        open=wanted,
        is_settled=kept == wanted and has_network,
        present=present,
        refused={provider: _refused(asked, provider, kept, is_process=is_process) for provider in PROVIDERS},
        programs={provider: _programs(asked, provider, machine) for provider in PROVIDERS},
    )


def registry_is_process(asked: Asked, machine: Machine) -> bool:
    """Whether the registry is a process: because that is asked for, or since one holds the loop's content.

    Nodes in containers do not reach it: a loop that has one stays beside its machine's own processes.
    """
    if asked.registry_engine in ("process", "existing"):
        return asked.registry_engine == "process"
    has_content = machine.exists(f"{asked.state_dir}/registry/storage")
    return has_content and not machine.exists(f"{asked.state_dir}/registry.json")


def _refused(asked: Asked, provider: str, kept: str, *, is_process: bool) -> str:
    if provider in IN_CONTAINERS and is_process:
        return (
            f"flux_local_provider: {asked.provider}: the registry of the loop {asked.name} is a process "
            f"on 127.0.0.1, which the nodes of {provider} do not reach. Use registry_engine=docker or podman "
            "for a registry that is new; one that has content is deleted with destroy.yml and "
            "flux_local_purge=true, or stays with flux_local_provider=embedded."
        )
    # What exists is not the loop's: nothing of it is left behind.
    if kept not in ("", "existing", provider):
        return (
            f"flux_local_provider: {asked.provider}: the loop {asked.name} has a cluster of the provider "
            f"{kept}. Leave the option out to keep it, or remove it first with destroy.yml, or give another "
            "flux_local_name."
        )
    return ""


def _programs(asked: Asked, provider: str, machine: Machine) -> list[str]:
    if provider == "embedded":
        return []
    # Beside nodes in containers, the registry is one too, unless something else is asked for.
    beside_containers = provider in IN_CONTAINERS or asked.attach_registry
    needs_registry = asked.registry_engine == "process" or not (asked.registry_engine or beside_containers)
    needs_own = provider in IN_CONTAINERS and not _user_has(asked, provider, machine)
    return [*_FOR_FLUX_INSIDE, *(["registry"] if needs_registry else []), *([provider] if needs_own else [])]


def _user_has(asked: Asked, provider: str, machine: Machine) -> bool:
    """Whether the user names the provider's program, or has it in PATH."""
    named = {"kind": asked.kind_program, "k3d": asked.k3d_program}[provider]
    folders = machine.environment.get("PATH", "").split(os.pathsep)
    return bool(named) or any(machine.exists(f"{folder}/{provider}") for folder in folders if folder)
