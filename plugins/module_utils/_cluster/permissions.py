# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the user of a kubeconfig may do what is going to be done, asked before anything is.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

ACCESS_REVIEW = Kind(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", is_namespaced=False
)
SUBJECT_REVIEW = Kind(
    "authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", is_namespaced=False
)
EVERYTHING = Kind("*", "*", "*", "*", is_namespaced=False)
AT_ONCE = 8


@dataclass(frozen=True)
class Permission:
    """To do ``verb`` with the objects of a kind; with any of them without ``namespace`` and ``name``."""

    verb: str
    kind: Kind
    namespace: str = ""
    name: str = ""


def is_allowed(cluster: Cluster, permission: Permission) -> bool:
    """Whether the cluster's authorization allows it to the user of the kubeconfig."""
    attributes = {
        "verb": permission.verb,
        "group": permission.kind.group,
        "resource": permission.kind.plural,
        "namespace": permission.namespace,
        "name": permission.name,
    }
    review = cluster.create(ACCESS_REVIEW, {"spec": {"resourceAttributes": attributes}})
    return bool(review.get("status", {}).get("allowed"))


def refused(cluster: Cluster, permissions: Iterable[Permission]) -> list[Permission]:
    """Those that the user lacks. Whoever may do everything is asked once."""
    if is_allowed(cluster, Permission("*", EVERYTHING)):
        return []
    wanted = list(dict.fromkeys(permissions))
    answers = for_each(lambda permission: is_allowed(cluster, permission), wanted, at_once=AT_ONCE)
    return [permission for permission, allowed in zip(wanted, answers, strict=True) if not allowed]


def require_permissions(cluster: Cluster, missing: Sequence[Permission], purpose: str) -> None:
    """Raise LoopError that names all that is missing, where anything is."""
    if missing:
        raise LoopError(
            f"{purpose} needs permissions that {_user(cluster)} lacks in the cluster of {cluster.origin}:"
            f" {'; '.join(described(missing))}. Have an administrator of the cluster grant them, or name a"
            " kubeconfig or context of somebody who has them. Nothing has been changed.",
            missing_permissions=described(missing),
        )


def described(permissions: Iterable[Permission]) -> list[str]:
    """Permissions in words, a line for each kind of object: ``get, patch pods in namespace x``."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for permission in permissions:
        kind = permission.kind
        resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        verbs.setdefault((resource, permission.name, permission.namespace), []).append(permission.verb)
    return [
        f"{', '.join(listed)} {resource}"
        + (f" {name}" if name else "")
        + (f" in namespace {namespace}" if namespace else "")
        for (resource, name, namespace), listed in verbs.items()
    ]


def _user(cluster: Cluster) -> str:
    try:
        review = cluster.create(SUBJECT_REVIEW, {})
    except ClusterError:
        return "its user"
    return str(review.get("status", {}).get("userInfo", {}).get("username") or "its user")
