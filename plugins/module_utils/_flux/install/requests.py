# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Many requests at once, and those that the user may not make."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each

AT_ONCE = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def if_allowed(call: Callable[[], Result]) -> Result | None:
    """What the call returns, None where the user may not ask: all that he may not do is named together."""
    try:
        return call()
    except ClusterError as error:
        if error.status == 403:
            return None
        raise


def for_all(items: Iterable[Item], call: Callable[[Item], Result]) -> list[Result]:
    """``call`` for all items at once; the first error is raised when all have ended."""
    return for_each(call, items, at_once=AT_ONCE)
