# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What was planned for workloads is done: pushed together, applied together; what is to go goes last."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import push as artifact_push
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushResult
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.waiting import wait_until
from ansible_collections.gitops.flux_local.plugins.module_utils._flux import apply as flux_apply
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import Applied
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.left import namespaces_left
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    DEPENDENCY_NOT_READY,
    condition,
    is_checking_health,
    kustomization_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads import registry_secrets
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import (
    Delivery,
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
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import Follower

SETTLE_SECONDS = 10  # a Kustomization that takes longer is not waited for before its artifact


def execute(plan: Plan, cluster: Cluster, follower: Follower, *, timeout: float) -> Outcome:
    """Do what is planned; ``timeout`` is how long what goes is waited for, in seconds. Raises LoopError."""
    pushed = together(partial(_publish, follower), plan.rollouts)
    for secret in plan.secrets:
        registry_secrets.carry_out(cluster, secret)
    applied = together(partial(_apply, cluster), plan.rollouts)
    differing = [rollout for rollout in plan.rollouts if rollout.predicted.is_applied]
    together(partial(_settle, cluster), _pushed(differing))
    follower.changed(rollout.workload.kustomization for rollout in differing)
    rollouts = tuple(
        Rollout(
            rollout.prepared,
            Delivery(result, rollout.predicted.secrets, items, shown=rollout.predicted.shown),
            notices=rollout.notices,
        )
        for rollout, result, items in zip(plan.rollouts, pushed, applied, strict=True)
    )
    removals = tuple(_remove(cluster, removal, timeout) for removal in plan.removals)
    for removal in plan.removals:
        for secret_ref in removal.secrets:
            cluster.delete(secret_ref)
    return Outcome(rollouts, removals)


def _pushed(rollouts: Iterable[RolloutPlan]) -> list[RolloutPlan]:
    return [rollout for rollout in rollouts if rollout.predicted.is_pushed]


def _publish(follower: Follower, rollout: RolloutPlan) -> PushResult | None:
    if rollout.push is None or not rollout.push.changed:
        return rollout.predicted.pushed
    began = time.monotonic()
    pushed = artifact_push.carry_out(rollout.push)
    follower.pushed(rollout.workload.kustomization, pushed.digest, time.monotonic() - began)
    return pushed


def _apply(cluster: Cluster, rollout: RolloutPlan) -> tuple[Applied, ...]:
    if not rollout.predicted.is_applied:
        return rollout.predicted.applied
    return tuple(flux_apply.carry_out(cluster, plan) for plan in rollout.objects)


def _settle(cluster: Cluster, rollout: RolloutPlan) -> None:
    """Let Flux take note of what it makes of the older artifact, before it sees the new one.

    kustomize-controller may begin its next pass before it has read what its last one noted as applied. What
    only that one applied, by a Kustomization that has just been changed, would never be pruned.
    """
    kustomization = rollout.predicted.kustomization
    if kustomization and kustomization.is_changed and kustomization.before is not None:
        wait_until(cluster, kustomization.ref, SETTLE_SECONDS, _has_settled)


def _has_settled(kustomization: Object | None) -> bool:
    if kustomization is None:
        return True
    verdict = kustomization_verdict(kustomization)
    if verdict.is_settled or verdict.reason == DEPENDENCY_NOT_READY:
        return True
    reconciling = condition(kustomization, "Reconciling") or {}
    is_of_now = reconciling.get("observedGeneration") == kustomization["metadata"].get("generation")
    return is_of_now and is_checking_health(kustomization)


def _remove(cluster: Cluster, removal: RemovalPlan, timeout: float) -> Removal:
    applied = tuple(flux_apply.carry_out_deletion(cluster, plan, timeout) for plan in removal.objects)
    return Removal(removal.workload, applied, removal.told_secrets, warnings=_left(cluster, removal))


def _left(cluster: Cluster, removal: RemovalPlan) -> tuple[str, ...]:
    """A sentence for each namespace of a workload that is being deleted and stays."""
    return tuple(
        f"the namespace {name} is still being deleted: {hold.text}. {hold.remedy}"
        for name, hold in namespaces_left(cluster, removal.objects[0].live or {}).items()
    )
