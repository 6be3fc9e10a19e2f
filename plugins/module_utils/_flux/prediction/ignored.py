# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The fields of objects that a Kustomization leaves to others: its ``spec.ignore``.

https://fluxcd.io/flux/components/kustomize/kustomizations/#ignore
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import (
    Path,
    is_item,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, identity_of
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.selectors import selects
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import comparable

Pointer = tuple[str, ...]  # the keys and indices of a JSON pointer (RFC 6901)
_NOTHING = object()


def ignored_fields(kustomization: Object, item: Object) -> list[Pointer]:
    """The places in an object that the Kustomization which applies it leaves to others."""
    return [
        pointer(path)
        for rule in kustomization.get("spec", {}).get("ignore") or []
        if _is_target(rule.get("target") or {}, item)
        for path in rule["paths"]
    ]


def pointer(path: str) -> Pointer:
    """The parts of a JSON pointer."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def _is_target(target: Mapping[str, str], item: Object) -> bool:
    identity, metadata = identity_of(item), item["metadata"]
    found = {
        "group": identity.group,
        "version": str(item["apiVersion"]).rpartition("/")[2],
        "kind": identity.kind,
        "name": identity.name,
        "namespace": identity.namespace,
    }
    return all(
        re.fullmatch(target[key], value) is not None for key, value in found.items() if target.get(key)
    ) and all(
        selects(target[selector], metadata.get(marks) or {})
        for selector, marks in (("labelSelector", "labels"), ("annotationSelector", "annotations"))
        if target.get(selector)
    )


def differs_besides(live: Object, after: Object, ignored: Sequence[Pointer]) -> bool:
    """Whether two states of an object differ in more than what is ignored."""
    return comparable(_without(live, ignored)) != comparable(_without(after, ignored))


def left_to_others(
    desired: Object, live: Object, after: Object, ignored: Sequence[Pointer], owned: Sequence[Path]
) -> Object:
    """An object as the controller applies it, so that what is ignored and differs stays as it is.

    ``owned`` are the fields that others apply: these are left out, any other is taken from ``live``. Raises
    LoopError where there is no such field in ``desired``: the controller gives up then, too.
    """
    kept = copy.deepcopy(desired)
    for place in ignored:
        there = _at(live, place)
        if there == _at(after, place):
            continue
        if any(leads_to(path, place, live) for path in owned):
            kept = _without(kept, [place])
        elif _at(kept, place) is _NOTHING:
            raise LoopError(
                "replace operation does not apply: doc is missing key: /"
                + "/".join(place)
                + ": missing value"
            )
        else:
            _at(kept, place[:-1])[_key(_at(kept, place[:-1]), place[-1])] = (
                None if there is _NOTHING else copy.deepcopy(there)
            )
    return kept


def leads_to(path: Path, place: Pointer, item: Object) -> bool:
    """Whether a managed field is in a place of an object, or is this place."""
    if not place or len(path) < len(place):
        return False
    inside: Any = item
    for step, part in zip(path, place, strict=False):
        if isinstance(inside, list):
            key = _key(inside, part)
            if key is None or not is_item(inside[key], step):
                return False
        elif step != f"f:{part}" or part.isdecimal():
            return False
        inside = _at(inside, (part,))
    return True


def _key(container: Any, part: str) -> Any:
    """A part of a pointer as a key of a dictionary or an index of a list; None where it is neither."""
    if isinstance(container, dict):
        return part
    if isinstance(container, list) and part.isdecimal() and int(part) < len(container):
        return int(part)
    return None


def _at(item: Any, place: Pointer) -> Any:
    for part in place:
        key = _key(item, part)
        if key is None or (isinstance(item, dict) and key not in item):
            return _NOTHING
        item = item[key]
    return item


def _without(item: Object, places: Sequence[Pointer]) -> Object:
    slim = copy.deepcopy(item)
    for place in _found(slim, places):
        container = _at(slim, place[:-1])
        del container[_key(container, place[-1])]
    return slim


def _found(item: Object, places: Sequence[Pointer]) -> Iterator[Pointer]:
    for place in places:
        if place and _at(item, place) is not _NOTHING:
            yield place
