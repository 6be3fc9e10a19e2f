# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    State,
    attempted_revision,
    digest_of,
    is_checking_health,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.conditions import condition as any_condition

OLD, NEW = (f"latest@sha256:{digit * 64}" for digit in "ab")


def condition(kind, status, reason="R", message="m", generation=2):
    return any_condition(kind, status, reason, message, generation)


def item(*conditions, spec=None, deleting=False, **status):
    metadata = {"name": "shop", "namespace": "flux-system", "generation": 2}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = {"observedGeneration": 2, "conditions": list(conditions), **status}
    return {"metadata": metadata, "spec": spec or {}, "status": status}


READY = condition("Ready", "True", "Succeeded")
ARTIFACT = {"artifact": {"revision": NEW}}


@pytest.mark.parametrize(
    ("source", "tokens", "state", "reason"),
    [
        (item(READY, **ARTIFACT), (), State.READY, "Succeeded"),
        (item(READY, **ARTIFACT, lastHandledReconcileAt="t"), {"t"}, State.READY, "Succeeded"),
        (item(READY, **ARTIFACT, lastHandledReconcileAt="old"), {"t"}, State.IN_PROGRESS, "NotHandled"),
        (item(READY, **ARTIFACT), {"t"}, State.IN_PROGRESS, "NotHandled"),
        # A pass that only adds the finalizer handles the token, and has nothing to say.
        (item(lastHandledReconcileAt="t"), {"t"}, State.IN_PROGRESS, "NotHandled"),
        ({"metadata": {"generation": 1}, "spec": {}}, (), State.IN_PROGRESS, "NotHandled"),
        (item(condition("Ready", "True", generation=1), **ARTIFACT), (), State.IN_PROGRESS, "NotHandled"),
        # observedGeneration of the status lags behind a failure: the condition's own counts.
        (item(condition("Ready", "False", "Pull"), observedGeneration=1), (), State.FAILED, "Pull"),
        (item(condition("Ready", "False", "Pull", generation=1)), (), State.IN_PROGRESS, "NotHandled"),
        (item(condition("Ready", "False"), lastHandledReconcileAt="old"), {"t"},
         State.IN_PROGRESS, "NotHandled"),
        (item(condition("Ready", "Unknown", "P"), condition("Reconciling", "True", "Progressing")), (),
         State.IN_PROGRESS, "Progressing"),
        (item(READY, condition("Reconciling", "True", "P"), **ARTIFACT), (), State.IN_PROGRESS, "P"),
        (item(READY), (), State.IN_PROGRESS, "NoArtifact"),
        # Conditions are patched first: artifact, revisions and inventory are still of the pass before.
        (item(READY, **ARTIFACT, observedGeneration=1), (), State.IN_PROGRESS, "NotHandled"),
        (item(READY, spec={"suspend": True}, **ARTIFACT), (), State.SUSPENDED, "Suspended"),
        (item(READY, deleting=True, **ARTIFACT), (), State.DELETING, "Deleting"),
    ],
)  # fmt: skip
def test_where_a_source_stands(source, tokens, state, reason):
    verdict = source_verdict(source, tokens)
    assert (verdict.state, verdict.reason) == (state, reason)


def test_stalled_is_terminal_and_speaks_of_its_own_generation_only():
    stalled = condition("Stalled", "True", "URLInvalid", "bad url")
    verdict = source_verdict(item(stalled, condition("Ready", "False", "URLInvalid")))
    assert (verdict.state, verdict.terminal, verdict.message) == (State.FAILED, True, "bad url")
    old = condition("Stalled", "True", "URLInvalid", generation=1)
    assert source_verdict(item(old, READY, **ARTIFACT)).state is State.READY


def failed(reason, message="m", attempted=NEW, **status):
    reconciling = condition(
        "Reconciling",
        "True",
        "ProgressingWithRetry",
        f"Building manifests for revision {attempted} with a timeout",
    )
    return item(condition("Ready", "False", reason, message), reconciling, **status)


@pytest.mark.parametrize(
    ("kustomization", "revision", "state", "reason"),
    [
        (item(READY, lastAppliedRevision=NEW), NEW, State.READY, "Succeeded"),
        (item(READY, lastAppliedRevision=OLD), NEW, State.IN_PROGRESS, "OlderRevision"),
        (item(READY), NEW, State.IN_PROGRESS, "OlderRevision"),
        (item(READY, lastAppliedRevision=OLD), None, State.READY, "Succeeded"),
        (failed("BuildFailed"), NEW, State.FAILED, "BuildFailed"),
        (failed("BuildFailed", attempted=OLD), NEW, State.IN_PROGRESS, "BuildFailed"),
        (failed("BuildFailed", attempted=OLD), None, State.FAILED, "BuildFailed"),
        # spec.path is missing: lastAttemptedRevision stays behind, Reconciling names the revision.
        (failed("ArtifactFailed", lastAttemptedRevision=OLD), NEW, State.FAILED, "ArtifactFailed"),
        (failed("DependencyNotReady"), NEW, State.IN_PROGRESS, "DependencyNotReady"),
        (failed("HealthCheckCanceled"), NEW, State.IN_PROGRESS, "HealthCheckCanceled"),
        (failed("HealthCheckFailed"), NEW, State.FAILED, "HealthCheckFailed"),
        (failed("ArtifactFailed", "Source artifact not found, retrying in 2s"), None,
         State.IN_PROGRESS, "ArtifactFailed"),
        (failed("ArtifactFailed", "Source is not ready, artifact not found, retrying in 2s"), NEW,
         State.IN_PROGRESS, "ArtifactFailed"),
        (item(condition("Ready", "False", "X"), lastAttemptedRevision=NEW), NEW, State.FAILED, "X"),
        (item(condition("Stalled", "True", "No"), lastAttemptedRevision=OLD), NEW, State.FAILED, "No"),
        (item(READY, spec={"suspend": True}, lastAppliedRevision=NEW), NEW, State.SUSPENDED, "Suspended"),
    ],
)  # fmt: skip
def test_where_a_kustomization_stands(kustomization, revision, state, reason):
    verdict = kustomization_verdict(kustomization, revision=revision)
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize(
    ("message", "attempted"),
    [
        (f"Fetching manifests for revision {NEW} with a timeout of 30s", NEW),
        ("Fetching manifests for revision main@sha1:0123 with a timeout of 30s", "main@sha1:0123"),
        (f"Running health checks for revision {NEW[7:]} with a timeout of 30s", NEW[7:]),
        ("Reconciliation in progress", OLD),
    ],
)
def test_the_attempted_revision_is_that_of_the_running_pass(message, attempted):
    seen = item(condition("Reconciling", "True", "Progressing", message), lastAttemptedRevision=OLD)
    assert attempted_revision(seen) == attempted


def test_health_is_checked_once_everything_is_applied():
    message = f"Running health checks for revision {NEW} with a timeout of 30s"
    assert is_checking_health(item(condition("Reconciling", "True", "Progressing", message)))
    assert not is_checking_health(item(READY))


def test_digest_of_a_revision():
    assert digest_of(NEW) == digest_of(NEW.partition("@")[2]) == "sha256:" + "b" * 64
    assert digest_of(None) == ""
