# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What kustomize-controller skips, what it undoes, when it recreates and what it prunes.

https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import (
    Path,
    entries,
    fields_of,
    owned_by,
    without,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import comparable

CONTROLLER = "kustomize-controller"
GROUP = "kustomize.toolkit.fluxcd.io"
OWNER_NAME, OWNER_NAMESPACE = f"{GROUP}/name", f"{GROUP}/namespace"
# What the controller takes away from every object that it applies.
_REMOVED_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    f"{GROUP}/checksum",
    "fluxcd.io/sync-checksum",
)
_REMOVED_LABEL = "fluxcd.io/sync-gc-mark"
# The groups of the API that Kubernetes' client for Go has types of.
_GO_CLIENT = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"}) | {
    f"{name}.k8s.io"
    for name in (
        "admissionregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    )
}
_IMMUTABLE = re.compile(r"is\simmutable|immutable\sfield", re.IGNORECASE)


def is_marked(item: Object | None, key: str, value: str) -> bool:
    """Whether a label or an annotation ``kustomize.toolkit.fluxcd.io/<key>`` has the value."""
    metadata = (item or {}).get("metadata", {})
    marks = [metadata.get(place) or {} for place in ("labels", "annotations")]
    return any(str(each.get(f"{GROUP}/{key}", "")).lower() == value.lower() for each in marks)


def is_left_alone(desired: Object, live: Object | None) -> bool:
    """Whether the controller does not apply an object, since its metadata says so."""
    for item in (desired, live):
        if is_marked(item, "reconcile", "disabled") or is_marked(item, "ssa", "Ignore"):
            return True
    return live is not None and is_marked(desired, "ssa", "IfNotPresent")


def is_forced(desired: Object, live: Object | None, kustomization: Object) -> bool:
    """Whether an object is deleted and created anew where a field cannot change."""
    is_asked = any(is_marked(item, "force", "enabled") for item in (desired, live))
    return is_asked or bool(kustomization["spec"].get("force"))


def may_be_immutable(status: int | None, message: str) -> bool:
    """Whether the controller takes a refusal for one of a field that cannot change.

    That is every conflict, everything that is not valid, and what webhooks and CEL rules say of it.
    """
    return status in (409, 422) or bool(_IMMUTABLE.search(message))


def is_normalized(kind: Kind) -> bool:
    """Whether the controller reads objects of a kind into Go's types first, which drops unknown fields."""
    is_role = kind.group == "rbac.authorization.k8s.io" and kind.name in ("Role", "ClusterRole")
    return kind.group in _GO_CLIENT and not is_role


def undone(desired: Object, live: Object, applied: Object) -> Object | None:
    """``applied`` less what kubectl has added, which the controller undoes; None where it undoes nothing.

    What kubectl set becomes the controller's own first, so that it goes unless the manifests have it.
    """
    if is_marked(desired, "ssa", "Merge") or is_marked(live, "ssa", "Merge"):
        return None
    theirs = [entry for entry in entries(live) if is_undone(entry)]
    gone = set().union(*map(fields_of, theirs))
    others = [entry for entry in entries(live) if entry not in theirs and entry.get("manager") != CONTROLLER]
    kept = owned_by(applied, CONTROLLER).union(*map(fields_of, others))
    slim = without(applied, gone, kept)
    metadata = slim["metadata"]
    for place, keys in (("annotations", _REMOVED_ANNOTATIONS), ("labels", (_REMOVED_LABEL,))):
        wanted = desired["metadata"].get(place) or {}
        for key in keys:
            if key not in wanted:
                (metadata.get(place) or {}).pop(key, None)
    return slim if comparable(slim) != comparable(applied) else None


def applied_by_others(live: Object) -> list[Path]:
    """The fields that others apply, but for those whose fields the controller takes over."""
    return [
        path
        for entry in entries(live)
        if entry.get("operation") == "Apply" and entry.get("manager") != CONTROLLER and not is_undone(entry)
        for path in fields_of(entry)
    ]


def is_undone(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of managedFields is one whose fields the controller takes over."""
    manager, operation = str(entry.get("manager", "")), entry.get("operation")
    if operation == "Apply":
        return manager.startswith("kubectl")
    return operation == "Update" and manager.startswith(("kubectl", "before-first-apply", CONTROLLER))


def is_pruned(live: Object, owner: Mapping[str, str]) -> bool:
    """Whether the controller deletes what its ``owner``, a Kustomization, no longer applies."""
    labels = live["metadata"].get("labels") or {}
    if labels.get(OWNER_NAME) != owner["name"] or labels.get(OWNER_NAMESPACE) != owner["namespace"]:
        return False
    return not (
        is_marked(live, "prune", "disabled")
        or is_marked(live, "reconcile", "disabled")
        or is_marked(live, "ssa", "Ignore")
    )


def deletes_what_it_applied(kustomization: Object) -> bool:
    """Whether the deletion of a Kustomization deletes its inventory."""
    spec = kustomization["spec"]
    policy = spec.get("deletionPolicy") or "MirrorPrune"
    if spec.get("suspend"):
        return False
    return policy in ("Delete", "WaitForTermination") or (policy == "MirrorPrune" and bool(spec.get("prune")))


def kinds_brought(items: Iterable[Object]) -> set[tuple[str, str]]:
    """Group and kind of what the CustomResourceDefinitions among ``items`` define."""
    specs = [item.get("spec") or {} for item in items if item["kind"] == "CustomResourceDefinition"]
    return {(str(spec.get("group")), str((spec.get("names") or {}).get("kind"))) for spec in specs}


def namespaces_brought(items: Iterable[Object]) -> set[str]:
    """The names of the namespaces among ``items``."""
    return {
        str(item["metadata"]["name"])
        for item in items
        if item["kind"] == "Namespace" and item["apiVersion"] == "v1"
    }
