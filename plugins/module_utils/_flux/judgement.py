# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Whether what was seen proves a digest: pushed digest = source revision = applied revision, and healthy.

Pure: the same sight leads to the same judgement, in whatever order its parts were seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    DEPENDENCY_NOT_READY,
    NOT_FOUND,
    OLDER_REVISION,
    UNEXPECTED_REVISION,
    State,
    Verdict,
    attempted_revision,
    digest_of,
    is_checking_health,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION, source_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.phases import Step

# In these states Flux does nothing, whatever it is asked.
IDLE = frozenset({State.SUSPENDED, State.DELETING})
NOT_OBSERVED = Verdict(State.IN_PROGRESS, "NotObserved", "It has not been read yet.")


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


@dataclass(frozen=True)
class Sight:
    """What has been seen of a Kustomization and its source, and the tokens with which they were asked."""

    request: Request
    kustomization: Object | None = None
    source_ref: ObjectRef | None = None
    source: Object | None = None
    gone: frozenset[ObjectRef] = frozenset()
    kustomization_tokens: frozenset[str] = frozenset()
    source_tokens: frozenset[str] = frozenset()

    @property
    def revision(self) -> str:
        """The revision that the source has, empty where it has none."""
        return revision_of(self.source or {})

    def is_kustomization(self, item: Object) -> bool:
        """Whether ``item`` is the Kustomization that is to be proven."""
        return item["kind"] == KUSTOMIZATION.name and ref_of(KUSTOMIZATION, item) == self.request.ref

    def with_item(self, item: Object) -> Sight:
        """The sight after the Kustomization or its source was seen; others change nothing."""
        sight = self
        if sight.is_kustomization(item):
            gone = sight.gone - {sight.request.ref}
            sight = replace(sight, kustomization=item, source_ref=source_of(item), gone=gone)
        ref = sight.source_ref
        if ref is not None and item["kind"] == ref.kind.name and ref_of(ref.kind, item) == ref:
            sight = replace(sight, source=item, gone=sight.gone - {ref})
        return sight

    def without(self, ref: ObjectRef) -> Sight:
        """The sight after ``ref`` has been seen not to exist."""
        is_concerned = ref in (self.request.ref, self.source_ref)
        return replace(self, gone=self.gone | {ref}) if is_concerned else self

    def asked(self, ref: ObjectRef, token: str) -> Sight:
        """The sight after ``ref`` got ``token``: now only a failure that follows its handling counts."""
        if ref == self.request.ref:
            return replace(self, kustomization_tokens=self.kustomization_tokens | {token})
        return replace(self, source_tokens=self.source_tokens | {token})


@dataclass(frozen=True)
class Judgement:
    """Where a Kustomization stands, and which step on the way to its digest is behind it."""

    verdict: Verdict
    step: Step = Step.NONE


def status_of(item: Object | None) -> Object:
    """The status of an object, empty where it has none."""
    status: Object = (item or {}).get("status") or {}
    return status


def revision_of(source: Object) -> str:
    """The revision of the artifact that a source has, empty where it has none."""
    artifact = status_of(source).get("artifact") or {}
    revision: str = artifact.get("revision", "")
    return revision


def judge(sight: Sight) -> Judgement:
    """The judgement on what was seen. A stale object never makes an older revision pass."""
    own_ref, source_ref = sight.request.ref, sight.source_ref
    for ref in (own_ref, source_ref):
        if ref in sight.gone:
            return Judgement(Verdict(State.FAILED, NOT_FOUND, "It does not exist.", subject=ref))
    if sight.kustomization is None or sight.source is None:
        return Judgement(NOT_OBSERVED)
    own = kustomization_verdict(sight.kustomization)
    if own.state in IDLE:  # whatever its source does
        return Judgement(replace(own, subject=own_ref))
    expected = sight.request.expected_digest
    fetched = source_verdict(sight.source)
    # The expected digest is its own proof; a token is needed to tell a fresh failure from an old one.
    if fetched.state is not State.READY or expected is None or digest_of(sight.revision) != expected:
        fetched = source_verdict(sight.source, sight.source_tokens)
    if fetched.state is not State.READY:
        return Judgement(replace(fetched, subject=source_ref))
    if expected is not None and digest_of(sight.revision) != expected:
        return Judgement(_other_revision(sight, expected))
    return _judge_applied(sight, sight.kustomization)


def _judge_applied(sight: Sight, kustomization: Object) -> Judgement:
    """The judgement on the Kustomization itself, whose source has the revision that is to be applied."""
    revision = sight.revision
    verdict = kustomization_verdict(kustomization, revision=revision)
    if verdict.state is not State.READY or sight.request.expected_digest is None:
        verdict = kustomization_verdict(kustomization, sight.kustomization_tokens, revision)
    step = Step.FETCHED
    if verdict.state is State.READY:
        step = Step.HEALTHY
    elif digest_of(attempted_revision(kustomization)) == digest_of(revision) and is_checking_health(
        kustomization
    ):
        step = Step.APPLIED
    return Judgement(replace(verdict, subject=sight.request.ref), step)


def _other_revision(sight: Sight, expected: str) -> Verdict:
    message = f"It is at {sight.revision}, not at the expected {expected}"
    if not sight.source_tokens:
        return Verdict(State.IN_PROGRESS, OLDER_REVISION, f"{message} yet.", subject=sight.source_ref)
    # Its token was handled: it has looked for a revision after the push, and this is what it found.
    return Verdict(State.FAILED, UNEXPECTED_REVISION, f"{message}.", subject=sight.source_ref)


def needed_triggers(sight: Sight) -> list[ObjectRef]:
    """Which of source and Kustomization must be asked to reconcile; neither where all is proven.

    A new revision of the source wakes its Kustomizations by itself. Asking them too makes them apply the
    older artifact once more, so that is only done where nothing new would come of itself.
    """
    if sight.source is None or sight.kustomization is None or sight.source_ref is None:
        return []
    own, fetched = kustomization_verdict(sight.kustomization), source_verdict(sight.source)
    if IDLE & {own.state, fetched.state}:
        return []
    own_ref, source_ref = sight.request.ref, sight.source_ref
    expected = sight.request.expected_digest
    if expected is None:
        return [source_ref, own_ref]
    is_attempted = digest_of(attempted_revision(sight.kustomization)) == expected
    is_busy = own.state is State.IN_PROGRESS and own.reason != DEPENDENCY_NOT_READY
    is_ready = own.state is State.READY
    if fetched.state is State.READY and digest_of(sight.revision) == expected:
        return [] if is_busy or (is_ready and is_attempted) else [own_ref]
    return [source_ref] if is_busy or (is_ready and not is_attempted) else [source_ref, own_ref]
