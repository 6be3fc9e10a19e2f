# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Until when an answer has to be complete, also where it comes a byte at a time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


class UnfinishedError(TimeoutError):
    """What was awaited had begun, and did not end in time; says so in a few words."""


@dataclass
class Deadline:
    """A point in time, ``at``, of time.monotonic's clock.

    Where there is a ``rate``, in bytes in a second, what is carried puts it off: a transfer may take as long
    as it needs while it is no slower. It is never put off further than ``grace`` seconds from now, so that
    whatever came before, a peer that falls silent is given up.
    """

    at: float
    grace: float
    rate: float = math.inf

    @classmethod
    def after(cls, seconds: float, rate: float = math.inf) -> Deadline:
        """What is over in ``seconds``."""
        return cls(time.monotonic() + seconds, seconds, rate)

    @property
    def left(self) -> float:
        """The seconds that are left: more than 0, so that it is a time-out for sockets, where none are."""
        return max(self.at - time.monotonic(), 0.001)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.at

    def carried(self, size: int) -> None:
        """Note that ``size`` bytes came or went."""
        if math.isfinite(self.rate):
            self.at = min(self.at + size / self.rate, time.monotonic() + self.grace)

    def unfinished(self) -> UnfinishedError:
        """What to raise where an answer had begun."""
        if math.isfinite(self.rate):
            return UnfinishedError(f"it sent less than {self.rate / 1024:g} KiB a second")
        return UnfinishedError(f"its answer did not end within {self.grace:g} seconds")
