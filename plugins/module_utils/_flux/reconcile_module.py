# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module flux_reconcile: one Kustomization, proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    Cluster,
    ClusterError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import NOT_FOUND
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import events_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import (
    Request,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import check_metadata
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.receipt import Proof
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import (
    assess,
    explained,
    reconcile,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.validation import check_digest

RECONCILE_SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "flux-system"},
    "expected_digest": {"type": "str"},
    "timeout": {"type": "float", "default": 120},
}


def run_reconcile(cluster: Cluster, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The result of the module flux_reconcile."""
    check_metadata(KUSTOMIZATION, params)
    if params["expected_digest"] is not None:
        check_digest(params["expected_digest"], "expected_digest")
    request = Request(params["namespace"], params["name"], params["timeout"], params["expected_digest"])
    [proof] = [assess(cluster, request)] if check_mode else explained(cluster, reconcile(cluster, [request]))
    result = {"changed": proof.is_triggered, "receipt": proof.receipt(_events(cluster, proof))}
    if check_mode:
        # What does not exist is what an earlier task of the same run would have made.
        return {**result, "changed": proof.is_triggered or proof.verdict.reason == NOT_FOUND}
    if not proof.is_ready:
        raise LoopError(proof.complaint(), **result)
    return result


def _events(cluster: Cluster, proof: Proof) -> list[dict[str, Any]]:
    items = [item for item in (proof.sight.source, proof.sight.kustomization) if item is not None]
    try:
        return [event for item in items for event in events_of(cluster, item)]
    except ClusterError:  # the proof does not need them, and they have rules of access of their own
        return []
