# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What kustomize-controller would make of rendered manifests: a change for each object that would differ.

The rules are the controller's own: what it skips, what it undoes, when it recreates and what it prunes.
https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import (
    entries,
    fields_of,
    owned_by,
    without,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import (
    FieldChange,
    field_changes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import dumped, resources

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
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_IMMUTABLE = re.compile(r"is\simmutable|immutable\sfield", re.IGNORECASE)


class Action(StrEnum):
    """What becomes of an object; ``unknown`` where the user may not ask."""

    CREATED = "created"
    CHANGED = "changed"
    RECREATED = "recreated"
    PRUNED = "pruned"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Change:
    """What becomes of one object: as it is, and as it would be, Secrets and all; ``fields`` are masked."""

    action: Action
    identity: Identity
    api_version: str
    before: Object | None = None
    after: Object | None = None
    fields: tuple[FieldChange, ...] = ()
    message: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether something would become of the object, as far as can be known."""
        return self.action not in (Action.REFUSED, Action.UNKNOWN)

    def as_dict(self) -> dict[str, Any]:
        """As a module returns it."""
        return {
            "action": self.action.value,
            "api_version": self.api_version,
            "kind": self.identity.kind,
            "namespace": self.identity.namespace or None,
            "name": self.identity.name,
            "fields": [
                {"field": each.field, "before": each.before, "after": each.after} for each in self.fields
            ],
            "message": self.message,
        }

    def shown(self, mask: Mask) -> dict[str, str]:
        """As Ansible's --diff shows it: the fields that differ, or the whole of what comes or goes."""
        title = f"{self.identity} in the cluster"
        before_header = f"{title}, none" if self.action is Action.CREATED else title
        after_header = f"{title}, {self.action.value} by Flux"
        shown = {"before_header": before_header, "after_header": after_header, "before": "", "after": ""}
        if self.action is Action.CREATED and self.after:
            shown["after"] = dumped(mask.document(written(self.after)))
        elif self.action is Action.PRUNED and self.before:
            shown["before"] = dumped(mask.document(written(self.before)))
        elif self.message:
            shown["after"] = f"{self.message}\n"
        for each in self.fields:
            shown["before"] += f"{each.field}: {each.before}\n" if each.before is not None else ""
            shown["after"] += f"{each.field}: {each.after}\n" if each.after is not None else ""
        return shown

    def sentences(self) -> list[str]:
        """What one says of it, at most a line each field."""
        if self.message:
            return [f"{self.identity}: {self.action.value}: {self.message}"]
        if self.action is not Action.CHANGED:
            return [f"{self.identity}: {self.action.value}"]
        return [
            f"{self.identity}: {each.field}: {_value(each.before)} -> {_value(each.after)}"
            for each in self.fields
        ]

    def drift(self) -> list[str]:
        """The same, of what nobody but the cluster's users has changed."""
        return [f"{self.identity} is missing"] if self.action is Action.CREATED else self.sentences()


def _value(value: str | None) -> str:
    return "(none)" if value is None else value


def read_rendered(text: str, manifests: Sequence[Object]) -> list[Object]:
    """The objects of what was rendered out of ``manifests``, as the controller applies them."""
    if not text.strip():
        return []
    found = resources(text, "")
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


def is_immutable(message: str) -> bool:
    """Whether a refusal is about a field that cannot change."""
    return bool(_IMMUTABLE.search(message))


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


def is_undone(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of managedFields is one whose fields the controller takes over."""
    manager, operation = str(entry.get("manager", "")), entry.get("operation")
    if operation == "Apply":
        return manager.startswith("kubectl")
    return operation == "Update" and manager.startswith(("kubectl", "before-first-apply", CONTROLLER))


def comparable(item: Object) -> Object:
    """What of an object counts: all but its status, and of its metadata the labels and annotations."""
    slim = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    marks = {key: item["metadata"][key] for key in ("labels", "annotations") if item["metadata"].get(key)}
    return {**slim, "metadata": marks}


def written(item: Object) -> Object:
    """An object as people write it, with its name."""
    metadata = item["metadata"]
    named = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    slim = comparable(item)
    marks = slim.pop("metadata")
    return {
        "apiVersion": slim.pop("apiVersion"),
        "kind": slim.pop("kind"),
        "metadata": named | marks,
        **slim,
    }


def differing_fields(before: Object, after: Object, mask: Mask) -> tuple[FieldChange, ...]:
    """The fields in which an object would differ, Secrets masked."""
    one, other = mask.document(comparable(before)), mask.document(comparable(after))
    try:
        return field_changes(one, other)
    except ValueError:
        return () if one == other else (FieldChange("more fields than can be shown", None, None),)


def change_of(live: Object, after: Object, mask: Mask) -> Change | None:
    """The change from one state of an object to another."""
    fields = differing_fields(live, after, mask)
    if not fields:
        return None
    return Change(Action.CHANGED, identity_of(after), str(after["apiVersion"]), live, after, fields)


def recreation(live: Object, desired: Object, mask: Mask) -> Change:
    """The change of an object that is deleted and created anew, in the fields that the manifest names."""
    fields = tuple(each for each in differing_fields(live, desired, mask) if each.after is not None)
    return Change(Action.RECREATED, identity_of(desired), str(desired["apiVersion"]), live, desired, fields)


def creation(desired: Object) -> Change:
    """The change of an object that is not there."""
    return Change(Action.CREATED, identity_of(desired), str(desired["apiVersion"]), None, desired)


def refusal(desired: Object, message: str, *, is_final: bool = True) -> Change:
    """An object that the API server would not take, or (not ``is_final``) cannot be asked about."""
    action = Action.REFUSED if is_final else Action.UNKNOWN
    return Change(action, identity_of(desired), str(desired["apiVersion"]), None, desired, (), message)


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


def pruning(live: Object) -> Change:
    """The change of an object that goes."""
    return Change(Action.PRUNED, identity_of(live), str(live["apiVersion"]), live)


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
