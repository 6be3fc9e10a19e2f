# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Durations as Flux writes them."""

from __future__ import annotations

import re
from decimal import Decimal

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+")
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}


def seconds(duration: str, option: str) -> Decimal:
    """A Flux duration (``1m30s``) in seconds; LoopError names ``option`` when it is none."""
    if not _DURATION.fullmatch(duration):
        raise LoopError(f"{option} is {duration!r}, which is no duration: write it like 30s, 1m30s or 1h.")
    parts = _DURATION_PART.findall(duration)
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0))
