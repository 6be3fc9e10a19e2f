# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Why the API server would refuse an object, told as the failure of a run is: cause, place, remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import explore
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import cause_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Cause,
    Failure,
    Origin,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import Change
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.places import WorkloadOrigin
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import Outcome, Rollout
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prepare import Prepared

RECONCILIATION_FAILED = "ReconciliationFailed"


def origins_of(prepared: Iterable[Prepared], host: str) -> dict[ObjectRef, Origin]:
    """Where the contents of workloads come from, by their Kustomizations; ``host`` is the registry's."""
    each = list(prepared)
    manifests = {ready.name: ready.places for ready in each}
    return {ready.workload.kustomization: WorkloadOrigin(host, ready.places, manifests) for ready in each}


def cause_of_refusal(cluster: Cluster, owner: ObjectRef, change: Change, origin: Origin) -> Cause:
    """Why an object that a Kustomization, its ``owner``, is to apply would be refused."""
    verdict = Verdict(State.FAILED, RECONCILIATION_FAILED, change.message, subject=owner)
    return cause_of(explore(cluster, Failure(owner, verdict, 0, origin=origin)))


def explain_refusals(outcome: Outcome, cluster: Cluster, host: str) -> Outcome:
    """The outcome of check mode with the causes of what the API server would refuse."""
    if not any(rollout.refused for rollout in outcome.rollouts):
        return outcome
    origins = origins_of((rollout.prepared for rollout in outcome.rollouts), host)
    return replace(outcome, rollouts=tuple(map(partial(_explained, cluster, origins), outcome.rollouts)))


def _explained(cluster: Cluster, origins: dict[ObjectRef, Origin], rollout: Rollout) -> Rollout:
    owner = rollout.workload.kustomization
    causes = {
        change.identity: cause_of_refusal(cluster, owner, change, origins[owner])
        for change in rollout.refused
    }
    changes = tuple(
        replace(change, message=f"{cause.text} {cause.remedy}")
        if (cause := causes.get(change.identity))
        else change
        for change in rollout.prediction.changes
    )
    return replace(
        rollout,
        prediction=replace(rollout.prediction, changes=changes),
        refusals=tuple(causes.values()) if rollout.is_changing else (),
    )
