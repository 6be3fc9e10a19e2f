# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause where Flux waits for the health of what it applied."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import Unhealthy
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import (
    CRASHED,
    OOM_KILLED,
    UNSCHEDULABLE,
    PodTrouble,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause, Failure
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import flat
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    CauseKind,
)

LOG_LINES_SHOWN = 3

_POD_REMEDIES = {
    "ImagePullBackOff": "Correct the name or tag of the image, or let the nodes reach its registry.",
    OOM_KILLED: "Raise resources.limits.memory of the container.",
    UNSCHEDULABLE: "Ask for less, correct nodeSelector, affinity or tolerations, or add a node.",
    "CreateContainerConfigError": "Create the ConfigMap or Secret that it names.",
    "NotReady": "Look at what its readiness probe asks for.",
} | {reason: "Correct what its log complains of." for reason in CRASHED if reason != OOM_KILLED}
_POD_REMEDIES |= dict.fromkeys(
    ("ErrImagePull", "InvalidImageName", "ErrImageNeverPull"), _POD_REMEDIES["ImagePullBackOff"]
)


def of_health(failure: Failure, kind: CauseKind) -> Cause:
    """The cause, of ``kind``, of a failure in which objects are not healthy."""
    if not failure.unhealthy:
        said = f"{failure.verdict.reason}: {flat(failure.verdict.message)}".rstrip(".: ")
        return Cause(kind, failure.place, f"{said}.", "Look at the events of what is not healthy.")
    first, *others = failure.unhealthy
    text = told(first)
    if others:
        text += f". Nor healthy: {', '.join(map(str, others))}"
    place = failure.origin.place_of(first.kind, first.name)
    remedy = health_remedy(first)
    return Cause(
        kind,
        f"{first}{f' in {place}' if place else ''}",
        f"{text}.",
        remedy or "Look at its events and at what it waits for.",
        {"objects": [unhealthy.result for unhealthy in failure.unhealthy]},
    )


def told(unhealthy: Unhealthy) -> str:
    """What an object lacks, and what says why, without a full stop."""
    parts = [unhealthy.lacks]
    if unhealthy.troubles:
        trouble = unhealthy.troubles[0]
        parts.append(trouble.sentence.rstrip("."))
        if trouble.log:
            parts.append(f"its log ends with: {' | '.join(trouble.log[-LOG_LINES_SHOWN:])}")
    elif unhealthy.events:
        parts.append(f"{unhealthy.events[-1]['reason']}: {str(unhealthy.events[-1]['message']).rstrip('.')}")
    return "; ".join(part for part in parts if part)


def health_remedy(unhealthy: Unhealthy) -> str:
    """What to do about it, empty where that is not known."""
    trouble: PodTrouble | None = unhealthy.troubles[0] if unhealthy.troubles else None
    return _POD_REMEDIES.get(trouble.reason, "") if trouble else ""
