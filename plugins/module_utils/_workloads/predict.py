# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a run would do: its plan, and what Flux would make of that. Check mode ends here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.building import Subject
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predict import (
    predict,
    predict_first,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.build import subject_of
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import (
    Outcome,
    Removal,
    Rollout,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.plan import (
    Plan,
    RemovalPlan,
    RolloutPlan,
    together,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer


def predict_plan(plan: Plan, predictor: Predictor, renderer: Renderer) -> Outcome:
    """What a run would do, and what Flux would change. Raises LoopError for what does not build."""
    rollouts = [
        Rollout(planned.prepared, planned.predicted, planned.standing, notices=planned.notices)
        for planned in plan.rollouts
    ]
    subjects = [subject_of_rollout(rollout, renderer) for rollout in rollouts]
    predictions, unseen = predict(predictor, subjects, together)
    return Outcome(
        tuple(
            replace(rollout, prediction=prediction)
            for rollout, prediction in zip(rollouts, predictions, strict=True)
        ),
        tuple(together(partial(_predict_removal, predictor), plan.removals)),
        unseen=tuple(unseen),
    )


def predict_plan_against_nothing(plan: Plan, renderer: Renderer) -> Outcome:
    """What a run would make where no loop runs; of what Flux makes nothing is told without a renderer."""

    def predicted(planned: RolloutPlan) -> Rollout:
        rollout = Rollout(planned.prepared, planned.predicted)
        if not renderer.is_there:
            return rollout
        return replace(
            rollout, prediction=predict_first(subject_of_rollout(rollout, renderer), planned.built)
        )

    return Outcome(
        tuple(predicted(planned) for planned in plan.rollouts),
        tuple(Removal(removal.workload) for removal in plan.removals),
    )


def subject_of_rollout(rollout: Rollout, renderer: Renderer) -> Subject:
    """What is to be predicted of a workload."""
    return subject_of(rollout.prepared, rollout.delivery, renderer, is_changing=rollout.is_changing)


def _predict_removal(predictor: Predictor, removal: RemovalPlan) -> Removal:
    kustomization = removal.predicted[0].before
    changes = predictor.deletions(kustomization) if kustomization is not None else []
    return Removal(removal.workload, removal.predicted, removal.told_secrets, tuple(changes))
