# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests compared by resource: which ones differ, and in which fields. Secrets are never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resources import Resource

# A file whose anchors multiply into more than this is compared as text.
MOST_FIELDS = 50_000
# What items of a list are told apart by; the merge keys of Kubernetes' own lists of objects.
_ITEM_KEYS = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class FieldChange:
    """A field that differs, its values as JSON; None where there is no such field."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ResourceChange:
    """A resource that differs: ``added``, ``removed``, ``changed`` or ``moved`` to another file unchanged."""

    change: str
    before: Resource | None
    after: Resource | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def resource(self) -> Resource:
        """The resource as it is afterwards, or as it was."""
        resource = self.after or self.before
        if resource is None:
            raise ValueError("a change without a resource")
        return resource

    def as_dict(self) -> dict[str, Any]:
        """As a module returns it."""
        resource = self.resource
        return {
            "change": self.change,
            "api_version": resource.content["apiVersion"],
            "kind": resource.kind,
            "namespace": resource.namespace,
            "name": resource.name,
            "file": resource.file,
            "previous_file": self.before.file if self.before else None,
            "fields": [
                {"field": each.field, "before": each.before, "after": each.after} for each in self.fields
            ],
        }


def changed_resources(
    before: Sequence[Resource], after: Sequence[Resource], mask: Mask
) -> list[ResourceChange]:
    """How the resources differ. One is the same by its file and identity, or else by its identity alone.

    Raises ValueError where anchors multiply a document beyond all bounds.
    """
    pairs, gone, new = _paired(before, after, by_file=True)
    moved, gone, new = _paired(gone, new, by_file=False)
    changes = [
        ResourceChange("changed" if fields else "moved", old, now, fields)
        for old, now in [*pairs, *moved]
        if (fields := field_changes(mask.document(old.content), mask.document(now.content)))
        or old.file != now.file
    ]
    changes += [ResourceChange("removed", resource, None) for resource in gone]
    changes += [ResourceChange("added", None, resource) for resource in new]
    return sorted(changes, key=lambda change: (change.resource.file, change.resource.identity, change.change))


def _paired(
    before: Sequence[Resource], after: Sequence[Resource], *, by_file: bool
) -> tuple[list[tuple[Resource, Resource]], list[Resource], list[Resource]]:
    """Pairs of the same resource, and what is left over on either side."""
    waiting: dict[tuple[str, Identity], list[Resource]] = {}
    for resource in after:
        waiting.setdefault(_key(resource, by_file), []).append(resource)
    pairs, gone = [], []
    for resource in before:
        same = waiting.get(_key(resource, by_file))
        if same:
            pairs.append((resource, same.pop(0)))
        else:
            gone.append(resource)
    return pairs, gone, [resource for rest in waiting.values() for resource in rest]


def _key(resource: Resource, by_file: bool) -> tuple[str, Identity]:
    return (resource.file if by_file else "", resource.identity)


def field_changes(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """The fields in which two objects differ. Raises ValueError beyond MOST_FIELDS."""
    old, now = dict(_leaves(before)), dict(_leaves(after))
    return tuple(
        FieldChange(name, old.get(name), now.get(name))
        for name in dict.fromkeys([*old, *now])
        if old.get(name) != now.get(name)
    )


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """Every value of an object by the path of its field, as JSON."""
    waiting: list[tuple[str, Any]] = [("", value)]
    for count in range(MOST_FIELDS):
        if not waiting:
            return
        path, current = waiting.pop()
        below = _below(path, current)
        if below:
            waiting += reversed(below)
        elif count:
            yield path, json.dumps(current, sort_keys=True, ensure_ascii=False, default=str)
    raise ValueError("too many fields")


def _below(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(_joined(path, str(key)), each) for key, each in value.items()]
    if not isinstance(value, list) or not any(isinstance(each, (dict, list)) for each in value):
        return []
    names = _item_names(value)
    return [(f"{path}[{name}]", each) for name, each in zip(names, value, strict=True)]


def _item_names(items: Sequence[Any]) -> Sequence[str]:
    for key in _ITEM_KEYS:
        names = [str(each[key]) for each in items if isinstance(each, dict) and key in each]
        if len(set(names)) == len(items):
            return names
    return [str(index) for index in range(len(items))]


def _joined(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
