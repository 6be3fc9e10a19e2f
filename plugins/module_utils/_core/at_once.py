# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One call for many items at once, by a bounded number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(call: Callable[[Item], Result], items: Iterable[Item], *, at_once: int) -> list[Result]:
    """What ``call`` returns for each item, in the order of the items; at most ``at_once`` run at a time.

    The error of the first item that failed is raised once those under way have ended; what had not begun by
    then is left out.
    """
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(call, items))


def for_each_to_the_end(
    call: Callable[[Item], Result], items: Iterable[Item], *, at_once: int
) -> list[Result]:
    """As ``for_each``, but all items are begun, whatever fails: the error is raised once all have ended."""
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(call, item) for item in items]
    return [future.result() for future in futures]
