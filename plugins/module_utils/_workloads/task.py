# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The task flux_workloads, wherever it runs: as a module, or in Ansible's own process on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    NotFoundError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import healthy_objects
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import (
    ARGUMENTS as REGISTRY_ARGUMENTS,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.execute import (
    foretold,
    is_up,
    run,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.locks import lock_folder
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import Progress
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import FluxCli

# The options of a registry, with its address for this machine and for Flux in place of a url.
REGISTRY: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "cluster": {"type": "str"},
    **{name: spec for name, spec in REGISTRY_ARGUMENTS.items() if name != "url"},
}

WORKLOADS: dict[str, Any] = {
    "workloads": {"type": "list", "elements": "raw", "required": True},
    "namespace": {"type": "str", "default": "flux-system"},
    "registry": {"type": "dict", "required": True, "options": REGISTRY},
    "flux": {"type": "path", "required": True},
    "base_dir": {"type": "path"},
    "source": {"type": "str"},
    "revision": {"type": "str"},
    "compare": {"type": "str", "choices": ["content", "exact"], "default": "content"},
    "timeout": {"type": "int", "default": 300},
    "on_failure": {"type": "str", "choices": ["stop", "rollback"], "default": "stop"},
}
LIBRARIES = ("oras", "kubernetes", "pathspec")
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
    if mode.check and not is_up(params):
        return _foretold(params, mode, warn)
    cluster = KubernetesCluster(params)
    follower = None
    if show is not None and params["progress"] and not mode.check:
        follower = Progress(
            show, lambda kustomization: healthy_objects(cluster, kustomization), is_verbose=mode.verbose
        )
    try:
        result = run(
            params,
            cluster=cluster,
            connect=RegistryRepository,
            renderer=FluxCli(params["flux"]),
            warn=warn,
            check_mode=mode.check,
            with_diff=mode.diff,
            follower=follower,
            locks=lock_folder(),
        )
    except ClusterError as error:
        # A task before this one would have brought Flux, or the namespace.
        if not mode.check or error.status != 404 or isinstance(error, NotFoundError):
            raise
        warn(f"{error.message} Everything is said to be made.")
        return _foretold(params, mode, warn)
    return {**result, "kubeconfig_used": cluster.origin} if mode.verbose else result


def _foretold(params: Mapping[str, Any], mode: Mode, warn: Callable[[str], None]) -> dict[str, Any]:
    renderer = FluxCli(params["flux"])
    return foretold(
        params,
        connect=RegistryRepository,
        renderer=renderer if os.path.exists(renderer.program) else None,
        warn=warn,
        with_diff=mode.diff,
    )
