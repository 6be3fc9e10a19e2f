# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A module's call with the cluster that its options name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import is_verbose


def allow_kubeconfig(module: AnsibleModule) -> None:
    """Let messages name the kubeconfig's path.

    kubernetes.core declares kubeconfig as no_log because it may be a dictionary with keys and tokens. A path
    is no secret, and an error that may not name it is of no use.
    """
    if isinstance(module.params.get("kubeconfig"), str):
        module.no_log_values.discard(module.params["kubeconfig"])


def on_cluster(module: AnsibleModule, call: Callable[[Cluster], dict[str, Any]]) -> dict[str, Any]:
    """What ``call`` returns for the cluster that the module's options name; from -v on, and the way there."""
    allow_kubeconfig(module)
    cluster = KubernetesCluster(module.params)
    result = call(cluster)
    if is_verbose(module):
        result["kubeconfig_used"] = cluster.origin
        if cluster.proxy:
            result["proxy_used"] = cluster.proxy
    return result
