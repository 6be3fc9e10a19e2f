# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be done for workloads, after one look at the cluster and the registry; nothing is written yet.

Whatever can be refused is refused here, in check mode and in a run alike. Check mode stops after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import (
    PushPlan,
    PushResult,
    plan_push,
    whole,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each_to_the_end
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import nearest
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    Applied,
    ApplyPlan,
    DeletionPlan,
    plan_apply,
    plan_deletion,
    predict,
    predict_deletion,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.building import Built
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.receipt import Proof
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import assess
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.build import (
    build_all,
    build_first,
    subject_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.notices import Looker
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.order import unlisted_dependencies
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import Delivery
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.parse import Asked
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prepare import Prepared
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.refused import origins_of
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.registry_secrets import (
    SecretPlan,
    plan_secret,
    unused_secret,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import Workload

CONNECTIONS = 8
NO_LOOP = "the loop does not run yet"

together = partial(for_each_to_the_end, at_once=CONNECTIONS)


@dataclass(frozen=True)
class RolloutPlan:
    """What is to be done for a workload that is to be in the cluster, and what that would change.

    There is nothing to push or apply where no loop runs.
    """

    prepared: Prepared
    predicted: Delivery
    push: PushPlan | None = None
    objects: tuple[ApplyPlan, ...] = ()  # its source, then its Kustomization
    standing: Proof | None = None  # where it stood when it was seen; None if it is not there
    notices: tuple[str, ...] = ()  # what the user should know of what Flux would build of it
    built: Built = field(default_factory=Built)  # where no loop runs

    @property
    def workload(self) -> Workload:
        return self.prepared.workload

    @property
    def ref(self) -> ObjectRef:
        return self.workload.kustomization

    @property
    def is_changing(self) -> bool:
        """Whether it is pushed, applied, or reconciled for another reason than drift."""
        is_triggered = self.standing is not None and self.standing.is_triggered
        return self.predicted.is_pushed or self.predicted.is_applied or is_triggered


@dataclass(frozen=True)
class RemovalPlan:
    """What is to be done for a workload that is not to be in the cluster, and what that would change."""

    workload: Workload
    objects: tuple[DeletionPlan, ...] = ()  # its Kustomization, then its source
    predicted: tuple[Applied, ...] = ()
    secrets: tuple[ObjectRef, ...] = ()  # of the registry, which no source needs any more

    @property
    def told_secrets(self) -> tuple[str, ...]:
        """What becomes of the Secrets, a sentence each."""
        return tuple(f"Secret {ref.name}: deleted" for ref in self.secrets)


@dataclass(frozen=True)
class Plan:
    """What is to be done for all workloads of a run."""

    rollouts: tuple[RolloutPlan, ...]
    removals: tuple[RemovalPlan, ...]
    secrets: tuple[SecretPlan, ...] = ()


def plan_workloads(
    prepared: Sequence[Prepared], asked: Asked, predictor: Predictor, renderer: Renderer, *, with_diff: bool
) -> Plan:
    """What it takes to have the workloads as they are asked for. Raises LoopError for what is refused."""
    cluster = predictor.cluster
    _refuse_unknown_dependencies(cluster, asked.workloads)
    # What the API server would refuse, or that there is none, shows before anything is pushed.
    secrets = _plan_secrets(prepared, asked, cluster)
    objects = together(partial(_plan_objects, cluster), prepared)
    pushes = together(partial(_plan_push, with_diff=with_diff), prepared)
    rollouts = [
        RolloutPlan(
            ready,
            Delivery(pushed, _told(secrets, ready.workload), applied, shown=push.diff),
            push,
            plans,
            _standing(cluster, ready.workload, plans, pushed, asked.timeout),
        )
        for ready, (push, pushed), (plans, applied) in zip(prepared, pushes, objects, strict=True)
    ]
    looker = Looker(predictor, asked.unknown_fields)
    return Plan(
        tuple(_with_notices(rollouts, looker, renderer, asked.registry.endpoint.host)),
        _plan_removals(prepared, asked, cluster),
        secrets,
    )


def _standing(
    cluster: Cluster, workload: Workload, plans: Sequence[ApplyPlan], pushed: PushResult, timeout: float
) -> Proof | None:
    """Where a workload stood when it was seen, and whether Flux has to be asked; None if it is not there."""
    live = [plan.live for plan in reversed(plans) if plan.live is not None]
    if len(live) < len(plans):
        return None
    return assess(cluster, Request(workload.namespace, workload.name, timeout, pushed.digest), live)


def _with_notices(
    rollouts: Sequence[RolloutPlan], looker: Looker, renderer: Renderer, host: str
) -> list[RolloutPlan]:
    """Each that is changing with what is noticed of it. Raises LoopError for what does not build."""
    subjects = {
        subject_of(rollout.prepared, rollout.predicted, renderer, is_changing=True): rollout
        for rollout in rollouts
        if rollout.is_changing
    }
    changing = {subject: rollout.prepared for subject, rollout in subjects.items()}
    built = build_all(looker.predictor, changing, together)
    origins = origins_of((rollout.prepared for rollout in rollouts), host)
    noticed = {
        rollout.ref: looker.notices(rollout.workload, subject, built[subject], origins[rollout.ref])
        for subject, rollout in subjects.items()
    }
    return [replace(rollout, notices=noticed.get(rollout.ref, ())) for rollout in rollouts]


def plan_against_nothing(
    prepared: Sequence[Prepared], asked: Asked, renderer: Renderer, *, with_diff: bool
) -> Plan:
    """The plan where no loop runs: there is nothing to compare with, so everything would be made.

    Raises LoopError for what does not build, as far as there is a renderer to find that out.
    """

    def planned(ready: Prepared) -> RolloutPlan:
        shown = whole(ready.repository.reference.url, ready.pack) if with_diff else ()
        delivery = Delivery(reasons=(NO_LOOP,), shown=shown)
        if not renderer.is_there:
            return RolloutPlan(ready, delivery)
        subject = subject_of(ready, delivery, renderer, is_changing=True)
        return RolloutPlan(ready, delivery, built=build_first(subject))

    return Plan(
        tuple(planned(ready) for ready in prepared),
        tuple(RemovalPlan(workload) for workload in _absent(asked)),
    )


def _absent(asked: Asked) -> Iterable[Workload]:
    """Those that are to go, each before what it depends on."""
    return (workload for workload in reversed(asked.workloads) if not workload.is_present)


def _refuse_unknown_dependencies(cluster: Cluster, workloads: Sequence[Workload]) -> None:
    for dependency, dependent in unlisted_dependencies(workloads).items():
        if cluster.get(dependency) is None:
            near = nearest(dependency.name, (workload.name for workload in workloads))
            raise LoopError(
                f"Workload {dependent}: depends_on names {dependency.name}, but the list has no such "
                f"workload and the cluster no {dependency}. Add it to the list, or correct the name"
                f"{f' (the nearest is {near})' if near else ''}."
            )


def _plan_objects(cluster: Cluster, ready: Prepared) -> tuple[tuple[ApplyPlan, ...], tuple[Applied, ...]]:
    """What is to be applied, and what the API server says would become of it."""
    workload = ready.workload
    plans = (
        plan_apply(cluster, OCI_REPOSITORY, workload.source_object, force=True),
        plan_apply(cluster, KUSTOMIZATION, workload.kustomization_object, force=True),
    )
    return plans, tuple(predict(cluster, plan) for plan in plans)


def _plan_push(ready: Prepared, *, with_diff: bool) -> tuple[PushPlan, PushResult]:
    """What is to be pushed, and what that would change."""
    plan = plan_push(ready.pack, ready.request, ready.repository, with_diff=with_diff)
    return plan, plan.predicted


def _plan_secrets(prepared: Sequence[Prepared], asked: Asked, cluster: Cluster) -> tuple[SecretPlan, ...]:
    """The registry's Secrets, in every namespace with a source that names them."""
    return tuple(
        plan_secret(cluster, secret, namespace)
        for secret in asked.registry.secrets
        for namespace in sorted(
            {ready.workload.namespace for ready in prepared if ready.workload.needs(secret.reference)}
        )
    )


def _told(secrets: Sequence[SecretPlan], workload: Workload) -> tuple[str, ...]:
    """What becomes of the Secrets that a workload needs, a sentence each."""
    return tuple(
        f"Secret {plan.secret.name}: {plan.why}"
        for plan in secrets
        if plan.why and plan.namespace == workload.namespace and workload.needs(plan.secret.reference)
    )


def _plan_removals(prepared: Sequence[Prepared], asked: Asked, cluster: Cluster) -> tuple[RemovalPlan, ...]:
    going = list(_absent(asked))
    objects = [_plan_deletions(cluster, workload) for workload in going]
    sources: dict[ObjectRef, Object | None] = {workload.source: None for workload in going}
    sources |= {ready.workload.source: ready.workload.source_object for ready in prepared}
    # The last one of a namespace takes the Secrets with it.
    last = {workload.namespace: workload for workload in going}
    return tuple(
        RemovalPlan(
            workload,
            plans,
            tuple(predict_deletion(cluster, plan) for plan in plans),
            _unused_secrets(asked, cluster, workload.namespace, sources)
            if workload is last[workload.namespace]
            else (),
        )
        for workload, plans in zip(going, objects, strict=True)
    )


def _plan_deletions(cluster: Cluster, workload: Workload) -> tuple[DeletionPlan, ...]:
    # The Kustomization first: as it goes, Flux prunes what it applied, and needs no source for that.
    return tuple(plan_deletion(cluster, ref) for ref in (workload.kustomization, workload.source))


def _unused_secrets(
    asked: Asked, cluster: Cluster, namespace: str, sources: dict[ObjectRef, Object | None]
) -> tuple[ObjectRef, ...]:
    mine = {ref: item for ref, item in sources.items() if ref.namespace == namespace}
    found = [unused_secret(cluster, secret, namespace, mine) for secret in asked.registry.secrets]
    return tuple(ref for ref in found if ref is not None)
