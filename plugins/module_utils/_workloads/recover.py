# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What has failed is explained, and taken back where that is asked for; what applies the same is told."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import shared_objects
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import shared_with
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import explained, reconcile
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import (
    Outcome,
    Rollout,
    WayBack,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.parse import Asked
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.refused import origins_of
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rollback import last_healthy


def recover(outcome: Outcome, asked: Asked, cluster: Cluster) -> Outcome:
    """The causes of what is not well, the way back of what is unhealthy, and the rivals of what is well."""
    # Before anything is taken back: what has failed is there to be looked at.
    rollouts = _explained(outcome.rollouts, cluster, asked.registry.endpoint.host)
    if asked.on_failure == "rollback":
        rollouts = _taken_back(rollouts, cluster, asked.timeout)
    return replace(outcome, rollouts=_with_rivals(rollouts, cluster))


def _explained(rollouts: tuple[Rollout, ...], cluster: Cluster, host: str) -> tuple[Rollout, ...]:
    """Those that are not well with their causes."""
    failed = {rollout.workload.kustomization: rollout for rollout in rollouts if rollout.failure}
    origins = origins_of((rollout.prepared for rollout in rollouts), host) if failed else {}
    proofs = explained(cluster, [rollout.proof for rollout in failed.values() if rollout.proof], origins)
    known = {proof.ref: proof for proof in proofs}
    return tuple(
        replace(rollout, proof=known.get(rollout.workload.kustomization, rollout.proof))
        for rollout in rollouts
    )


def _taken_back(rollouts: tuple[Rollout, ...], cluster: Cluster, timeout: float) -> tuple[Rollout, ...]:
    """Have tags name again what was healthy last, and prove it."""
    targets = {
        rollout.workload.kustomization: _moved_back(rollout)
        for rollout in rollouts
        if rollout.is_unhealthy_after_push
    }
    requests = [
        Request(ref.namespace, ref.name, timeout, digest) for ref, digest in targets.items() if digest
    ]
    proofs = {proof.ref: proof for proof in explained(cluster, reconcile(cluster, requests))}
    return tuple(
        replace(rollout, way_back=WayBack(targets[ref], proofs.get(ref)))
        if (ref := rollout.workload.kustomization) in targets
        else rollout
        for rollout in rollouts
    )


def _moved_back(rollout: Rollout) -> str:
    """The digest that the tag names now: of what was healthy last, empty where there is no such version."""
    pushed = rollout.delivery.pushed
    live = rollout.proof.live if rollout.proof else None
    repository = rollout.prepared.repository
    target = last_healthy(live or {}, (pushed.digest if pushed else None) or "", repository.manifest)
    if target is None:
        return ""
    repository.put_manifest(rollout.workload.options["tag"], target)
    return target.digest


def _with_rivals(rollouts: tuple[Rollout, ...], cluster: Cluster) -> tuple[Rollout, ...]:
    """Those that apply what others apply too; where nothing was applied now, that was said before."""
    applied = [rollout.workload.kustomization for rollout in rollouts if rollout.why and not rollout.failure]
    if not applied:
        return rollouts
    rivalries = {
        ref: tuple(shared_with(item, others) for item, others in shared.items())
        for ref, shared in shared_objects(cluster, applied).items()
    }
    return tuple(
        replace(rollout, rivalries=rivalries.get(rollout.workload.kustomization, ())) for rollout in rollouts
    )
