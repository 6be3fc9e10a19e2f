# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Conditions of Flux's objects as the API server returns them."""

from __future__ import annotations


def condition(
    kind: str, status: str, reason: str = "Succeeded", message: str = "m", generation: int = 1
) -> dict[str, str | int]:
    """A condition that was seen at a generation of its object."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
