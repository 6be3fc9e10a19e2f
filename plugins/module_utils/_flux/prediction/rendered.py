# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a folder renders to, as kustomize-controller applies it: its defaults, and the variables it fills in.

https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resources import resources
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import UnreadableError

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_rendered(text: str, manifests: Sequence[Object]) -> list[Object]:
    """The objects of what was rendered out of ``manifests``, as the controller applies them."""
    if not text.strip():
        return []
    try:
        found = resources(text, "")
    except UnreadableError as error:
        raise LoopError(f"What was rendered cannot be read: {error}.") from error
    if found is None:
        raise LoopError("What was rendered holds something that is no Kubernetes object.")
    return [normalized(_with_texts(each.content, manifests)) for each in found]


def _with_texts(item: Object, manifests: Sequence[Object]) -> Object:
    """A Secret with the texts that the flux program takes for something else: it makes 83 of "0123"."""
    rendered = item.get("stringData")
    if item["kind"] != "Secret" or not isinstance(rendered, dict):
        return item
    meant: dict[str, Any] = {}
    for manifest in manifests:
        if manifest["kind"] == "Secret" and str(manifest["metadata"]["name"]) in str(
            item["metadata"]["name"]
        ):
            meant = dict(manifest.get("stringData") or {}) | meant
    texts = {
        key: meant.get(key, "" if value is None else value)
        if not isinstance(value, str) or _DATE.match(value)
        else value
        for key, value in rendered.items()
    }
    return item | {"stringData": texts}


def normalized(item: Object) -> Object:
    """An object with the defaults without which server-side apply would merge its lists wrongly."""
    item = copy.deepcopy(item)
    item["metadata"].pop("creationTimestamp", None)
    if item["kind"] != "CustomResourceDefinition":
        item.pop("status", None)
    if item["kind"] == "Secret" and isinstance(item.get("stringData"), dict):
        data = item.get("data") or {}
        given = item.pop("stringData")
        item["data"] = data | {key: base64.b64encode(str(given[key]).encode()).decode() for key in given}
    for ports in _ports(item):
        for port in ports:
            if isinstance(port, dict):
                port["protocol"] = port.get("protocol") or "TCP"
    return item


# Where a kind has its containers; of what is in no list, nothing is defaulted.
_POD_SPECS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
} | dict.fromkeys(
    ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), ("spec", "template", "spec")
)


def _ports(item: Object) -> Iterator[list[Any]]:
    if item["kind"] == "Service" and item["apiVersion"] == "v1":
        yield (item.get("spec") or {}).get("ports") or []
    place: Any = item
    for key in _POD_SPECS.get(item["kind"], ("",)):
        place = place.get(key) if isinstance(place, dict) else None
    for container in (place or {}).get("containers") or []:
        yield container.get("ports") or []


def variables(found: Sequence[Object]) -> dict[str, str]:
    """The variables of the objects that ``substituteFrom`` names, later ones over earlier ones."""
    values: dict[str, str] = {}
    for item in found:
        for key, value in (item.get("data") or {}).items():
            text = (
                base64.b64decode(value).decode(errors="replace") if item["kind"] == "Secret" else str(value)
            )
            values[key] = text.replace("\n", "")
    return values


def with_variables(kustomization: Object, values: Mapping[str, str]) -> Object:
    """A Kustomization that has the variables itself, so that it renders without a cluster."""
    substitution = kustomization["spec"].get("postBuild") or {}
    inline = {**values, **(substitution.get("substitute") or {})}
    rest = {key: value for key, value in substitution.items() if key not in ("substituteFrom", "substitute")}
    if not inline and not rest:
        return {**kustomization, "spec": {k: v for k, v in kustomization["spec"].items() if k != "postBuild"}}
    post_build = {**rest, "substitute": inline} if inline else rest
    return {**kustomization, "spec": {**kustomization["spec"], "postBuild": post_build}}
