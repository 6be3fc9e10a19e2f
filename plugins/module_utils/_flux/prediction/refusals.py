# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server would not take, in the words in which kustomize-controller reports it.

So the causes of failures know these refusals, too.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import Change, refusal

# What the API server gives a Service out of what no other has.
_ALLOCATED = ("clusterIP", "clusterIPs", "healthCheckNodePort")


def refused_by(error: ClusterError, desired: Object) -> Change:
    """What becomes of an object whose dry run failed."""
    if is_final(error):
        return refusal(desired, dry_run_message(identity_of(desired), error))
    return refusal(desired, error.message, is_final=False)


def is_final(error: ClusterError) -> bool:
    """Whether Flux would be refused, too.

    RBAC says who cannot do what, and may let Flux do it; a quota or a webhook refuses Flux in the same way.
    """
    return not (error.status == 403 and " cannot " in error.said)


def dry_run_message(identity: Identity, error: ClusterError) -> str:
    """What the controller reports of a dry run that failed."""
    if error.status == 404:
        return f"{_named(identity)} not found: {error.said}"
    reason = f" ({error.reason})" if error.reason else ""
    return f"{_named(identity)} dry-run failed{reason}: {error.said}"


def unknown_kind_message(identity: Identity, api_version: str) -> str:
    """What the controller reports of a kind that the API server does not know."""
    return (
        f'{_named(identity)} dry-run failed: no matches for kind "{identity.kind}" in version "{api_version}"'
    )


def no_namespace_message(identity: Identity) -> str:
    """What the controller reports of an object that needs a namespace, and has none."""
    return f"{_named(identity)} namespace not specified: the server could not find the requested resource"


def _named(identity: Identity) -> str:
    parts = (identity.kind, identity.namespace, identity.name)
    return "/".join(part for part in parts if part)


def without_allocations(desired: Object, live: Object) -> Object:
    """An object as one may ask whether it could be created beside the one that is to go.

    What only one Service can have is left out where the other one has it now: it will be free.
    """
    if desired["kind"] != "Service" or desired["apiVersion"] != "v1":
        return desired
    spec, held = desired.get("spec") or {}, live.get("spec") or {}
    slim = {key: value for key, value in spec.items() if key not in _ALLOCATED or held.get(key) != value}
    if isinstance(spec.get("ports"), list):
        held_ports = {port.get("nodePort") for port in held.get("ports") or []}
        slim["ports"] = [_without_held_port(port, held_ports) for port in spec["ports"]]
    return {**desired, "spec": slim}


def _without_held_port(port: Any, held: set[Any]) -> Any:
    if not isinstance(port, dict) or port.get("nodePort") not in held:
        return port
    return {key: value for key, value in port.items() if key != "nodePort"}
