# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Why a namespace that is being deleted stays: what its conditions and finalizers say.

https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/namespace/deletion/status_condition_utils.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of

API_SERVICE = Kind("apiregistration.k8s.io", "v1", "apiservices", "APIService", is_namespaced=False)
NAMESPACE = Kind("", "v1", "namespaces", "Namespace", is_namespaced=False)

_API = re.compile(r"([a-z0-9.-]+\.[a-z0-9.-]+)/(v\w+): ")
_FINALIZERS_REMEDY = (
    "Start the controller that these finalizers belong to, or remove them from those objects."
)
NAMED = 5  # objects in a sentence
# Finalizers that Kubernetes itself takes off within moments.
_PASSING = re.compile(r"batch\.kubernetes\.io/|kubernetes\.io/pvc-protection|foregroundDeletion|orphan")


@dataclass(frozen=True)
class Hold:
    """What keeps a namespace from going, without a full stop, and what to do; ``text`` may be empty."""

    text: str = ""
    remedy: str = "Wait until it is gone, then run this again."

    @property
    def is_lasting(self) -> bool:
        """Whether the namespace does not go by itself."""
        return bool(self.text)


def is_ending(namespace: Object) -> bool:
    """Whether a namespace is being deleted."""
    return bool(namespace["metadata"].get("deletionTimestamp"))


def hold_of(namespace: Object) -> Hold:
    """What keeps a namespace that is being deleted from going."""
    said = {
        entry["type"]: str(entry.get("message") or "")
        for entry in namespace.get("status", {}).get("conditions") or []
        if entry["status"] == "True"
    }
    discovery = said.get("NamespaceDeletionDiscoveryFailure")
    if discovery:
        return _dead_apis(discovery)
    held = said.get("NamespaceFinalizersRemaining", "").partition("remaining: ")[2].rstrip(".")
    if held and not _PASSING.search(held):
        left = said.get("NamespaceContentRemaining", "").partition("remaining: ")[2].rstrip(".")
        return Hold(
            f"finalizers keep what is in it: {held}" + (f" ({left})" if left else ""),
            _FINALIZERS_REMEDY,
        )
    failed = said.get("NamespaceDeletionContentFailure")
    if failed:
        return Hold(f"its content cannot be deleted: {failed.rstrip('.')}", "Correct what keeps it.")
    own = namespace["metadata"].get("finalizers") or []
    if own:
        return Hold(
            f"it has the finalizers {', '.join(own)}",
            "Start the controller that they belong to, or remove them from the namespace.",
        )
    return Hold()


def kept_by_objects(items: Iterable[Object]) -> Hold:
    """What those of the objects in a namespace keep that have finalizers."""
    finalizers = {
        str(identity_of(item)): [
            each for each in item["metadata"].get("finalizers") or [] if not _PASSING.search(each)
        ]
        for item in items
    }
    kept = [f"{name} ({', '.join(each)})" for name, each in finalizers.items() if each]
    return Hold(f"finalizers keep {some_of(kept, NAMED)}", _FINALIZERS_REMEDY) if kept else Hold()


def kept_by_api_services(services: Iterable[Object]) -> Hold:
    """That APIServices which do not answer keep every namespace."""
    dead = [
        str(service["metadata"]["name"])
        for service in services
        for entry in service.get("status", {}).get("conditions") or []
        if (entry["type"], entry["status"]) == ("Available", "False")
    ]
    return _kept_by(dead) if dead else Hold()


def _dead_apis(said: str) -> Hold:
    services = [f"{version}.{group}" for group, version in _API.findall(said)]
    if not services:
        return Hold(said.rstrip("."), "Have the API that is named answer, or delete its APIService.")
    return _kept_by(services)


def _kept_by(services: Iterable[str]) -> Hold:
    names = " and ".join(dict.fromkeys(services))
    return Hold(
        f"the APIService {names} does not answer, so that Kubernetes cannot tell what is left in it",
        f"Start the service behind the APIService {names}, or delete this APIService.",
    )
