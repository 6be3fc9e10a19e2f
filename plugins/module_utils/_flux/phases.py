# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How long each step of a reconciliation took."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from enum import IntEnum


class Step(IntEnum):
    """What is behind a Kustomization on its way to a digest; each includes those before it."""

    NONE = 0
    FETCHED = 1  # the source has the revision
    APPLIED = 2
    HEALTHY = 3


@dataclass(frozen=True)
class Phases:
    """When a reconciliation began and when each step was first behind it: seconds of one clock, or None."""

    began: float = 0.0
    fetched: float | None = None
    applied: float | None = None
    healthy: float | None = None

    def after(self, step: Step, at: float) -> Phases:
        """The phases after ``step`` was seen to be behind it at time ``at``."""
        return replace(
            self,
            fetched=at if self.fetched is None and step >= Step.FETCHED else self.fetched,
            applied=at if self.applied is None and step >= Step.APPLIED else self.applied,
            healthy=at if self.healthy is None and step >= Step.HEALTHY else self.healthy,
        )

    def seconds(self) -> dict[str, float | None]:
        """Seconds until the source had the revision, then until it was applied, then until it was healthy."""
        marks = (self.began, self.fetched, self.applied, self.healthy)
        took = [
            None if begun is None or done is None else round(done - begun, 3)
            for begun, done in itertools.pairwise(marks)
        ]
        return dict(zip(("source", "apply", "health"), took, strict=True))
