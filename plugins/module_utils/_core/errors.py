# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception the collection raises on purpose."""

from __future__ import annotations

from typing import Any


class LoopError(Exception):
    """What went wrong, where, and what to do, as a sentence for the user.

    ``details`` become return values of the failed module.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
