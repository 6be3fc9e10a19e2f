# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The task flux_workloads, wherever it runs: as a module, or in Ansible's own process on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import healthy_objects
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.locks import lock_folder
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.parse import REGISTRY
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import Progress
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import FluxCli
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.run import Edge, run
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import SUBOPTIONS

WORKLOADS: dict[str, Any] = {
    "workloads": {"type": "list", "elements": "dict", "required": True, "options": SUBOPTIONS},
    "only": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "default": "flux-system"},
    "registry": {"type": "dict", "required": True, "options": REGISTRY},
    "flux": {"type": "path", "required": True},
    "base_dir": {"type": "path"},
    "source": {"type": "str"},
    "revision": {"type": "str"},
    "compare": {"type": "str", "choices": ["content", "exact"], "default": "content"},
    "timeout": {"type": "int", "default": 300},
    "on_failure": {"type": "str", "choices": ["stop", "rollback"], "default": "stop"},
    "unknown_fields": {"type": "str", "choices": ["warn", "refuse"], "default": "warn"},
}
LIBRARIES = ("oras", "kubernetes")
ARGUMENTS: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    **WORKLOADS,
    "progress": {"type": "bool", "default": True},
}


@dataclass(frozen=True)
class Mode:
    """How Ansible was called."""

    check: bool
    diff: bool
    verbose: bool


def workloads_task(
    params: Mapping[str, Any],
    mode: Mode,
    *,
    warn: Callable[[str], None],
    show: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """What the task returns; lines about what happens go to ``show``. Raises LoopError."""
    cluster = None if mode.check and not is_up(params) else KubernetesCluster(params)
    edge = Edge(cluster, RegistryRepository, FluxCli(params["flux"]), warn, locks=lock_folder())
    if cluster is not None and show is not None and params["progress"] and not mode.check:
        follower = Progress(
            show, lambda kustomization: healthy_objects(cluster, kustomization), is_verbose=mode.verbose
        )
        edge = replace(edge, follower=follower)
    result = run(params, edge, check_mode=mode.check, with_diff=mode.diff)
    return {**result, "kubeconfig_used": cluster.origin} if mode.verbose and cluster else result


def is_up(params: Mapping[str, Any]) -> bool:
    """Whether the registry answers, and the kubeconfig is there: without, no loop runs."""
    kubeconfig = params["kubeconfig"]
    is_known = not isinstance(kubeconfig, str) or os.path.exists(os.path.expanduser(kubeconfig))
    return is_known and _listens(params["registry"]["host"])


def _listens(host: str) -> bool:
    address, _colon, port = host.partition("/")[0].rpartition(":")
    try:
        with socket.create_connection((address, int(port)), timeout=2):
            return True
    except (OSError, ValueError):
        return not port.isdecimal()
