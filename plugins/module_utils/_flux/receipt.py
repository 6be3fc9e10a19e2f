# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What came of a request to reconcile: the receipt, and the complaint where it is not proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Cause,
    Failure,
    Link,
    Origin,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import newest
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory_result
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Sight, status_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.phases import Phases
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.state import conditions


@dataclass(frozen=True)
class Proof:
    """Where a Kustomization stood at the end, what was seen of it, and why where it is not ready."""

    sight: Sight  # at the verdict
    verdict: Verdict
    phases: Phases
    triggers: tuple[ObjectRef, ...] = ()  # that Flux was asked to reconcile, or would be but for check mode
    live: Object | None = None  # the Kustomization as it was seen last, also after the verdict
    chain: tuple[Link, ...] = ()  # what it waits for, down to the first that has failed
    heard: tuple[Object, ...] = ()  # Kubernetes events about the Kustomization and its source
    cause: Cause | None = None  # of a verdict other than ready, once it was looked for

    @property
    def ref(self) -> ObjectRef:
        return self.sight.request.ref

    @property
    def is_ready(self) -> bool:
        """Whether it is proven."""
        return self.verdict.state is State.READY

    @property
    def is_triggered(self) -> bool:
        """Whether Flux was asked to reconcile, or would be but for check mode."""
        return bool(self.triggers)

    def receipt(self, events: Sequence[dict[str, Any]] | None = None) -> dict[str, Any]:
        """What is proven, and what Flux says of it: ``events``, or else those that were heard meanwhile."""
        kustomization = self.sight.kustomization or {}
        source = self.sight.source or {}
        return {
            "name": self.sight.request.name,
            "namespace": self.sight.request.namespace,
            "pushed_digest": self.sight.request.expected_digest,
            "source_revision": self.sight.revision or None,
            "applied_revision": status_of(kustomization).get("lastAppliedRevision"),
            "ready": self.is_ready,
            "state": self.verdict.state.value,
            "reason": self.verdict.reason,
            "message": self.verdict.told,
            "cause": self.cause.result if self.cause else None,
            "phases": self.phases.seconds(),
            "conditions": {"source": conditions(source), "kustomization": conditions(kustomization)},
            "events": newest(self.heard) if events is None else list(events),
            "inventory": inventory_result(kustomization),
        }

    def failure(self, origin: Origin) -> Failure:
        """What is known of a verdict other than ready; ``origin`` is where the content comes from."""
        return Failure(
            ref=self.ref,
            verdict=self.verdict,
            seconds=self.sight.request.timeout,
            source=self.sight.source,
            kustomization=self.sight.kustomization,
            chain=self.chain,
            origin=origin,
        )

    def complaint(self) -> str:
        """The paragraph for a verdict other than ready."""
        is_late = self.verdict.state is State.IN_PROGRESS
        said = f"is not proven after {self.sight.request.timeout:g} s" if is_late else "is not ready"
        if self.cause is None:
            return f"{self.ref} {said}: {self.verdict.reason}: {self.verdict.told}"
        return f"{self.ref} {said}: {self.cause.about(str(self.ref))}"
