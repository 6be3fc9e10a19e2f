# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux in a cluster: installed, upgraded, healed, stopped, removed; that of others is used and left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.absent import uninstall
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CONTROLLERS,
    Settings,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.outcome import Options
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.present import install
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.stopped import stop


def run(cluster: Cluster, params: Mapping[str, Any], *, check_mode: bool, with_diff: bool) -> dict[str, Any]:
    """The result of the module flux_install."""
    options = Options(
        namespace=params["namespace"],
        loop=params["name"],
        adopts=params["adopt"],
        allows_downgrade=params["allow_downgrade"],
        deletes_workloads=params["delete_workloads"],
        seconds=float(params["timeout"]),
        check_mode=check_mode,
    )
    if params["state"] == "absent":
        outcome = uninstall(cluster, options)
    elif params["state"] == "stopped":
        outcome = stop(cluster, options)
    else:
        outcome = install(cluster, settings_of(params), params["manifests"], options)
    return outcome.result(with_diff=with_diff)


def settings_of(params: Mapping[str, Any]) -> Settings:
    """What the module's options say of an installation. Raises LoopError for what cannot be."""
    unknown = sorted({*params["images"], *params["arguments"]} - set(CONTROLLERS))
    if unknown:
        raise LoopError(
            f"images and arguments name {', '.join(unknown)}, but there are only {', '.join(CONTROLLERS)}."
        )
    images = {
        name: params["images"].get(name) or f"{params['image_registry']}/{name}:v{params['versions'][name]}"
        for name in CONTROLLERS
    }
    return Settings(
        namespace=params["namespace"],
        version=params["versions"]["flux"],
        loop=params["name"],
        images=images,
        arguments=params["arguments"],
        pull_secrets=params["image_pull_secrets"],
        with_network_policies=params["network_policies"],
    )
