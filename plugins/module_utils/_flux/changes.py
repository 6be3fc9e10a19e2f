# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""In what two states of an object differ, and which of its fields this collection owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    REQUESTED_AT,
)

FIELD_MANAGER = "gitops.flux_local"
_NOT_CONTENT = ("apiVersion", "kind", "metadata", "status")

Path = tuple[str, ...]


def content(item: Object) -> Object:
    """What people write of an object: identity, labels, annotations, spec and the like."""
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    annotations = dict(item["metadata"].get("annotations") or {})
    annotations.pop(REQUESTED_AT, None)
    if annotations:
        metadata["annotations"] = annotations
    if item["metadata"].get("labels"):
        metadata["labels"] = item["metadata"]["labels"]
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": metadata,
        **{name: value for name, value in item.items() if name not in _NOT_CONTENT},
    }


def changes(before: Object | None, after: Object) -> list[str]:
    """What differs, one line for each field, also for one that became or ceased to be this collection's."""
    if before is None:
        return ["created"]
    old, new = _leaves(content(before)), _leaves(content(after))
    differing = [
        f"{_dotted(path)}: {_shown(old, path)} -> {_shown(new, path)}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]
    taken = sorted(owned_fields(after) - owned_fields(before) - _differing(old, new))
    left = sorted(owned_fields(before) - owned_fields(after) - _differing(old, new))
    return [
        *differing,
        *(f"{_dotted(path)}: now managed here" for path in taken),
        *(f"{_dotted(path)}: no longer managed here" for path in left),
    ]


def _differing(old: Mapping[Path, Any], new: Mapping[Path, Any]) -> set[Path]:
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def _shown(leaves: Mapping[Path, Any], path: Path) -> str:
    return repr(leaves[path]) if path in leaves else "(none)"


def _dotted(path: Path) -> str:
    return ".".join(path)


def is_as_desired(live: Object, desired: Object) -> bool:
    """Whether an apply of ``desired`` would change neither the object nor what this collection owns of it."""
    wanted, there = _leaves(_applied_part(desired)), _leaves(_applied_part(live))
    return all(path in there and there[path] == value for path, value in wanted.items()) and owned_fields(
        live
    ) == set(wanted)


def owned_fields(item: Object) -> set[Path]:
    """The fields that were last applied by this collection (``managedFields``, fieldsV1)."""
    for entry in item["metadata"].get("managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            return set(_field_paths(entry.get("fieldsV1") or {}, ()))
    return set()


def _field_paths(fields: Mapping[str, Any], parent: Path) -> list[Path]:
    # "." stands for the parent itself. No list in Flux's specs has keys, hence "f:" is the only other prefix.
    below = {name[2:]: nested for name, nested in fields.items() if name.startswith("f:")}
    if not below:
        return [parent] if parent else []
    return [path for name, nested in below.items() for path in _field_paths(nested, (*parent, name))]


def _applied_part(item: Object) -> Object:
    metadata = item["metadata"]
    part: Object = {"spec": item.get("spec", {})}
    for key in ("labels", "annotations"):
        if metadata.get(key):
            part.setdefault("metadata", {})[key] = metadata[key]
    return part


def _leaves(value: Object, parent: Path = ()) -> dict[Path, Any]:
    """The leaves of an object as server-side apply sees them: lists, scalars and empty objects are whole."""
    leaves: dict[Path, Any] = {}
    for key, nested in value.items():
        path = (*parent, key)
        if isinstance(nested, dict) and nested:
            leaves.update(_leaves(nested, path))
        else:
            leaves[path] = nested
    return leaves
