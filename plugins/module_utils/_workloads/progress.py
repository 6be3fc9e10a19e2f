# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What happens while workloads are waited for, as plain lines.

There is one when a workload is settled, and every few seconds one of each that takes longer.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, condition
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.tracker import Tracker

PAUSE_SECONDS = 2.0
DIGEST_SHOWN = 12
MESSAGE_SHOWN = 100
_PHASES = {"source": "source", "apply": "applied", "health": "healthy"}
_CONDITIONS = ("Ready", "Reconciling", "Stalled", "Healthy", "FetchFailed", "SourceVerified")

# How many objects of a Kustomization are healthy, and of how many; None where Flux waits for none.
Health = Callable[[Object], "tuple[int, int] | None"]


class Follower(Protocol):
    """Who wants to know what happens."""

    def changed(self, refs: Iterable[ObjectRef]) -> None:
        """Take note that something of workloads was changed: their end is worth a line."""

    def pushed(self, ref: ObjectRef, digest: str | None, seconds: float) -> None:
        """Take note that the artifact of a workload was pushed."""

    def waits(self, workload: str, process: str) -> None:
        """Take note that another process works on a workload."""

    def observe(self, trackers: Sequence[Tracker]) -> None:
        """See how the workloads that are waited for stand."""


class Silence:
    """Nobody wants to know."""

    def changed(self, refs: Iterable[ObjectRef]) -> None:
        del refs

    def pushed(self, ref: ObjectRef, digest: str | None, seconds: float) -> None:
        del ref, digest, seconds

    def waits(self, workload: str, process: str) -> None:
        del workload, process

    def observe(self, trackers: Sequence[Tracker]) -> None:
        del trackers


class Progress:
    """Writes lines about workloads. With ``is_verbose`` also one for each condition that changes."""

    def __init__(
        self,
        write: Callable[[str], None],
        health: Health,
        *,
        is_verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._health = health
        self._is_verbose = is_verbose
        self._clock = clock
        self._pushed: dict[ObjectRef, str] = {}
        self._told: dict[ObjectRef, str] = {}
        self._conditions: dict[tuple[ObjectRef, str, str], str] = {}
        self._changed: set[ObjectRef] = set()
        self._settled: set[ObjectRef] = set()
        self._due = clock() + PAUSE_SECONDS

    def changed(self, refs: Iterable[ObjectRef]) -> None:
        self._changed.update(refs)

    def pushed(self, ref: ObjectRef, digest: str | None, seconds: float) -> None:
        self.changed([ref])
        self._pushed[ref] = f"pushed {(digest or '').removeprefix('sha256:')[:DIGEST_SHOWN]} {seconds:.1f} s"

    def waits(self, workload: str, process: str) -> None:
        self._write(f"{workload}  waits for process {process}, which works on it")

    def observe(self, trackers: Sequence[Tracker]) -> None:
        if self._is_verbose:
            self._tell_conditions(trackers)
        is_due = self._clock() >= self._due
        if is_due:
            self._due = self._clock() + PAUSE_SECONDS
        for tracker in trackers:
            is_settled = tracker.verdict.is_settled
            if is_settled and tracker.ref not in self._settled:
                self._settled.add(tracker.ref)
                if tracker.triggers or tracker.ref in self._changed | self._told.keys():
                    self._tell(tracker.ref, [*self._reached(tracker), _end(tracker)])
            elif is_due and not is_settled:
                self._tell(tracker.ref, [*self._reached(tracker), f"{self._awaited(tracker)} ..."])

    def _reached(self, tracker: Tracker) -> list[str]:
        pushed = self._pushed.get(tracker.ref)
        phases = [
            f"{_PHASES[phase]} {seconds:.1f} s"
            for phase, seconds in tracker.phases.seconds().items()
            if seconds is not None
        ]
        return [*([pushed] if pushed else []), *phases]

    def _awaited(self, tracker: Tracker) -> str:
        """What is waited for now."""
        phases = tracker.phases.seconds()
        if phases["apply"] is not None:
            health = self._health(tracker.live or {"spec": {}})
            return f"health {health[0]} of {health[1]}" if health else "health"
        if tracker.waits_for:
            return f"waits for {', '.join(ref.name for ref in tracker.waits_for)}"
        return "apply" if phases["source"] is not None else "source"

    def _tell(self, ref: ObjectRef, parts: Iterable[str]) -> None:
        text = " · ".join(part for part in parts if part)
        if self._told.get(ref) != text:
            self._told[ref] = text
            self._write(f"{ref.name}  {text}")

    def _tell_conditions(self, trackers: Sequence[Tracker]) -> None:
        for tracker in trackers:
            for item in (tracker.sight.source, tracker.live):
                for kind in _CONDITIONS if item else ():
                    entry = condition(item or {}, kind)
                    if entry is not None:
                        self._tell_condition(tracker.ref, item or {}, entry)

    def _tell_condition(self, ref: ObjectRef, item: Object, entry: Object) -> None:
        text = f"{entry['status']} {entry['reason']}: {' '.join(entry['message'].split())}"
        key = (ref, item["kind"], entry["type"])
        if self._conditions.get(key) != text:
            self._conditions[key] = text
            self._write(f"{ref.name}  {item['kind']} {entry['type']}={text}")


def _end(tracker: Tracker) -> str:
    """How a workload that is settled ended; what is proven has said that with its phases."""
    verdict = tracker.verdict
    if verdict.state is State.READY:
        return "" if any(seconds is not None for seconds in tracker.phases.seconds().values()) else "ready"
    said = textwrap.shorten(verdict.message, MESSAGE_SHOWN, placeholder=" ...")
    return f"{verdict.state.value}: {verdict.reason}: {said}"
