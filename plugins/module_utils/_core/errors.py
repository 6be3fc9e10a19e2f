# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception the collection raises on purpose."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable_message


class LoopError(Exception):
    """What went wrong, where, and what to do, as a sentence for the user.

    Whatever text of others is in the message, it is safe to show. ``details`` become return values of the
    failed module.
    """

    def __init__(self, message: str, **details: Any) -> None:
        self.message = printable_message(message)
        super().__init__(self.message)
        self.details = details
