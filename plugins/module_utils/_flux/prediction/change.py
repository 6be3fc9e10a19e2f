# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of one object: as data, as --diff shows it, and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import (
    FieldChange,
    field_changes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import dumped


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
    is_lost: bool = False  # whether what is refused is deleted first

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


def loss(live: Object, desired: Object, message: str) -> Change:
    """An object that is deleted to be created anew, which the API server would not take."""
    return Change(
        Action.REFUSED, identity_of(desired), str(desired["apiVersion"]), live, desired, (), message, True
    )


def pruning(live: Object) -> Change:
    """The change of an object that goes."""
    return Change(Action.PRUNED, identity_of(live), str(live["apiVersion"]), live)


def refused(changes: Sequence[Change]) -> list[Change]:
    """The changes that the API server would not take."""
    return [change for change in changes if change.action is Action.REFUSED]
