# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How lists read in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def some_of(names: Sequence[str], shown: int) -> str:
    """The first of the names, at most ``shown``, and how many more there are: ``a, b and 3 more``."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
