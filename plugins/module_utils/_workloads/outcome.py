# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What became of workloads, or would become of them: each step of a run returns it with more known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import Shown
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushResult
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import Applied
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    HEALTH_CHECK_FAILED,
    State,
    is_checking_health,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import Change, refused
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predict import Prediction
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.receipt import Proof
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prepare import Prepared
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import Workload


@dataclass(frozen=True)
class Delivery:
    """What is pushed and applied for a workload, or would be.

    ``secrets`` and ``reasons`` are sentences: of the registry's Secrets, and of what else makes it differ.
    """

    pushed: PushResult | None = None
    secrets: tuple[str, ...] = ()
    applied: tuple[Applied, ...] = ()  # its source, then its Kustomization
    reasons: tuple[str, ...] = ()
    shown: Sequence[Shown] = ()  # of --diff, besides what was applied

    @property
    def kustomization(self) -> Applied | None:
        return self.applied[-1] if self.applied else None

    @property
    def is_pushed(self) -> bool:
        return self.pushed is not None and self.pushed.changed

    @property
    def is_applied(self) -> bool:
        return any(applied.is_changed for applied in self.applied)

    @property
    def why(self) -> list[str]:
        """What was different, a sentence each."""
        pushed = [f"{tag}: {why}" for tag, why in self.pushed.why.items()] if self.pushed else []
        return [*self.reasons, *pushed, *self.secrets, *sentences(self.applied)]


@dataclass(frozen=True)
class WayBack:
    """What became of a workload that was taken back: its version and where that stands, if there is one."""

    digest: str = ""
    proof: Proof | None = None

    @property
    def is_proven(self) -> bool:
        return self.proof is not None and self.proof.is_ready

    def told(self) -> str:
        """A sentence for the message."""
        if self.proof is None:
            return "No version of it was healthy before that the registry still holds: it stays as it is."
        if self.is_proven:
            return f"It was taken back to {self.digest}, which is applied and healthy."
        return f"It was taken back to {self.digest}, but: {self.proof.complaint()}"


@dataclass(frozen=True)
class Rollout:
    """A workload that is to be in the cluster, and what became of it so far."""

    prepared: Prepared
    delivery: Delivery
    proof: Proof | None = None
    prediction: Prediction = field(default_factory=Prediction)
    way_back: WayBack | None = None
    rivalries: tuple[Cause, ...] = ()  # with others that apply the same objects
    refusals: tuple[Cause, ...] = ()  # why the API server would not take objects of it
    notices: tuple[str, ...] = ()  # what the plan has noticed of what is to be applied

    @property
    def workload(self) -> Workload:
        return self.prepared.workload

    @property
    def is_changing(self) -> bool:
        """Whether it is pushed, applied or reconciled for another reason than drift."""
        is_triggered = self.proof is not None and self.proof.is_triggered
        return self.delivery.is_pushed or is_triggered or self.delivery.is_applied

    @property
    def is_ready(self) -> bool:
        return self.proof is not None and self.proof.is_ready

    @property
    def why(self) -> list[str]:
        """What was different, a sentence each."""
        known = [*self.delivery.why, *self.prediction.drift]
        is_asked = self.proof is not None and self.proof.is_triggered and not known
        return [*known, *(["reconciled"] if is_asked else [])]

    @property
    def failure(self) -> str:
        """Why it is not well, empty when it is: proven, or suspended as was asked for."""
        if self.proof is None or self.is_ready:
            return ""
        is_meant = self.proof.verdict.state is State.SUSPENDED and self.workload.options["suspend"]
        if is_meant:
            return ""
        return f"{self.proof.complaint()}{f' {self.way_back.told()}' if self.way_back else ''}"

    @property
    def is_unhealthy_after_push(self) -> bool:
        """Whether it was pushed and applied just now, and is not healthy."""
        if self.proof is None or not self.delivery.is_pushed:
            return False
        verdict = self.proof.verdict
        is_waiting = verdict.state is State.IN_PROGRESS and is_checking_health(self.proof.live or {})
        return is_waiting or (verdict.state is State.FAILED and verdict.reason == HEALTH_CHECK_FAILED)

    @property
    def refused(self) -> list[Change]:
        """Its objects that the API server would not take."""
        return refused(self.prediction.changes)

    @property
    def refusal(self) -> str:
        """Why Flux could not apply it, as far as the API server tells beforehand."""
        told = " ".join(cause.about("") for cause in self.refusals)
        return f"Workload {self.workload.name}: Flux could not apply it. {told}" if told else ""

    @property
    def warnings(self) -> list[str]:
        """What the user should know of it."""
        rivalries = [rivalry.about("") for rivalry in self.rivalries]
        return [*self.prepared.warnings, *self.notices, *rivalries, *self.prediction.warnings]


@dataclass(frozen=True)
class Removal:
    """A workload that is not to be in the cluster, and what became of it so far."""

    workload: Workload
    applied: tuple[Applied, ...] = ()  # its Kustomization, then its source
    secrets: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()  # what is left of it

    @property
    def why(self) -> list[str]:
        """What was different, a sentence each."""
        return [*sentences(self.applied), *self.secrets]


@dataclass(frozen=True)
class Outcome:
    """What became of all workloads of a run, or would become of them.

    ``unseen`` are sentences: why the drift of some kinds cannot be seen.
    """

    rollouts: tuple[Rollout, ...]
    removals: tuple[Removal, ...] = ()
    unseen: tuple[str, ...] = ()


def sentences(applied: Sequence[Applied]) -> list[str]:
    """What became of objects, a sentence for each field."""
    return [f"{item.ref.kind.name}: {change}" for item in applied for change in item.changes]
