# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the conditions of a Flux object mean: ready, in progress, failed, suspended or being deleted.

Rules that Flux's controllers follow, and that are easily read wrongly:

* ``status.observedGeneration`` moves on success only: each condition's own ``observedGeneration`` says what
  it is about. A success has both.
* ``status.lastHandledReconcileAt`` is written at the end of every pass, also of one that only adds the
  finalizer or finds the object suspended: it proves that a condition is fresh, not that the object is ready.
* Conditions are patched a moment before the rest of the status: the two may be of different passes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef


class State(StrEnum):
    """Where an object stands."""

    READY = "ready"
    IN_PROGRESS = "in_progress"
    FAILED = "failed"
    SUSPENDED = "suspended"
    DELETING = "deleting"


@dataclass(frozen=True)
class Verdict:
    """Where an object stands, and why in Flux's own words. Of what is terminal, Flux tries nothing again.

    ``subject`` is the object that the words are about, where that is not plain from them.
    """

    state: State
    reason: str = ""
    message: str = ""
    terminal: bool = False
    subject: ObjectRef | None = None

    @property
    def told(self) -> str:
        """The message with the object that it is about."""
        return f"{self.subject}: {self.message}" if self.subject else self.message

    @property
    def is_settled(self) -> bool:
        """Nothing more is to be expected without somebody changing something."""
        return self.state is not State.IN_PROGRESS


DEPENDENCY_NOT_READY = "DependencyNotReady"
DEPENDENCY_FAILED = "DependencyFailed"
HEALTH_CHECK_FAILED = "HealthCheckFailed"
NOT_HANDLED = "NotHandled"
NOT_FOUND = "NotFound"
CONNECTION_LOST = "ConnectionLost"
UNEXPECTED_REVISION = "UnexpectedRevision"
OLDER_REVISION = "OlderRevision"

# Ready=False with one of these means that kustomize-controller comes back by itself within moments.
_PASSING_REASONS = (DEPENDENCY_NOT_READY, "HealthCheckCanceled")
# So does ArtifactFailed, when it says that the source has nothing yet, or has something newer.
_PASSING_ARTIFACT = re.compile(r"Source (artifact|is not ready, artifact) not found, retrying")
# kustomize-controller has no answer from the server of source-controller, which may be about to start.
_UNANSWERED = re.compile(r'failed to download archive: .*: Get "', re.DOTALL)
_ATTEMPTED = re.compile(r"\brevision (\S+@\S+|sha256:\S+)")


def condition(item: Object, kind: str) -> Object | None:
    """The condition of type ``kind`` of an object, None where it has none."""
    for entry in item.get("status", {}).get("conditions", []):
        if entry["type"] == kind:
            found: Object = entry
            return found
    return None


def _is_true(entry: Object | None) -> bool:
    return entry is not None and entry["status"] == "True"


def is_current(item: Object, entry: Object | None) -> bool:
    """Whether a condition speaks of the present generation of the object."""
    return entry is not None and entry.get("observedGeneration") == item["metadata"].get("generation")


def digest_of(revision: str | None) -> str:
    """The digest in a revision: that of ``latest@sha256:…`` and of ``sha256:…`` is ``sha256:…``."""
    return (revision or "").rpartition("@")[2]


def is_unanswered(verdict: Verdict) -> bool:
    """Whether kustomize-controller could not fetch an artifact because source-controller did not answer."""
    return verdict.reason == "ArtifactFailed" and _UNANSWERED.match(verdict.message) is not None


def attempted_revision(kustomization: Object) -> str | None:
    """The revision of the last pass that got as far as fetching one.

    ``status.lastAttemptedRevision`` is written only once ``spec.path`` has been found in the artifact, but
    the message of Reconciling names the revision from the beginning, and outlives a failure.
    """
    reconciling = condition(kustomization, "Reconciling")
    named = _ATTEMPTED.search(reconciling["message"]) if reconciling else None
    if named:
        return named[1]
    attempted: str | None = kustomization.get("status", {}).get("lastAttemptedRevision")
    return attempted


def is_checking_health(kustomization: Object) -> bool:
    """Whether everything has been applied and kustomize-controller waits for its health."""
    reconciling = condition(kustomization, "Reconciling")
    return reconciling is not None and reconciling["message"].startswith("Running health checks")


def _verdict(item: Object, tokens: Collection[str]) -> Verdict:
    """What source and Kustomization have in common. Of the requests ``tokens`` one must have been handled."""
    status = item.get("status", {})
    if item["metadata"].get("deletionTimestamp"):
        return Verdict(State.DELETING, "Deleting", "It is being deleted.")
    if item.get("spec", {}).get("suspend"):
        return Verdict(State.SUSPENDED, "Suspended", "It is suspended: set suspend to false to resume it.")
    if tokens and status.get("lastHandledReconcileAt") not in tokens:
        return Verdict(State.IN_PROGRESS, NOT_HANDLED, "Flux has not handled the request yet.")
    stalled = condition(item, "Stalled")
    if stalled is not None and _is_true(stalled) and is_current(item, stalled):
        return Verdict(State.FAILED, stalled["reason"], stalled["message"], terminal=True)
    ready = condition(item, "Ready")
    if ready is None or not is_current(item, ready):
        return Verdict(State.IN_PROGRESS, NOT_HANDLED, "Flux has not reconciled its present generation yet.")
    reconciling = condition(item, "Reconciling")
    if ready["status"] == "False":
        return Verdict(State.FAILED, ready["reason"], ready["message"])
    if ready["status"] != "True" or _is_true(reconciling):
        latest = reconciling or ready
        return Verdict(State.IN_PROGRESS, latest["reason"], latest["message"])
    if status.get("observedGeneration") != item["metadata"].get("generation"):
        return Verdict(State.IN_PROGRESS, NOT_HANDLED, "Flux has yet to write the rest of its status.")
    return Verdict(State.READY, ready["reason"], ready["message"])


def source_verdict(source: Object, tokens: Collection[str] = ()) -> Verdict:
    """Where a source stands. With ``tokens`` only what Flux wrote after one of these requests counts."""
    verdict = _verdict(source, tokens)
    if verdict.state is State.READY and not source["status"].get("artifact"):
        return Verdict(State.IN_PROGRESS, "NoArtifact", "It has no artifact yet.")
    return verdict


def kustomization_verdict(
    kustomization: Object, tokens: Collection[str] = (), revision: str | None = None
) -> Verdict:
    """Where a Kustomization stands. With ``revision``, only what Flux made of that one counts."""
    verdict = _verdict(kustomization, tokens)
    if verdict.state is State.READY and revision is not None:
        applied = kustomization["status"].get("lastAppliedRevision")
        if digest_of(applied) != digest_of(revision):
            message = f"It has applied {applied or 'nothing'} so far."
            return Verdict(State.IN_PROGRESS, OLDER_REVISION, message)
    is_retried = verdict.state is State.FAILED and not verdict.terminal
    if is_retried and _is_passing(kustomization, verdict, revision):
        return Verdict(State.IN_PROGRESS, verdict.reason, verdict.message)
    return verdict


def _is_passing(kustomization: Object, verdict: Verdict, revision: str | None) -> bool:
    if verdict.reason in _PASSING_REASONS:
        return True
    if verdict.reason == "ArtifactFailed" and _PASSING_ARTIFACT.match(verdict.message):
        return True
    return revision is not None and digest_of(attempted_revision(kustomization)) != digest_of(revision)
