# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster of kind: its configuration, and whether the one that is there was made with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import Endpoint
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import Machine
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.nodes import Node, names

with suppress(ImportError):  # Ansible itself needs it
    import yaml

CERTIFICATES = "/etc/containerd/certs.d"


@dataclass(frozen=True)
class Kind:
    """``config`` is the file that the cluster is made with, ``job`` that of a creation that was interrupted.

    ``strangers`` are nodes that do not read the loop's folder. ``hosts_are_written`` tells whether it says of
    the registry what it should.
    """

    is_made: bool
    config: str
    refused: str
    job: str
    strangers: tuple[str, ...]
    hosts_are_written: bool


def look(
    name: str,
    folder: str,
    config: Mapping[str, Any],
    nodes: Sequence[Node],
    endpoint: Endpoint,
    machine: Machine,
) -> Kind:
    """What there is of the cluster ``name`` in the loop's ``folder`` for kind, beside its nodes."""
    made = machine.text(f"{folder}/config.yaml")
    text = nice_yaml(config)
    is_made = bool(nodes) and machine.exists(f"{folder}/kubeconfig")
    job = machine.text(f"{folder}/job").rstrip()
    hosts = [f"{folder}/certs.d/{called}/hosts.toml" for called in endpoint.names]
    return Kind(
        is_made=is_made,
        config=text,
        refused=_refused(name, f"{folder}/config.yaml", made, config, nodes, is_made=is_made),
        job=job if job and machine.exists(job) else "",
        strangers=tuple(
            node.name
            for node in nodes
            if node.role in ("control-plane", "worker") and CERTIFICATES not in node.mounts
        ),
        hosts_are_written=all(
            machine.exists(path) and machine.text(path) == endpoint.hosts for path in hosts
        ),
    )


def configuration(given: Mapping[str, Any], image: str, certificates: str) -> dict[str, Any]:
    """What the user gives, and for each node the image he names and a mount of the folder ``certificates``.

    A node that has an image or such a mount of its own keeps it.
    """
    ours = {"hostPath": certificates, "containerPath": CERTIFICATES}
    nodes = []
    for node in given.get("nodes", [{"role": "control-plane"}]):
        mounts = list(node.get("extraMounts") or [])
        if CERTIFICATES not in [mount.get("containerPath") for mount in mounts]:
            mounts.append(dict(ours))
        nodes.append({**({"image": image} if image else {}), **node, "extraMounts": mounts})
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", **given, "nodes": nodes}


def nice_yaml(value: Any) -> str:
    """The text that Ansible's to_nice_yaml makes of it, in which files of loops that exist are written."""
    return str(yaml.safe_dump(value, indent=4, allow_unicode=True, default_flow_style=False))


def _refused(
    name: str, file: str, made: str, config: Mapping[str, Any], nodes: Sequence[Node], *, is_made: bool
) -> str:
    """Why the cluster that is there is not taken for the one that is asked for."""
    if nodes and not made:
        return (
            f"cluster_name: there is a cluster {name} of kind already, and this loop has not made it. "
            "Give the loop another name, or use that cluster with the provider existing."
        )
    if not is_made:
        return ""
    if made != nice_yaml(config):
        return (
            f"cluster_kind_config, cluster_kind_image: the cluster {name} was made otherwise ({file}), "
            "and kind cannot change a cluster. Give what it was made with, or destroy the cluster and "
            "have it made anew."
        )
    if len(nodes) < len(config["nodes"]):
        return (
            f"cluster_kind_config: the cluster {name} was made with {len(config['nodes'])} nodes, and "
            f"{len(nodes)} are there ({', '.join(names(nodes))}). kind cannot add one. Destroy the "
            "cluster and have it made anew."
        )
    return ""
