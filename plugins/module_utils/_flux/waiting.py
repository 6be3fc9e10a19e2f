# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Wait until Flux has reconciled an object, or has taken its finalizers from it."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.waiting import wait_until
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    State,
    Verdict,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.state import (
    kustomization_state,
    source_state,
)


def wait_until_gone(cluster: Cluster, ref: ObjectRef, wait_seconds: float) -> None:
    """Wait for the finalizers of a deleted object. Raises LoopError naming them when they take longer."""
    left, is_gone = wait_until(cluster, ref, wait_seconds, lambda item: item is None)
    if not is_gone and left is not None:
        finalizers = ", ".join(left["metadata"].get("finalizers") or []) or "none"
        raise LoopError(
            f"{ref} is still there {wait_seconds:g} s after its deletion, kept by finalizers: {finalizers}."
            " Does the Flux controller that removes them run?"
        )


_VERDICTS: dict[Kind, Callable[[Object], Verdict]] = {
    OCI_REPOSITORY: source_verdict,
    KUSTOMIZATION: kustomization_verdict,
}
STATES = {OCI_REPOSITORY: source_state, KUSTOMIZATION: kustomization_state}


def wait_until_ready(cluster: Cluster, ref: ObjectRef, wait_seconds: float) -> Object:
    """The object once Flux has reconciled its present generation, or has suspended it.

    Raises LoopError with Flux's own message as soon as it failed, or when ``wait_seconds`` have passed.
    """
    verdict_of = _VERDICTS[ref.kind]

    def is_settled(item: Object | None) -> bool:
        return item is None or verdict_of(item).is_settled

    item = wait_until(cluster, ref, wait_seconds, is_settled)[0]
    if item is None:
        raise LoopError(f"{ref} was deleted while it was being waited for.")
    verdict = verdict_of(item)
    if verdict.state in (State.READY, State.SUSPENDED):
        return item
    seen = STATES[ref.kind](item)
    if verdict.state is State.IN_PROGRESS:
        raise LoopError(
            f"{ref} is not ready after {wait_seconds:g} s: {verdict.reason}: {verdict.message}", resource=seen
        )
    raise LoopError(f"{ref} failed with {verdict.reason}: {verdict.message}", resource=seen)
