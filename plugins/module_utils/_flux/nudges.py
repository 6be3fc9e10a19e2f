# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Who is asked again because Flux itself would look later: after --requeue-dependency or retryInterval.

Each reason is a class of its own that remembers when it last held: another one is added to ``REASONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, is_unanswered
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import status_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.tracker import Tracker

# kustomize-controller itself would ask it again only after the Kustomization's retryInterval.
ASK_AGAIN_SECONDS = 2.0


class Reason(Protocol):
    """Why one Kustomization is asked again."""

    def holds(self, tracker: Tracker, awaited: Sequence[Tracker], at: float) -> bool:
        """Whether to ask it now, at time ``at``; ``awaited`` are those followed that it waits for."""


class AwaitedBecameReady:
    """All that it waits for have become ready since this last held, and the last nudge is handled.

    For one new revision Flux may reconcile a Kustomization twice in a row. In between, its dependents find it
    not ready, and it may lose its own dependencies: what is ready may need a nudge again.
    """

    def __init__(self) -> None:
        self._nudged_for: list[str] = []  # resource versions

    def holds(self, tracker: Tracker, awaited: Sequence[Tracker], at: float) -> bool:
        del at
        tokens = tracker.sight.kustomization_tokens
        if not awaited or (tokens and status_of(tracker.live).get("lastHandledReconcileAt") not in tokens):
            return False
        if not all(other.is_ready_now for other in awaited):
            return False
        versions = [other.live["metadata"]["resourceVersion"] for other in awaited if other.live]
        is_news = versions != self._nudged_for
        self._nudged_for = versions
        return is_news


class ArtifactUnanswered:
    """source-controller did not answer Flux when that fetched the artifact, and some time has passed."""

    def __init__(self) -> None:
        self._ask_again_at = 0.0

    def holds(self, tracker: Tracker, awaited: Sequence[Tracker], at: float) -> bool:
        del awaited
        is_due = tracker.verdict.state is State.IN_PROGRESS and is_unanswered(tracker.verdict)
        if not is_due or at < self._ask_again_at:
            return False
        self._ask_again_at = at + ASK_AGAIN_SECONDS
        return True


REASONS: tuple[Callable[[], Reason], ...] = (AwaitedBecameReady, ArtifactUnanswered)


class Nudges:
    """Which of several Kustomizations that are followed are to be asked again."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._followed = {tracker.ref: tracker for tracker in trackers}
        self._reasons = [(tracker, [reason() for reason in REASONS]) for tracker in trackers]

    def due(self, at: float) -> Iterator[Tracker]:
        """Those that are to be asked again at time ``at``."""
        for tracker, reasons in self._reasons:
            awaited = [self._followed[ref] for ref in tracker.waits_for if ref in self._followed]
            if any(reason.holds(tracker, awaited, at) for reason in reasons):
                yield tracker
