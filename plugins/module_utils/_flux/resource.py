# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The modules flux_source and flux_kustomization: one object, present or absent, and its readiness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    carry_out,
    carry_out_deletion,
    plan_apply,
    plan_deletion,
    predict,
    predict_deletion,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import FIELDS
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import (
    argument_spec,
    check_metadata,
    manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.waiting import STATES, wait_until_ready


def resource_spec(kind: Kind) -> dict[str, Any]:
    """The argument_spec of the module for ``kind``."""
    return {
        **AUTH_ARG_SPEC,
        **argument_spec(FIELDS[kind]),
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "flux-system"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "labels": {"type": "dict"},
        "annotations": {"type": "dict"},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 120},
        "force_conflicts": {"type": "bool", "default": False},
    }


def run_resource(
    cluster: Cluster, kind: Kind, params: Mapping[str, Any], *, check_mode: bool, with_diff: bool
) -> dict[str, Any]:
    """The result of the modules flux_source and flux_kustomization."""
    check_metadata(kind, params)  # also of what is to be absent
    ref = ObjectRef(kind, params["namespace"], params["name"])
    wait_seconds = float(params["wait_timeout"]) if params["wait"] and not check_mode else None
    if params["state"] == "absent":
        deletion = plan_deletion(cluster, ref)
        applied = (
            predict_deletion(cluster, deletion)
            if check_mode
            else carry_out_deletion(cluster, deletion, wait_seconds)
        )
    else:
        plan = plan_apply(cluster, kind, manifest(kind, params), force=params["force_conflicts"])
        applied = predict(cluster, plan) if check_mode else carry_out(cluster, plan)
    resource = applied.after
    if resource is not None and wait_seconds is not None:
        resource = wait_until_ready(cluster, ref, wait_seconds)
    result: dict[str, Any] = {
        "changed": applied.is_changed,
        "changes": applied.changes,
        "resource": STATES[kind](resource) if resource else None,
    }
    if with_diff:
        result["diff"] = applied.diff()
    return result
