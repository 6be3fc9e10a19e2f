# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Ask Flux to reconcile, wait, and prove: pushed digest = source revision = applied revision, and healthy.

``Tracker`` is a state machine that is fed objects and never does I/O; ``reconcile`` feeds any number of them
from one watch for each kind.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
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
    Watch,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    FIELD_MANAGER,
    RETRY_SECONDS,
    WATCH_WINDOW,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import explore
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import (
    Artifact,
    Cause,
    Failure,
    Link,
    Origin,
    cause_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    CONNECTION_LOST,
    DEPENDENCY_FAILED,
    DEPENDENCY_NOT_READY,
    NOT_FOUND,
    OLDER_REVISION,
    UNEXPECTED_REVISION,
    State,
    Verdict,
    attempted_revision,
    digest_of,
    is_checking_health,
    is_unanswered,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.dependencies import (
    LOOK_SECONDS,
    Obstacles,
    is_waiting,
    satisfies,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory_result
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    REQUESTED_AT,
    dependencies_of,
    source_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import (
    check_digest,
    check_metadata,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.state import (
    EVENT,
    conditions,
    events_of,
    newest,
)


@dataclass(frozen=True)
class Request:
    """A Kustomization to prove within ``timeout`` seconds, at the pushed digest where that is known."""

    namespace: str
    name: str
    timeout: float
    expected_digest: str | None = None

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(KUSTOMIZATION, self.namespace, self.name)


_IDLE = {State.SUSPENDED, State.DELETING}
# A source-controller that starts anew, as after a restart of its node, is waited for that long, in seconds.
ANSWER_GRACE = 30.0
# kustomize-controller itself would ask it again only after the Kustomization's retryInterval.
ASK_AGAIN_SECONDS = 2.0


class Tracker:
    """Where one Kustomization and its source stand on the way to the digest that is expected.

    Objects may be observed in any order, repeatedly, and also stale ones: none of them makes an older
    revision pass. Times are seconds of one clock.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.source_ref: ObjectRef | None = None
        self.source: Object | None = None
        self.kustomization: Object | None = None
        self.verdict = Verdict(State.IN_PROGRESS, "NotObserved", "It has not been read yet.")
        self.source_tokens: set[str] = set()
        self.kustomization_tokens: set[str] = set()
        self.is_triggered = False  # Flux was asked to reconcile, or would be but for check mode
        self.live: Object | None = None  # as it was seen last, also after the verdict
        self.cause: Cause | None = None  # of a verdict other than ready, once it was looked for
        self.chain: list[Link] = []  # what it waits for, down to the first that has failed
        self._nudged_for: list[str] = []
        self._unanswered_at: float | None = None  # since when source-controller does not answer Flux
        self._ask_again_at = 0.0
        self._is_begun = False
        self._gone: set[ObjectRef] = set()
        self._heard: dict[str, Object] = {}  # events by their uid
        self._began_at = 0.0
        self._source_at: float | None = None
        self._applied_at: float | None = None
        self._ready_at: float | None = None

    @property
    def ref(self) -> ObjectRef:
        return self.request.ref

    def observe(self, item: Object, at: float) -> Verdict:
        """The verdict after the Kustomization or its source was seen at time ``at``; others are ignored."""
        if item["kind"] == KUSTOMIZATION.name and ref_of(KUSTOMIZATION, item) == self.ref:
            self.live = item
        if self.verdict.is_settled:
            return self.verdict
        if item["kind"] == KUSTOMIZATION.name and ref_of(KUSTOMIZATION, item) == self.ref:
            self.kustomization = item
            self.source_ref = source_of(item)
            self._gone.discard(self.ref)
        source_ref = self.source_ref
        is_source = source_ref is not None and item["kind"] == source_ref.kind.name
        if is_source and source_ref is not None and ref_of(source_ref.kind, item) == source_ref:
            self.source = item
            self._gone.discard(source_ref)
        return self._judge(at)

    def observe_gone(self, ref: ObjectRef, at: float) -> Verdict:
        """The verdict after ``ref`` has been seen not to exist."""
        if ref in (self.ref, self.source_ref):
            self._gone.add(ref)
        return self._judge(at)

    def hear(self, event: Object) -> None:
        """Take note of a Kubernetes event about the Kustomization or its source."""
        self._heard[event["metadata"]["uid"]] = event

    def needed_triggers(self) -> list[ObjectRef]:
        """Which of source and Kustomization must be asked to reconcile; neither where all is proven.

        A new revision of the source wakes its Kustomizations by itself. Asking them too makes them apply the
        older artifact once more, so that is only done where nothing new would come of itself.
        """
        if self.source is None or self.kustomization is None or self.source_ref is None:
            return []
        own, fetched = kustomization_verdict(self.kustomization), source_verdict(self.source)
        if _IDLE & {own.state, fetched.state}:
            return []
        expected = self.request.expected_digest
        if expected is None:
            return [self.source_ref, self.ref]
        is_attempted = digest_of(attempted_revision(self.kustomization)) == expected
        is_busy = own.state is State.IN_PROGRESS and own.reason != DEPENDENCY_NOT_READY
        is_ready = own.state is State.READY
        if fetched.state is State.READY and digest_of(_revision(self.source)) == expected:
            return [] if is_busy or (is_ready and is_attempted) else [self.ref]
        return (
            [self.source_ref] if is_busy or (is_ready and not is_attempted) else [self.source_ref, self.ref]
        )

    def asked(self, ref: ObjectRef, token: str) -> None:
        """Take note that ``ref`` gets ``token``: now only a failure that follows its handling counts."""
        (self.kustomization_tokens if ref == self.ref else self.source_tokens).add(token)

    def begin(self, at: float) -> Verdict:
        """The verdict at ``at``, from which the phases are measured. Nothing is ready or failed before."""
        self._is_begun = True
        self._began_at = at
        return self._judge(at)

    def _judge(self, at: float) -> Verdict:
        if self._is_begun and not self.verdict.is_settled:
            self.verdict = self._verdict(at)
        return self.verdict

    def _verdict(self, at: float) -> Verdict:
        for gone in (self.ref, self.source_ref):
            if gone in self._gone:
                return Verdict(State.FAILED, NOT_FOUND, "It does not exist.", subject=gone)
        if self.kustomization is None or self.source is None:
            return self.verdict
        own = kustomization_verdict(self.kustomization)
        if own.state in _IDLE:  # whatever its source does
            return _said_by(self.ref, own)
        expected = self.request.expected_digest
        revision = _revision(self.source)
        fetched = source_verdict(self.source)
        # The expected digest is its own proof; a token is needed to tell a fresh failure from an old one.
        if fetched.state is not State.READY or expected is None or digest_of(revision) != expected:
            fetched = source_verdict(self.source, self.source_tokens)
        if fetched.state is not State.READY:
            return _said_by(self.source_ref, fetched)
        if expected is not None and digest_of(revision) != expected:
            return self._other_revision(revision, expected)
        if self._source_at is None:
            self._source_at = at
        verdict = kustomization_verdict(self.kustomization, revision=revision)
        if verdict.state is not State.READY or expected is None:
            verdict = kustomization_verdict(self.kustomization, self.kustomization_tokens, revision)
        self._mark(verdict, revision, at)
        return _said_by(self.ref, self._with_grace(verdict, at))

    def _with_grace(self, verdict: Verdict, at: float) -> Verdict:
        if not is_unanswered(verdict):
            return verdict
        if self._unanswered_at is None:
            self._unanswered_at = at
        is_over = at >= self._unanswered_at + ANSWER_GRACE
        return verdict if is_over else replace(verdict, state=State.IN_PROGRESS)

    def _mark(self, verdict: Verdict, revision: str, at: float) -> None:
        is_ready = verdict.state is State.READY
        is_attempted = digest_of(attempted_revision(self.kustomization or {})) == digest_of(revision)
        is_applied = is_ready or (is_attempted and is_checking_health(self.kustomization or {}))
        if is_applied and self._applied_at is None:
            self._applied_at = at
        if is_ready:
            self._ready_at = at

    def _other_revision(self, revision: str, expected: str) -> Verdict:
        message = f"It is at {revision}, not at the expected {expected}"
        if not self.source_tokens:
            return Verdict(State.IN_PROGRESS, OLDER_REVISION, f"{message} yet.", subject=self.source_ref)
        # Its token was handled: it has looked for a revision after the push, and this is what it found.
        return Verdict(
            State.FAILED,
            UNEXPECTED_REVISION,
            f"{message}.",
            subject=self.source_ref,
        )

    def block(self, chain: Sequence[Link]) -> None:
        """Settle it as failed, since it waits for the first of ``chain``, and the last of that has failed."""
        self.chain = list(chain)
        first = chain[0]
        self.verdict = Verdict(
            State.FAILED,
            DEPENDENCY_FAILED,
            f"It waits for {first.ref}, which is not ready: {first.verdict.reason}.",
        )

    @property
    def waits_for(self) -> list[ObjectRef]:
        """The Kustomizations that Flux waits for before it applies this one; none unless it waits now."""
        return dependencies_of(self.live) if self.live is not None and is_waiting(self.live) else []

    @property
    def obstacle(self) -> list[Link]:
        """What keeps those that wait for this one from ever becoming ready; empty while nothing does."""
        is_in_the_way = self.verdict.state is State.FAILED or (
            self.verdict.state in _IDLE and not (self.live and satisfies(self.live))
        )
        return [Link(self.ref, self.verdict, self.live), *self.chain] if is_in_the_way else []

    def deserves_nudge(self, awaited: Sequence[Tracker]) -> bool:
        """Whether all ``awaited`` have become ready since this was last true, and the last nudge is handled.

        For one new revision Flux may reconcile a Kustomization twice in a row. In between, its dependents
        find it not ready, and it may lose its own dependencies: what is ready may need a nudge again.
        """
        handled = _status(self.live).get("lastHandledReconcileAt")
        if self.kustomization_tokens and handled not in self.kustomization_tokens:
            return False
        if not all(other.is_ready_now for other in awaited):
            return False
        versions = [other.live["metadata"]["resourceVersion"] for other in awaited if other.live]
        is_news = versions != self._nudged_for
        self._nudged_for = versions
        return is_news

    def deserves_retry(self, at: float) -> bool:
        """Whether it is time to ask it again, since source-controller did not answer Flux."""
        is_due = self.verdict.state is State.IN_PROGRESS and is_unanswered(self.verdict)
        if not is_due or at < self._ask_again_at:
            return False
        self._ask_again_at = at + ASK_AGAIN_SECONDS
        return True

    @property
    def is_ready_now(self) -> bool:
        """Whether the Kustomization is proven, and Flux has not begun to reconcile it again since."""
        is_proven = self.verdict.state is State.READY and self.live is not None
        return is_proven and kustomization_verdict(self.live or {}).state is State.READY

    def lose(self, message: str) -> None:
        """Take note that the connection is lost, and with it the chance to see more."""
        if not self.verdict.is_settled:
            self.verdict = Verdict(State.IN_PROGRESS, CONNECTION_LOST, message)

    def phases(self) -> dict[str, float | None]:
        """Seconds until the source had the revision, then until it was applied, then until it was healthy."""
        marks = (self._began_at, self._source_at, self._applied_at, self._ready_at)
        took = [
            None if begun is None or done is None else round(done - begun, 3)
            for begun, done in itertools.pairwise(marks)
        ]
        return dict(zip(("source", "apply", "health"), took, strict=True))

    def receipt(self, events: Sequence[dict[str, Any]] | None = None) -> dict[str, Any]:
        """What is proven, and what Flux says of it: ``events``, or else those that were heard meanwhile."""
        kustomization = self.kustomization or {}
        source = self.source or {}
        return {
            "name": self.request.name,
            "namespace": self.request.namespace,
            "pushed_digest": self.request.expected_digest,
            "source_revision": _revision(source) or None,
            "applied_revision": _status(kustomization).get("lastAppliedRevision"),
            "ready": self.verdict.state is State.READY,
            "state": self.verdict.state.value,
            "reason": self.verdict.reason,
            "message": self.verdict.told,
            "cause": self.cause.result if self.cause else None,
            "phases": self.phases(),
            "conditions": {"source": conditions(source), "kustomization": conditions(kustomization)},
            "events": newest(self._heard.values()) if events is None else list(events),
            "inventory": inventory_result(kustomization),
        }

    def failure(self, origin: Origin) -> Failure:
        """What is known of a verdict other than ready; ``origin`` is where the content comes from."""
        return Failure(
            ref=self.ref,
            verdict=self.verdict,
            seconds=self.request.timeout,
            source=self.source,
            kustomization=self.kustomization,
            chain=self.chain,
            origin=origin,
        )

    def complaint(self) -> str:
        """The paragraph for a verdict other than ready."""
        is_late = self.verdict.state is State.IN_PROGRESS
        said = f"is not proven after {self.request.timeout:g} s" if is_late else "is not ready"
        if self.cause is None:
            return f"{self.ref} {said}: {self.verdict.reason}: {self.verdict.told}"
        return f"{self.ref} {said}: {self.cause.about(str(self.ref))}"


def _status(item: Object | None) -> Object:
    status: Object = (item or {}).get("status") or {}
    return status


def _revision(source: Object) -> str:
    artifact = _status(source).get("artifact") or {}
    revision: str = artifact.get("revision", "")
    return revision


def _said_by(ref: ObjectRef | None, verdict: Verdict) -> Verdict:
    return replace(verdict, subject=ref)


def _unobserved(trackers: Sequence[Tracker]) -> None:
    """Nobody follows."""


def reconcile(
    cluster: Cluster,
    requests: Sequence[Request],
    *,
    check_mode: bool = False,
    observe: Callable[[Sequence[Tracker]], None] = _unobserved,
) -> list[Tracker]:
    """A tracker for each of ``requests``, in their order, each ready, failed or at the end of its time.

    Everything is asked for together and watched on one connection for each kind. What is proven already is
    left alone. In check mode nothing is asked for and nothing awaited. Raises ClusterError when the cluster
    refuses, or cannot be reached at the beginning; later interruptions of the connection are outlived until
    the time is over. ``observe`` is shown the trackers whenever there is news, and about once a second.
    """
    if not requests:
        return []
    trackers, listings = _observe(cluster, requests)
    triggers = [(tracker, ref) for tracker in trackers for ref in tracker.needed_triggers()]
    for tracker, _ref in triggers:
        tracker.is_triggered = True
    begun = time.monotonic()
    if check_mode or not triggers:
        _begin(trackers, begun)
    if check_mode or all(tracker.verdict.is_settled for tracker in trackers):
        return trackers
    with _Watchers(cluster, {**listings, **_ear(cluster, trackers)}) as watchers:
        _ask(cluster, triggers)
        _begin(trackers, begun)
        _follow(cluster, trackers, watchers, begun, observe)
    return trackers


def _begin(trackers: Iterable[Tracker], at: float) -> None:
    for tracker in trackers:
        tracker.begin(at)


@dataclass(frozen=True)
class Scope:
    """What one connection lists and watches: a kind, in one namespace or all, one name or all."""

    kind: Kind
    namespace: str | None
    field_selector: str | None = None
    limit: int | None = None  # of what is listed

    @classmethod
    def of(cls, refs: Iterable[ObjectRef]) -> Scope:
        """The narrowest scope that holds all ``refs``, which are of one kind."""
        distinct = set(refs)
        one = next(iter(distinct))
        selector = f"metadata.name={one.name}" if len(distinct) == 1 else None
        return cls(one.kind, _namespace_of(distinct), selector)

    def list(self, cluster: Cluster) -> Listing:
        return cluster.list(self.kind, self.namespace, field_selector=self.field_selector, limit=self.limit)

    def watch(self, cluster: Cluster, resource_version: str) -> Watch:
        return cluster.watch(
            self.kind,
            self.namespace,
            resource_version=resource_version,
            timeout_seconds=WATCH_WINDOW,
            field_selector=self.field_selector,
        )


def _observe(cluster: Cluster, requests: Sequence[Request]) -> tuple[list[Tracker], dict[Scope, Listing]]:
    """Trackers that have seen their Kustomizations and sources as they are now: one request for each kind."""
    trackers = [Tracker(request) for request in requests]
    listings: dict[Scope, Listing] = {}
    _read(cluster, Scope.of(tracker.ref for tracker in trackers), trackers, listings)
    sources: dict[Kind, set[ObjectRef]] = {}
    for tracker in trackers:
        if tracker.source_ref is not None:
            sources.setdefault(tracker.source_ref.kind, set()).add(tracker.source_ref)
    for refs in sources.values():
        _read(cluster, Scope.of(refs), trackers, listings)
    return trackers, listings


def _read(
    cluster: Cluster, scope: Scope, trackers: Sequence[Tracker], listings: dict[Scope, Listing]
) -> None:
    listings[scope] = scope.list(cluster)
    _show(_by_ref(trackers), _Seen(scope.kind, listings[scope].items, is_all=True), time.monotonic())


def _namespace_of(refs: Iterable[ObjectRef]) -> str | None:
    """The namespace of all ``refs``; None where they are in several."""
    namespaces = {ref.namespace for ref in refs}
    return namespaces.pop() if len(namespaces) == 1 else None


def _ear(cluster: Cluster, trackers: Sequence[Tracker]) -> dict[Scope, Listing]:
    """From where on events are watched: those of before are not read. Without the right to, none are."""
    scope = Scope(EVENT, _namespace_of(_by_ref(trackers)), limit=1)
    try:
        return {scope: scope.list(cluster)}
    except ClusterError:
        return {}


@dataclass(frozen=True)
class _Seen:
    """Objects of a kind as they are now; with ``is_all`` the scope holds no others."""

    kind: Kind
    items: Sequence[Object]
    is_all: bool = False
    gone: ObjectRef | None = None


def _by_ref(trackers: Iterable[Tracker]) -> dict[ObjectRef, list[Tracker]]:
    concerned: dict[ObjectRef, list[Tracker]] = {}
    for tracker in trackers:
        for ref in (tracker.ref, tracker.source_ref):
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


def _show(concerned: Mapping[ObjectRef, list[Tracker]], seen: _Seen, at: float) -> None:
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
    watchers: _Watchers,
    begun: float,
    observe: Callable[[Sequence[Tracker]], None],
) -> None:
    concerned = _by_ref(trackers)
    obstacles = Obstacles(cluster)
    while True:
        now = time.monotonic()
        pending = [
            tracker
            for tracker in trackers
            if not tracker.verdict.is_settled and now < begun + tracker.request.timeout
        ]
        if not pending:
            break
        ends = min(begun + tracker.request.timeout for tracker in pending)
        for seen in watchers.next(min(ends - now, LOOK_SECONDS)):
            _show(concerned, seen, time.monotonic())
        _block(trackers, obstacles)
        _nudge(cluster, trackers)
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


def _nudge(cluster: Cluster, trackers: Sequence[Tracker]) -> None:
    """Ask those again that Flux itself would look at later: after --requeue-dependency or retryInterval."""
    followed = {tracker.ref: tracker for tracker in trackers}
    for tracker in trackers:
        awaited = [followed[ref] for ref in tracker.waits_for if ref in followed]
        if (awaited and tracker.deserves_nudge(awaited)) or tracker.deserves_retry(time.monotonic()):
            _ask(cluster, [(tracker, tracker.ref)])


class _Watchers:
    """One watch for each scope, each in a thread of its own, begun anew whenever it ends."""

    def __init__(self, cluster: Cluster, listings: Mapping[Scope, Listing]) -> None:
        self.interruption: ClusterError | None = None
        self._cluster = cluster
        self._seen: queue.SimpleQueue[_Seen | Exception] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._watches: dict[Scope, Watch] = {}
        for scope, listing in listings.items():
            threading.Thread(target=self._run, args=(scope, listing.resource_version), daemon=True).start()

    def __enter__(self) -> _Watchers:
        return self

    def __exit__(self, *unused: object) -> None:
        self._closed.set()
        for watch in list(self._watches.values()):
            watch.close()

    def next(self, wait_seconds: float) -> list[_Seen]:
        """What was seen since the last call, at the latest after ``wait_seconds``."""
        batch: list[_Seen] = []
        try:
            entry = self._seen.get(timeout=max(0.0, wait_seconds))
            while True:
                if isinstance(entry, Exception):
                    raise entry
                batch.append(entry)
                entry = self._seen.get_nowait()
        except queue.Empty:
            return batch

    def _run(self, scope: Scope, resource_version: str) -> None:
        version: str | None = resource_version
        while not self._closed.is_set():
            try:
                if version is None:
                    listing = scope.list(self._cluster)
                    version = listing.resource_version
                    self._seen.put(_Seen(scope.kind, listing.items, is_all=True))
                self._pass_on(scope, version)
                self.interruption = None
            except ClusterError as error:
                is_needed = scope.kind != EVENT  # which proves nothing
                if not error.is_passing:
                    if is_needed:
                        self._seen.put(error)
                    return
                if is_needed:
                    self.interruption = error
                self._closed.wait(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a time-out
                self._seen.put(error)
                return
            version = None

    def _pass_on(self, scope: Scope, version: str) -> None:
        watch = scope.watch(self._cluster, version)
        self.interruption = None
        self._watches[scope] = watch
        if self._closed.is_set():
            watch.close()
        for event in watch:
            if event.type == "DELETED":
                self._seen.put(_Seen(scope.kind, [], gone=ref_of(scope.kind, event.item)))
            elif event.type != "BOOKMARK":
                self._seen.put(_Seen(scope.kind, [event.item]))


def look_for_causes(
    cluster: Cluster, trackers: Iterable[Tracker], origins: Mapping[ObjectRef, Origin] | None = None
) -> None:
    """Have each tracker that is not ready know its cause. ``origins`` are where the contents come from."""
    for tracker in trackers:
        if tracker.verdict.state is not State.READY:
            origin = (origins or {}).get(tracker.ref) or Artifact()
            tracker.cause = cause_of(explore(cluster, tracker.failure(origin)))


RECONCILE_SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "flux-system"},
    "expected_digest": {"type": "str"},
    "timeout": {"type": "float", "default": 120},
}


def run_reconcile(cluster: Cluster, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The result of the module flux_reconcile."""
    check_metadata(KUSTOMIZATION, params)
    if params["expected_digest"] is not None:
        check_digest(params["expected_digest"], "expected_digest")
    request = Request(params["namespace"], params["name"], params["timeout"], params["expected_digest"])
    [tracker] = reconcile(cluster, [request], check_mode=check_mode)
    if not check_mode:
        look_for_causes(cluster, [tracker])
    result = {"changed": tracker.is_triggered, "receipt": tracker.receipt(_events(cluster, tracker))}
    if check_mode:
        # What does not exist is what an earlier task of the same run would have made.
        return {**result, "changed": tracker.is_triggered or tracker.verdict.reason == NOT_FOUND}
    if tracker.verdict.state is not State.READY:
        raise LoopError(tracker.complaint(), **result)
    return result


def _events(cluster: Cluster, tracker: Tracker) -> list[dict[str, Any]]:
    items = [item for item in (tracker.source, tracker.kustomization) if item is not None]
    try:
        return [event for item in items for event in events_of(cluster, item)]
    except ClusterError:  # the proof does not need them, and they have rules of access of their own
        return []
