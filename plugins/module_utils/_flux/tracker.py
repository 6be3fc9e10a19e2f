# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One Kustomization followed on the way to the digest that is expected: a state machine without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Link
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    CONNECTION_LOST,
    DEPENDENCY_FAILED,
    State,
    Verdict,
    is_unanswered,
    kustomization_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.dependencies import (
    is_waiting,
    satisfies,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import (
    IDLE,
    NOT_OBSERVED,
    Request,
    Sight,
    judge,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import dependencies_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.phases import Phases
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.receipt import Proof

# A source-controller that starts anew, as after a restart of its node, is waited for that long, in seconds.
ANSWER_GRACE = 30.0


class Tracker:
    """Where one Kustomization and its source stand on the way to the digest that is expected.

    Objects may be observed in any order, repeatedly, and also stale ones: none of them makes an older
    revision pass. Times are seconds of one clock. What was seen is judged in ``judgement``, when Flux is
    asked again is said in ``nudges``, and what is told at the end in ``receipt``.
    """

    def __init__(self, request: Request) -> None:
        self.sight = Sight(request)
        self.verdict = NOT_OBSERVED
        self.phases = Phases()
        self.triggers: tuple[ObjectRef, ...] = ()  # that Flux was asked for, or would be but for check mode
        self.live: Object | None = None  # as it was seen last, also after the verdict
        self._chain: tuple[Link, ...] = ()  # what it waits for, down to the first that has failed
        self._heard: dict[str, Object] = {}  # events by their uid
        self._unanswered_at: float | None = None  # since when source-controller does not answer Flux
        self._is_begun = False

    @property
    def ref(self) -> ObjectRef:
        return self.sight.request.ref

    def observe(self, item: Object, at: float) -> Verdict:
        """The verdict after the Kustomization or its source was seen at time ``at``; others are ignored."""
        if self.sight.is_kustomization(item):
            self.live = item
        if self.verdict.is_settled:
            return self.verdict
        self.sight = self.sight.with_item(item)
        return self._judge(at)

    def observe_gone(self, ref: ObjectRef, at: float) -> Verdict:
        """The verdict after ``ref`` has been seen not to exist."""
        self.sight = self.sight.without(ref)
        return self._judge(at)

    def hear(self, event: Object) -> None:
        """Take note of a Kubernetes event about the Kustomization or its source."""
        self._heard[event["metadata"]["uid"]] = event

    def asked(self, ref: ObjectRef, token: str) -> None:
        """Take note that ``ref`` gets ``token``: now only a failure that follows its handling counts."""
        self.sight = self.sight.asked(ref, token)

    def begin(self, at: float) -> Verdict:
        """The verdict at ``at``, from which the phases are measured. Nothing is ready or failed before."""
        self._is_begun = True
        self.phases = Phases(at)
        return self._judge(at)

    def _judge(self, at: float) -> Verdict:
        if self._is_begun and not self.verdict.is_settled:
            judgement = judge(self.sight)
            self.phases = self.phases.after(judgement.step, at)
            self.verdict = self._with_grace(judgement.verdict, at)
        return self.verdict

    def _with_grace(self, verdict: Verdict, at: float) -> Verdict:
        if not is_unanswered(verdict):
            return verdict
        if self._unanswered_at is None:
            self._unanswered_at = at
        is_over = at >= self._unanswered_at + ANSWER_GRACE
        return verdict if is_over else replace(verdict, state=State.IN_PROGRESS)

    def block(self, chain: Sequence[Link]) -> None:
        """Settle it as failed, since it waits for the first of ``chain``, and the last of that has failed."""
        self._chain = tuple(chain)
        first = chain[0]
        self.verdict = Verdict(
            State.FAILED,
            DEPENDENCY_FAILED,
            f"It waits for {first.ref}, which is not ready: {first.verdict.reason}.",
        )

    def lose(self, message: str) -> None:
        """Take note that the connection is lost, and with it the chance to see more."""
        if not self.verdict.is_settled:
            self.verdict = Verdict(State.IN_PROGRESS, CONNECTION_LOST, message)

    @property
    def waits_for(self) -> list[ObjectRef]:
        """The Kustomizations that Flux waits for before it applies this one; none unless it waits now."""
        return dependencies_of(self.live) if self.live is not None and is_waiting(self.live) else []

    @property
    def obstacle(self) -> list[Link]:
        """What keeps those that wait for this one from ever becoming ready; empty while nothing does."""
        is_in_the_way = self.verdict.state is State.FAILED or (
            self.verdict.state in IDLE and not (self.live and satisfies(self.live))
        )
        return [Link(self.ref, self.verdict, self.live), *self._chain] if is_in_the_way else []

    @property
    def is_ready_now(self) -> bool:
        """Whether the Kustomization is proven, and Flux has not begun to reconcile it again since."""
        is_proven = self.verdict.state is State.READY and self.live is not None
        return is_proven and kustomization_verdict(self.live or {}).state is State.READY

    def proof(self) -> Proof:
        """What has come of the request so far."""
        return Proof(
            sight=self.sight,
            verdict=self.verdict,
            phases=self.phases,
            triggers=self.triggers,
            live=self.live,
            chain=self._chain,
            heard=tuple(self._heard.values()),
        )
