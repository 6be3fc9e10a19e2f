# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What cannot be packed or extracted, all of it at once, with a remedy for each reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of

NAMED_IN_A_MESSAGE = 10


def refuse(what: str, refused: Sequence[tuple[str, str]], remedies: Mapping[str, str]) -> None:
    """Raise LoopError for all names that are ``refused``, each with its reason; nothing for none.

    The message begins with the sentence ``what`` and goes on with the remedy for each reason.
    """
    if not refused:
        return
    by_reason: dict[str, list[str]] = {}
    for name, reason in refused:
        by_reason.setdefault(reason, []).append(printable(name))
    sentences = [
        f"{some_of(names, NAMED_IN_A_MESSAGE)} ({reason}): {remedies[reason]}"
        for reason, names in by_reason.items()
    ]
    raise LoopError(
        f"{what} {'. '.join(sentences)}.",
        refused=[{"name": printable(name), "reason": reason} for name, reason in refused],
    )
