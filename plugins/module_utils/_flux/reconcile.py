# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Ask Flux to reconcile, wait, and prove: pushed digest = source revision = applied revision, and healthy.

Any number of Kustomizations are followed at once, each by a ``Tracker``, from one watch for each kind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    Cluster,
    ClusterError,
    Listing,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import explore
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import cause_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Artifact,
    Link,
    Origin,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import FIELD_MANAGER
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.dependencies import (
    LOOK_SECONDS,
    Obstacles,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import EVENT
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import (
    Request,
    needed_triggers,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import REQUESTED_AT
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.nudges import Nudges
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.receipt import Proof
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.tracker import Tracker
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.watchers import (
    News,
    Scope,
    Watchers,
    namespace_of,
)


def _unobserved(trackers: Sequence[Tracker]) -> None:
    """Nobody follows."""


def reconcile(
    cluster: Cluster,
    requests: Sequence[Request],
    *,
    observe: Callable[[Sequence[Tracker]], None] = _unobserved,
) -> list[Proof]:
    """The proof of each of ``requests``, in their order: it is ready, has failed or its time is over.

    Everything is asked for together and watched on one connection for each kind. What is proven already is
    left alone. Raises ClusterError when the cluster refuses, or cannot be reached at the beginning; later
    interruptions of the connection are outlived until the time is over. ``observe`` is shown the trackers
    whenever there is news, and about once a second.
    """
    if not requests:
        return []
    trackers, listings = _observe(cluster, requests)
    for tracker in trackers:
        tracker.triggers = tuple(needed_triggers(tracker.sight))
    triggers = [(tracker, ref) for tracker in trackers for ref in tracker.triggers]
    begun = time.monotonic()
    if not triggers:
        _begin(trackers, begun)
    if not all(tracker.verdict.is_settled for tracker in trackers):
        with Watchers(cluster, {**listings, **_ear(cluster, trackers)}) as watchers:
            _ask(cluster, triggers)
            _begin(trackers, begun)
            _follow(cluster, trackers, watchers, begun, observe)
    return [tracker.proof() for tracker in trackers]


def assess(cluster: Cluster, request: Request, seen: Iterable[Object] = ()) -> Proof:
    """Where a Kustomization stands now, and what Flux would be asked to reconcile; nothing is asked for.

    Of the Kustomization and its source, what is among ``seen`` is not read again. Raises ClusterError.
    """
    tracker, now = Tracker(request), time.monotonic()
    for item in seen:
        tracker.observe(item, now)
    if tracker.sight.kustomization is None:
        _look_at(cluster, request.ref, tracker, now)
    source_ref = tracker.sight.source_ref
    if source_ref is not None and tracker.sight.source is None:
        _look_at(cluster, source_ref, tracker, now)
    tracker.triggers = tuple(needed_triggers(tracker.sight))
    tracker.begin(now)
    return tracker.proof()


def _look_at(cluster: Cluster, ref: ObjectRef, tracker: Tracker, at: float) -> None:
    item = cluster.get(ref)
    if item is None:
        tracker.observe_gone(ref, at)
    else:
        tracker.observe(item, at)


def _begin(trackers: Iterable[Tracker], at: float) -> None:
    for tracker in trackers:
        tracker.begin(at)


def _observe(cluster: Cluster, requests: Sequence[Request]) -> tuple[list[Tracker], dict[Scope, Listing]]:
    """Trackers that have seen their Kustomizations and sources as they are now: one request for each kind."""
    trackers = [Tracker(request) for request in requests]
    listings: dict[Scope, Listing] = {}
    _read(cluster, Scope.of(tracker.ref for tracker in trackers), trackers, listings)
    sources: dict[Kind, set[ObjectRef]] = {}
    for tracker in trackers:
        source_ref = tracker.sight.source_ref
        if source_ref is not None:
            sources.setdefault(source_ref.kind, set()).add(source_ref)
    for refs in sources.values():
        _read(cluster, Scope.of(refs), trackers, listings)
    return trackers, listings


def _read(
    cluster: Cluster, scope: Scope, trackers: Sequence[Tracker], listings: dict[Scope, Listing]
) -> None:
    listings[scope] = scope.list(cluster)
    _show(_by_ref(trackers), News(scope.kind, listings[scope].items, is_all=True), time.monotonic())


def _ear(cluster: Cluster, trackers: Sequence[Tracker]) -> dict[Scope, Listing]:
    """From where on events are watched: those of before are not read. Without the right to, none are."""
    scope = Scope(EVENT, namespace_of(_by_ref(trackers)), limit=1)
    try:
        return {scope: scope.list(cluster)}
    except ClusterError:
        return {}


def _by_ref(trackers: Iterable[Tracker]) -> dict[ObjectRef, list[Tracker]]:
    concerned: dict[ObjectRef, list[Tracker]] = {}
    for tracker in trackers:
        for ref in (tracker.ref, tracker.sight.source_ref):
            if ref is not None:
                concerned.setdefault(ref, []).append(tracker)
    return concerned


def _hear(concerned: Mapping[ObjectRef, list[Tracker]], events: Iterable[Object]) -> None:
    kinds = {ref.kind.name: ref.kind for ref in concerned}
    for event in events:
        about = event["regarding"]
        if about["kind"] in kinds:
            ref = ObjectRef(kinds[about["kind"]], about.get("namespace", ""), about["name"])
            for tracker in concerned.get(ref, ()):
                tracker.hear(event)


def _show(concerned: Mapping[ObjectRef, list[Tracker]], seen: News, at: float) -> None:
    if seen.kind == EVENT:
        _hear(concerned, () if seen.is_all else seen.items)
        return
    present = {ref_of(seen.kind, item): item for item in seen.items}
    for ref, item in present.items():
        for tracker in concerned.get(ref, ()):
            tracker.observe(item, at)
    missing = (
        [ref for ref in concerned if ref.kind == seen.kind and ref not in present] if seen.is_all else []
    )
    for ref in (*missing, *([seen.gone] if seen.gone else [])):
        for tracker in concerned.get(ref, ()):
            tracker.observe_gone(ref, at)


def _ask(cluster: Cluster, triggers: Iterable[tuple[Tracker, ObjectRef]]) -> None:
    """Annotate each object once, whoever shares it, with a token of this very request."""
    askers: dict[ObjectRef, list[Tracker]] = {}
    for tracker, ref in triggers:
        askers.setdefault(ref, []).append(tracker)
    for ref, trackers in askers.items():
        token = datetime.now(UTC).isoformat()
        for tracker in trackers:
            tracker.asked(ref, token)
        cluster.merge_patch(ref, {"metadata": {"annotations": {REQUESTED_AT: token}}}, manager=FIELD_MANAGER)


def _follow(
    cluster: Cluster,
    trackers: Sequence[Tracker],
    watchers: Watchers,
    begun: float,
    observe: Callable[[Sequence[Tracker]], None],
) -> None:
    concerned = _by_ref(trackers)
    obstacles, nudges = Obstacles(cluster), Nudges(trackers)
    while True:
        now = time.monotonic()
        pending = [
            tracker
            for tracker in trackers
            if not tracker.verdict.is_settled and now < begun + tracker.sight.request.timeout
        ]
        if not pending:
            break
        ends = min(begun + tracker.sight.request.timeout for tracker in pending)
        for seen in watchers.next(min(ends - now, LOOK_SECONDS)):
            _show(concerned, seen, time.monotonic())
        _block(trackers, obstacles)
        for tracker in nudges.due(time.monotonic()):
            _ask(cluster, [(tracker, tracker.ref)])
        observe(trackers)
    if watchers.interruption is not None:
        for tracker in trackers:
            tracker.lose(watchers.interruption.message)


def _block(trackers: Sequence[Tracker], obstacles: Obstacles) -> None:
    """Settle those that wait for what will not become ready, and in turn those that wait for them."""
    followed = {tracker.ref: tracker for tracker in trackers}
    waiting = [tracker for tracker in trackers if not tracker.verdict.is_settled and tracker.waits_for]
    obstacles.look(ref for tracker in waiting for ref in tracker.waits_for if ref not in followed)

    def known(ref: ObjectRef) -> list[Link] | None:
        return followed[ref].obstacle if ref in followed else None

    is_news = True
    while is_news:
        is_news = False
        for tracker in waiting:
            chain = next(filter(None, (obstacles.chain(ref, known) for ref in tracker.waits_for)), None)
            if chain and not tracker.verdict.is_settled:
                tracker.block(chain)
                is_news = True


def explained(
    cluster: Cluster, proofs: Iterable[Proof], origins: Mapping[ObjectRef, Origin] | None = None
) -> list[Proof]:
    """The proofs, each that is not ready with its cause. ``origins`` are where the contents come from."""
    return [proof if proof.is_ready else _with_cause(cluster, proof, origins or {}) for proof in proofs]


def _with_cause(cluster: Cluster, proof: Proof, origins: Mapping[ObjectRef, Origin]) -> Proof:
    origin = origins.get(proof.ref) or Artifact()
    return replace(proof, cause=cause_of(explore(cluster, proof.failure(origin))))
