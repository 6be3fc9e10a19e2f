# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a Kustomization waits for, down to the first that will not become ready by waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Link
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    DEPENDENCY_NOT_READY,
    NOT_FOUND,
    State,
    Verdict,
    condition,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    dependencies_of,
    source_of,
)

LOOK_SECONDS = 1.0

# The chain of what is known of a Kustomization by other means, None where nothing is.
Known = Callable[[ObjectRef], "list[Link] | None"]


def is_waiting(kustomization: Object) -> bool:
    """Whether Flux waits for dependencies before it applies a Kustomization."""
    return kustomization_verdict(kustomization).reason == DEPENDENCY_NOT_READY


def satisfies(kustomization: Object) -> bool:
    """Whether Flux takes a Kustomization for a dependency that is ready, even if it is suspended."""
    ready = condition(kustomization, "Ready")
    generation = kustomization["metadata"].get("generation")
    is_observed = kustomization.get("status", {}).get("observedGeneration") == generation
    return ready is not None and ready["status"] == "True" and is_observed


class Obstacles:
    """The Kustomizations and sources that others wait for and nobody watches: read now and then."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._seen: dict[ObjectRef, Object | None] = {}
        self._due = 0.0

    def look(self, awaited: Iterable[ObjectRef]) -> None:
        """Read ``awaited`` and what these wait for, unless that was done a moment ago."""
        pending = list(awaited)
        if not pending or time.monotonic() < self._due:
            return
        seen: dict[ObjectRef, Object | None] = {}
        try:
            while pending:
                ref = pending.pop()
                if ref not in seen:
                    seen[ref] = self._cluster.get(ref)
                    pending += _awaited_by(ref, seen[ref])
        except ClusterError as error:
            if not error.is_passing:
                raise
        self._seen = seen
        self._due = time.monotonic() + LOOK_SECONDS

    def chain(self, ref: ObjectRef, known: Known) -> list[Link]:
        """From ``ref`` to the first that has failed; empty while there is no reason not to wait."""
        return self._chain(ref, known, set())

    def _chain(self, ref: ObjectRef, known: Known, passed: set[ObjectRef]) -> list[Link]:
        told = known(ref)
        if told is not None:
            return told
        if ref in passed or ref not in self._seen:
            return []
        passed.add(ref)
        item = self._seen[ref]
        if item is None:
            return [Link(ref, Verdict(State.FAILED, NOT_FOUND, "It does not exist."))]
        verdict = kustomization_verdict(item) if ref.kind == KUSTOMIZATION else source_verdict(item)
        if verdict.state is State.READY or (ref.kind == KUSTOMIZATION and satisfies(item)):
            return []
        if verdict.is_settled:
            return [Link(ref, verdict, item)]
        for awaited in _awaited_by(ref, item):
            rest = self._chain(awaited, known, passed)
            if rest:
                return [Link(ref, verdict, item), *rest]
        return []


def _awaited_by(ref: ObjectRef, item: Object | None) -> list[ObjectRef]:
    """What an object that was read waits for now: its dependencies, or its source."""
    if item is None or ref.kind != KUSTOMIZATION:
        return []
    verdict = kustomization_verdict(item)
    if verdict.reason == DEPENDENCY_NOT_READY:
        return dependencies_of(item)
    return [source_of(item)] if verdict.reason == "ArtifactFailed" else []
