# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How lists read in a sentence, and which name was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def some_of(names: Sequence[str], shown: int) -> str:
    """The first of the names, at most ``shown``, and how many more there are: ``a, b and 3 more``."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that ``name`` is probably meant to be, empty where none is near.

    Upper and lower case, ``-`` and ``_`` make no difference: ``dependsOn`` is near to ``depends_on``.
    """
    spelled = {_plain(each): each for each in sorted(known)}
    return next((spelled[near] for near in difflib.get_close_matches(_plain(name), spelled, 1, 0.7)), "")


def unknown_name(name: str, known: Iterable[str], *, what: str = "an option") -> str:
    """That ``name`` is none of the ``known`` ones, with the nearest or all of them; without a full stop."""
    names = sorted(known)
    near = nearest(name, names)
    told = f"the nearest name is {near}" if near else f"use one of {', '.join(names)}"
    return f"{name} is not {what}: {told}"


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
