# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Expressions that select objects by their labels.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

_KEY = r"(?P<key>[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?)"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<no>!)\s*)?{_KEY}\s*"
    r"(?:(?P<sign>==|=|!=|>|<)\s*(?P<value>[\w.-]*)|(?P<word>notin|in)\s*\((?P<values>[\w.,\s-]*)\))?\s*"
)
_COMMA = re.compile(r",(?![^(]*\))")  # outside brackets


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector such as ``app in (a, b), !old`` selects labels. Raises LoopError if it is none."""
    met = [_is_met(requirement, labels) for requirement in _COMMA.split(selector)]  # each of them is read
    return all(met)


def _is_met(requirement: str, labels: Mapping[str, str]) -> bool:
    parts = _REQUIREMENT.fullmatch(requirement)
    if parts is None or (parts["no"] and (parts["sign"] or parts["word"])):
        raise LoopError(f"{requirement.strip()!r} is not a requirement of a label selector.")
    value = labels.get(parts["key"])
    if parts["word"]:
        values = {each.strip() for each in parts["values"].split(",")}
        return (value in values) == (parts["word"] == "in")
    match parts["sign"]:
        case "=" | "==":
            return value == parts["value"]
        case "!=":
            return value != parts["value"]
        case ">" | "<":
            return _is_beyond(value, parts["sign"], parts["value"])
    return (value is None) == bool(parts["no"])


def _is_beyond(value: str | None, sign: str, limit: str) -> bool:
    try:
        number, bound = int(value or ""), int(limit)
    except ValueError:
        return False
    return number > bound if sign == ">" else number < bound
