# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux is asked for what was delivered, and proves it; what has drifted meanwhile is healed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predict import (
    predict,
    waves,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import reconcile
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import Outcome, Rollout
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.plan import together
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.predict import subject_of_rollout
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import Follower
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer


def prove(outcome: Outcome, predictor: Predictor, follower: Follower, timeout: float) -> Outcome:
    """Have Flux reconcile every workload, and see where that ends; at most ``timeout`` seconds."""
    requests = [
        Request(
            rollout.workload.namespace,
            rollout.workload.name,
            timeout,
            expected_digest=rollout.delivery.pushed.digest if rollout.delivery.pushed else None,
        )
        for rollout in outcome.rollouts
    ]
    proofs = reconcile(predictor.cluster, requests, observe=follower.observe)
    return replace(
        outcome,
        rollouts=tuple(
            replace(rollout, proof=proof) for rollout, proof in zip(outcome.rollouts, proofs, strict=True)
        ),
    )


def heal(outcome: Outcome, predictor: Predictor, renderer: Renderer, timeout: float) -> Outcome:
    """Have Flux apply again what has drifted, and prove that.

    A run has proven already what it changed itself: that cannot have drifted.
    """
    rollouts = list(outcome.rollouts)
    steady = {
        subject_of_rollout(rollout, renderer): position
        for position, rollout in enumerate(rollouts)
        if rollout.is_ready and not rollout.is_changing
    }
    predictions, unseen = predict(predictor, list(steady), together)
    for position, prediction in zip(steady.values(), predictions, strict=True):
        rollouts[position] = replace(rollouts[position], prediction=prediction)
    drifted = [subject for subject, position in steady.items() if rollouts[position].prediction.drift]
    for wave in waves(predictor, drifted):
        _reconcile_again(rollouts, [steady[subject] for subject in wave], predictor, timeout)
    return replace(outcome, rollouts=tuple(rollouts), unseen=tuple(unseen))


def _reconcile_again(
    rollouts: list[Rollout], positions: Sequence[int], predictor: Predictor, timeout: float
) -> None:
    # Without the digest, which is proven already: it is a new pass that has to be seen.
    workloads = [rollouts[position].workload for position in positions]
    requests = [Request(workload.namespace, workload.name, timeout) for workload in workloads]
    proofs = reconcile(predictor.cluster, requests)
    for position, proof in zip(positions, proofs, strict=True):
        rollouts[position] = replace(rollouts[position], proof=proof)
