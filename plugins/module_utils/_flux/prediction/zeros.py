# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Values that say nothing to Go's types, such as ``false`` and ``0``, which kustomize-controller leaves out.

It reads Kubernetes' own kinds into these types. A field with such a value then belongs to nobody, and what
somebody else sets there stays. The API server has the same types: what it leaves out, the controller does.
"""

from __future__ import annotations

from typing import Any

_ZEROS: tuple[Any, ...] = (None, False, 0, "", [], {})


def without_zeros(desired: Any, answered: Any) -> Any:
    """An object without the zeros that are missing in what the API server has made of it."""
    if isinstance(desired, dict):
        found = answered if isinstance(answered, dict) else {}
        return {
            key: without_zeros(value, found.get(key))
            for key, value in desired.items()
            if key in found or value not in _ZEROS
        }
    if isinstance(desired, list):
        return [
            without_zeros(entry, _counterpart(index, desired, answered))
            for index, entry in enumerate(desired)
        ]
    return desired


def _counterpart(index: int, desired: list[Any], answered: Any) -> Any:
    """What became of an item of a list: the item of its name, or else in its place."""
    entry = desired[index]
    if not isinstance(answered, list) or not isinstance(entry, dict):
        return entry
    if "name" in entry:
        same = (each for each in answered if isinstance(each, dict) and each.get("name") == entry["name"])
        return next(same, entry)
    return answered[index] if len(answered) == len(desired) else entry
