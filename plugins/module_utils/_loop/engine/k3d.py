# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster of k3d: its configuration, and whether the one that is there was made with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import Endpoint
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.kind import nice_yaml
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Machine
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import Node

with suppress(ImportError):  # Ansible itself needs it
    import yaml


@dataclass(frozen=True)
class K3d:
    """``config`` is the file that the cluster is made with, ``registries`` that of its nodes for k3s.

    ``registries_are_known`` says whether the cluster was made with these.
    """

    is_made: bool
    config: str
    registries: str
    registries_are_known: bool
    refused: str


def look(name: str, folder: str, config: Mapping[str, Any], nodes: Sequence[Node], machine: Machine) -> K3d:
    """What there is of the cluster ``name`` in the loop's ``folder`` for k3d, beside its nodes."""
    file = f"{folder}/config.yaml"
    made = _made(file, machine)
    is_made = bool(nodes) and machine.exists(f"{folder}/kubeconfig")
    registries = config["registries"]["config"]
    known = (made.get("registries") or {}).get("config", "")
    return K3d(
        is_made=is_made,
        config=nice_yaml(config),
        registries=registries,
        registries_are_known=known == registries,
        refused=_refused(name, file, made, config, nodes, is_made=is_made),
    )


def _made(file: str, machine: Machine) -> Mapping[str, Any]:
    """What the cluster was made with; nothing where there is no such file. Raises LoopError."""
    try:
        made = yaml.safe_load(machine.text(file)) or {}
    except (yaml.YAMLError, RecursionError):
        made = None
    if not isinstance(made, dict):
        raise LoopError(
            f"{file} cannot be read as what the cluster was made with. Remove the cluster with destroy.yml, "
            "and have it made anew."
        )
    return made


def configuration(given: Mapping[str, Any], name: str, network: str, endpoint: Endpoint) -> dict[str, Any]:
    """What the user gives, and where he gives nothing, what makes the cluster one of this machine alone.

    k3d itself would listen on all addresses and change the user's kubeconfig.
    """
    ours = {
        "apiVersion": "k3d.io/v1alpha5",
        "kind": "Simple",
        "metadata": {"name": name},
        "network": network,
        "kubeAPI": {"host": "127.0.0.1", "hostIP": "127.0.0.1"},
        "options": {"kubeconfig": {"updateDefaultKubeconfig": False, "switchCurrentContext": False}},
    }
    registries = given.get("registries") or {}
    text = registries_text(registries, endpoint)
    return {**merged(ours, given), "registries": {**registries, "config": text}}


def registries_text(given: Mapping[str, Any], endpoint: Endpoint) -> str:
    """The registries.yaml of k3s: https://docs.k3s.io/installation/private-registry.

    What the user has there comes first.
    """
    names = endpoint.names if endpoint.is_told else ()
    ours = {"mirrors": {name: {"endpoint": [endpoint.url]} for name in names}}
    return nice_yaml(merged(ours, yaml.safe_load(given.get("config") or "{}") or {}))


def merged(ours: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Both, key by key at any depth; what is ``given`` counts where both have one."""
    both = {**ours, **given}
    for key in ours.keys() & given.keys():
        if isinstance(ours[key], Mapping) and isinstance(given[key], Mapping):
            both[key] = merged(ours[key], given[key])
    return both


def differences(made: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """In what a cluster was made otherwise. Nodes that run learn of another registry; all else stays."""
    keys = (made.keys() | config.keys()) - {"registries"}
    absent = object()
    return sorted(key for key in keys if made.get(key, absent) != config.get(key, absent))


def _refused(
    name: str,
    file: str,
    made: Mapping[str, Any],
    config: Mapping[str, Any],
    nodes: Sequence[Node],
    *,
    is_made: bool,
) -> str:
    """Why the cluster that is there is not taken for the one that is asked for."""
    if nodes and not made:
        return (
            f"cluster_name: there is a cluster {name} of k3d already, and this loop has not made it. "
            "Give the loop another name, or use that cluster with the provider existing."
        )
    differing = differences(made, config) if is_made else []
    if differing:
        return (
            f"cluster_k3d_config: the cluster {name} was made with another {', '.join(differing)} "
            f"({file}). Give what it was made with, or destroy the cluster and have it made anew."
        )
    return ""
