# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The way of workloads from what is asked for to what is returned, each step a function of the one before.

parse, prepare, plan; then check mode predicts, and a run executes, proves and recovers; then the receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    Cluster,
    ClusterError,
    NotFoundError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.execute import execute
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.locks import exclusive
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import Outcome
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.parse import Asked, parse
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.plan import (
    plan_against_nothing,
    plan_workloads,
    together,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.predict import (
    predict_plan,
    predict_plan_against_nothing,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prepare import (
    Connect,
    Prepared,
    prepare,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import Follower, Silence
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prove import heal, prove
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.receipt import result_of
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.recover import recover
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.refused import explain_refusals
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer


@dataclass(frozen=True)
class Edge:
    """What a run touches of the world outside. ``cluster`` is None where no loop runs (yet).

    ``locks`` is a folder with which two runs on one machine are kept from working on the same workload at
    once; check mode needs none.
    """

    cluster: Cluster | None
    connect: Connect
    renderer: Renderer
    warn: Callable[[str], None]
    follower: Follower = field(default_factory=Silence)
    locks: str | None = None


def run(params: Mapping[str, Any], edge: Edge, *, check_mode: bool, with_diff: bool) -> dict[str, Any]:
    """Bring every listed workload to what the user's folders hold, and prove it.

    Everything that can be refused is refused before anything is pushed or applied. Raises LoopError with all
    receipts when a workload is not well in the end.
    """
    asked = parse(params)
    if check_mode or edge.cluster is None:
        with _prepared(asked, edge) as prepared:
            return _check(asked, prepared, edge, with_diff=with_diff)
    with _alone(asked, edge.cluster, edge), _prepared(asked, edge) as prepared:
        return _bring_about(asked, prepared, edge.cluster, edge, with_diff=with_diff)


def _check(asked: Asked, prepared: Sequence[Prepared], edge: Edge, *, with_diff: bool) -> dict[str, Any]:
    """What a run would do: it ends after the plan."""
    if edge.cluster is not None:
        try:
            predictor = Predictor(edge.cluster)
            plan = plan_workloads(prepared, asked, predictor, edge.renderer, with_diff=with_diff)
            outcome = predict_plan(plan, predictor, edge.renderer)
            outcome = explain_refusals(outcome, edge.cluster, asked.registry.endpoint.host)
        except ClusterError as error:
            # A task before this one would have brought Flux, or the namespace.
            if error.status != 404 or isinstance(error, NotFoundError):
                raise
            edge.warn(f"{error.message} Everything is said to be made.")
        else:
            _warn(outcome, edge)
            refusals = [rollout.refusal for rollout in outcome.rollouts if rollout.refusal]
            return result_of(outcome, predictor.mask, refusals)
    plan = plan_against_nothing(prepared, asked, edge.renderer, with_diff=with_diff)
    outcome = predict_plan_against_nothing(plan, edge.renderer)
    _warn(outcome, edge)
    return result_of(outcome, Mask(), with_diff=with_diff)


def _bring_about(
    asked: Asked, prepared: Sequence[Prepared], cluster: Cluster, edge: Edge, *, with_diff: bool
) -> dict[str, Any]:
    """What a run does: it carries the plan out, and has Flux prove it."""
    predictor = Predictor(cluster)
    plan = plan_workloads(prepared, asked, predictor, edge.renderer, with_diff=with_diff)
    outcome = execute(plan, cluster, edge.follower, timeout=asked.timeout)
    outcome = prove(outcome, predictor, edge.follower, asked.timeout)
    outcome = heal(outcome, predictor, edge.renderer, asked.timeout)
    outcome = recover(outcome, asked, cluster)
    _warn(outcome, edge)
    failures = [rollout.failure for rollout in outcome.rollouts if rollout.failure]
    return result_of(outcome, predictor.mask, failures)


@contextmanager
def _prepared(asked: Asked, edge: Edge) -> Iterator[list[Prepared]]:
    """The workloads that are to be in the cluster, packed; their archives are gone afterwards."""
    present = [workload for workload in asked.workloads if workload.is_present]
    with ExitStack() as stack:
        yield together(partial(prepare, asked=asked, connect=edge.connect, stack=stack), present)


def _alone(asked: Asked, cluster: Cluster, edge: Edge) -> AbstractContextManager[None]:
    """While no other run on this machine works on the workloads."""
    if edge.locks is None:
        return nullcontext()
    names = [f"{workload.namespace}/{workload.name}" for workload in asked.workloads]
    return exclusive(edge.locks, cluster.server, names, timeout=asked.timeout, on_wait=edge.follower.waits)


def _warn(outcome: Outcome, edge: Edge) -> None:
    for hidden in outcome.unseen:
        edge.warn(f"Drift cannot be seen: {hidden}")
    for rollout in outcome.rollouts:
        for warning in rollout.warnings:
            edge.warn(f"{rollout.workload.name}: {warning}")
    for removal in outcome.removals:
        for warning in removal.warnings:
            edge.warn(f"{removal.workload.name}: {warning}")
