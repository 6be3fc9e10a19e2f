# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause of a failure: from what Flux and the API server said to what happened, where, and what to do.

Nothing here does I/O: what has to be read from the cluster is in ``evidence``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import NAMESPACE
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause, Failure
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.ill_health import (
    health_remedy,
    of_ending_namespace,
    of_health,
    told,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    flat,
    unhealthy_objects,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.ruled import (
    of_kustomization,
    of_source,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    CauseKind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    CONNECTION_LOST,
    DEPENDENCY_FAILED,
    DEPENDENCY_NOT_READY,
    NOT_FOUND,
    NOT_HANDLED,
    OLDER_REVISION,
    UNEXPECTED_REVISION,
    State,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION


def cause_of(failure: Failure) -> Cause:
    """The cause of a failure."""
    verdict = failure.verdict
    by_state = _OF_STATE.get(verdict.state)
    if by_state:
        return by_state(failure)
    explain = _OF_REASON.get(verdict.reason)
    if explain:
        return explain(failure)
    if verdict.state is State.IN_PROGRESS:
        return _awaited(failure)
    if unhealthy_objects(verdict.message):
        return _unhealthy(failure)
    if verdict.subject is not None and verdict.subject.kind != KUSTOMIZATION:
        return of_source(failure)
    return of_kustomization(failure)


def _suspended(failure: Failure) -> Cause:
    return Cause(
        CauseKind.SUSPENDED, failure.place, "it is suspended.", "Set suspend to false to have Flux resume it."
    )


def _deleting(failure: Failure) -> Cause:
    return Cause(
        CauseKind.DELETING,
        failure.place,
        "it is being deleted.",
        "Wait until it is gone, then run this again; if it stays, look at its finalizers.",
    )


def _not_found(failure: Failure) -> Cause:
    return Cause(CauseKind.NOT_FOUND, failure.place, "it does not exist.", "Create it, or correct the name.")


def _connection(failure: Failure) -> Cause:
    return Cause(CauseKind.CONNECTION, failure.place, failure.verdict.message, "")


def _unexpected(failure: Failure) -> Cause:
    return Cause(
        CauseKind.UNEXPECTED_REVISION,
        failure.place,
        f"it is{failure.verdict.message.removeprefix('It is')}",
        "Do its url, tag, semver and digest name what was pushed?",
    )


def _dependency(failure: Failure) -> Cause:
    if not failure.chain:
        return _awaited(failure)
    last = failure.chain[-1]
    way = " -> ".join(str(link.ref) for link in failure.chain)
    cause = cause_of(failure.first or Failure(last.ref, last.verdict, failure.seconds))
    return Cause(
        CauseKind.DEPENDENCY,
        str(failure.ref),
        f"it waits for {way}, which is not ready: {cause.about(str(last.ref), remedy=False)}",
        _DEPENDENCY_REMEDIES.get(last.verdict.state, "") or cause.remedy,
        {
            "chain": [
                {
                    "kind": link.ref.kind.name,
                    "namespace": link.ref.namespace,
                    "name": link.ref.name,
                    "state": link.verdict.state.value,
                    "reason": link.verdict.reason,
                    "message": link.verdict.message,
                }
                for link in failure.chain
            ],
            "first_cause": cause.result,
        },
    )


_DEPENDENCY_REMEDIES = {
    State.SUSPENDED: "Set its suspend to false, or take it out of depends_on.",
    State.DELETING: "Have it created again, or take it out of depends_on.",
}


def _silent(failure: Failure) -> Cause:
    """Flux has not taken up what was asked for: somebody does not run, or is stuck."""
    controller = failure.controller
    if controller is None:
        return _awaited(failure)
    text = f"{controller.name} has not taken it up for {failure.seconds:g} s"
    details: dict[str, Any] = {"controller": controller.name}
    remedy = f"Does {controller.name} run, and what does its log say? site.yml starts what is not running."
    if controller.deployment is not None:
        details |= {"objects": [controller.deployment.result]}
    if controller.deployment is not None and controller.deployment.lacks:
        text += f": {told(controller.deployment)}"
        remedy = health_remedy(controller.deployment) or "Have the Deployment become available."
    elif controller.version and controller.crd_version and controller.version != controller.crd_version:
        text += f": it is of version {controller.version}, and its API of {controller.crd_version}"
        remedy = "Install the controller and its custom resource definitions in one version."
        details |= {"version": controller.version, "crd_version": controller.crd_version}
    elif controller.deployment is not None:
        remedy = f"It runs: what does the log of {controller.deployment} say?"
    return Cause(CauseKind.CONTROLLER, failure.place, f"{text}.", remedy, details)


def _awaited(failure: Failure) -> Cause:
    """The time is over: what was still awaited."""
    if failure.unhealthy:
        return _ill(failure, CauseKind.TIME_OUT)
    verdict = failure.verdict
    said = f"{verdict.reason}: {flat(verdict.message).rstrip('.')}"
    return Cause(
        CauseKind.TIME_OUT,
        failure.place,
        f"still awaited after {failure.seconds:g} s: {said}.",
        "Run this again, with a longer timeout if it needs more time.",
    )


def _unhealthy(failure: Failure) -> Cause:
    return _ill(failure, CauseKind.UNHEALTHY)


def _ill(failure: Failure, kind: CauseKind) -> Cause:
    """Objects are not healthy: the first of them says why, and may have a cause of its own."""
    namespace = next((each for each in failure.unhealthy if each.kind == NAMESPACE.name), None)
    if failure.hold is not None and namespace is not None:
        return of_ending_namespace(failure, namespace, failure.hold)
    cause = of_health(failure, kind)
    if failure.first is None:
        return cause
    nested = cause_of(failure.first)
    return replace(
        cause,
        text=f"it is not ready: {nested.about(str(failure.first.ref), remedy=False)}",
        remedy=nested.remedy or cause.remedy,
        details={**cause.details, "first_cause": nested.result},
    )


_Explain = Callable[[Failure], Cause]

_OF_STATE: Mapping[State, _Explain] = {State.SUSPENDED: _suspended, State.DELETING: _deleting}
_OF_REASON: Mapping[str, _Explain] = {
    NOT_FOUND: _not_found,
    CONNECTION_LOST: _connection,
    UNEXPECTED_REVISION: _unexpected,
    DEPENDENCY_FAILED: _dependency,
    DEPENDENCY_NOT_READY: _dependency,
    NOT_HANDLED: _silent,
    OLDER_REVISION: _silent,
    "HealthCheckFailed": _unhealthy,
}


def shared_with(item: str, others: Sequence[ObjectRef]) -> Cause:
    """Why an object does not come to rest though all is ready: ``others`` apply it, too."""
    return Cause(
        CauseKind.OWNED_ELSEWHERE,
        item,
        f"{' and '.join(map(str, others))} {'apply' if len(others) > 1 else 'applies'} it, too:"
        " each undoes what the other sets.",
        "Take it out of all but one.",
        {"owners": [{"namespace": ref.namespace, "name": ref.name} for ref in others]},
    )
