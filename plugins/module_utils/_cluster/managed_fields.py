# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Who owns which fields of an object (``metadata.managedFields``), and the object without some of them.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object

# A step is f:<field>, k:<keys of a list's item>, v:<a list's value> or i:<index>, as in fieldsV1.
Path = tuple[str, ...]

# Parts of an object that say nothing of what it is asked to be.
_ASIDE = frozenset({"f:metadata", "f:status", "f:kind", "f:apiVersion"})
# Programs that people change objects with. Controllers change objects too, and are meant to.
HANDS = ("kubectl", "flux", "helm", "k9s", "Mozilla")


def entries(item: Object) -> list[Object]:
    """What managedFields says of the object itself, without its subresources."""
    return [entry for entry in item["metadata"].get("managedFields") or [] if not entry.get("subresource")]


def fields_of(entry: Mapping[str, Any]) -> set[Path]:
    """The fields of one entry: every leaf, and whatever is owned as such besides what is in it."""
    return set(_paths(entry.get("fieldsV1") or {}, ()))


def owned_by(item: Object, manager: str) -> set[Path]:
    """The fields that a manager has applied."""
    return {
        path
        for entry in entries(item)
        if entry.get("manager") == manager and entry.get("operation") == "Apply"
        for path in fields_of(entry)
    }


def hands_on(item: Object, is_ignored: Callable[[Path], bool] = lambda _path: False) -> list[str]:
    """The programs that people work with and that have set what the object asks for, less what is ignored."""
    managers: dict[str, None] = {}
    for entry in entries(item):
        manager = str(entry.get("manager", ""))
        if manager.startswith(HANDS) and any(
            path[0] not in _ASIDE and not is_ignored(path) for path in fields_of(entry)
        ):
            managers[manager] = None
    return list(managers)


def is_item(entry: Any, step: str) -> bool:
    """Whether a step of a path names an item of a list."""
    sort, _colon, what = step.partition(":")
    return sort in ("k", "v") and _is_meant(entry, sort, json.loads(what))


def _paths(fields: Mapping[str, Any], parent: Path) -> Iterator[Path]:
    if parent and (not fields or "." in fields):
        yield parent
    for step, nested in fields.items():
        if step != ".":
            yield from _paths(nested, (*parent, step))


def without(item: Object, paths: set[Path], kept: set[Path]) -> Object:
    """A copy of ``item`` less the fields of ``paths``, as far as nothing of ``kept`` is or lies in them."""
    inside = {path[:length] for path in kept for length in range(1, len(path) + 1)}
    slim = copy.deepcopy(item)
    for path in sorted(paths - inside, key=len):
        _remove(slim, path)
    return slim


def _remove(item: Any, path: Path) -> None:
    *parents, last = path
    trail = []
    for step in parents:
        place = _place(item, step)
        if place is None:
            return
        trail.append((item, place))
        item = item[place]
    place = _place(item, last)
    if place is None:
        return
    del item[place]
    # The API leaves empty maps of labels and the like out.
    for container, inner in reversed(trail):
        if container[inner]:
            break
        del container[inner]


def _place(container: Any, step: str) -> Any:
    """Where a step leads, as a key or an index; None where there is no such thing."""
    sort, _colon, what = step.partition(":")
    if isinstance(container, dict):
        return what if sort == "f" and what in container else None
    if isinstance(container, list) and sort in ("k", "v", "i"):
        return _index(container, sort, json.loads(what))
    return None


def _index(items: Sequence[Any], sort: str, what: Any) -> int | None:
    if sort == "i":
        return what if isinstance(what, int) and what < len(items) else None
    return next((index for index, entry in enumerate(items) if _is_meant(entry, sort, what)), None)


def _is_meant(entry: Any, sort: str, what: Any) -> bool:
    if sort == "v":
        return bool(entry == what)
    return isinstance(entry, dict) and all(entry.get(key) == value for key, value in what.items())
