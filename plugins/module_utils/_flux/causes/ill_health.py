# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause where Flux waits for the health of what it applied."""

from __future__ import annotations

import re

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import Unhealthy
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import Hold
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import (
    CRASHED,
    OOM_KILLED,
    UNSCHEDULABLE,
    PodTrouble,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause, Failure
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import flat
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.ruled import remedy_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    CauseKind,
)

LOG_LINES_SHOWN = 3
NAMED = 10  # unhealthy objects

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
# What schedulers, kubelets and volume controllers say, and what to do about it.
_REMEDIES_BY_WORDS = (
    (r'persistentvolumeclaim "(?P<name>[^"]+)" not found', "Create the PersistentVolumeClaim {name}."),
    (
        (
            r"unbound immediate PersistentVolumeClaims|no persistent volumes available"
            r"|no storage class is set|storageclass\S* \"[^\"]+\" not found"
        ),
        "Name a storage class that provisions volumes, or create a PersistentVolume for the claim.",
    ),
    (r'configmap "(?P<name>[^"]+)" not found', "Create the ConfigMap {name}, or correct its name."),
    (r'secret "(?P<name>[^"]+)" not found', "Create the Secret {name}, or correct its name."),
    (r"Insufficient (?P<name>[\w./-]*\w)", "Ask for less {name}, or add a node that has more."),
    (r"didn't have free ports", "Choose another hostPort, or add a node."),
)
# What the API server says to a controller that creates Pods.
_REFUSED = re.compile(r'\b[\w.]+ "[^"]*" is (?:forbidden|invalid): .*')
_OWN_WORDS = "Correct what its condition says; the log of the controller that it belongs to may have more."


def of_health(failure: Failure, kind: CauseKind) -> Cause:
    """The cause, of ``kind``, of a failure in which objects are not healthy."""
    if not failure.unhealthy:
        said = f"{failure.verdict.reason}: {flat(failure.verdict.message)}".rstrip(".: ")
        return Cause(kind, failure.place, f"{said}.", "Look at the events of what is not healthy.")
    first, *others = failure.unhealthy
    text = told(first)
    if others:
        text += f". Nor healthy: {some_of([str(other) for other in others], NAMED)}"
    place = failure.origin.place_of(first.kind, first.name)
    return Cause(
        kind,
        f"{first}{f' in {place}' if place else ''}",
        f"{text}.",
        health_remedy(first) or "Look at its events and at what it waits for.",
        {
            "objects": [unhealthy.result for unhealthy in failure.unhealthy[:NAMED]],
            "unhealthy": len(failure.unhealthy),
        },
    )


def of_ending_namespace(failure: Failure, namespace: Unhealthy, hold: Hold) -> Cause:
    """The cause where Flux waits for a namespace that is being deleted."""
    place = failure.origin.place_of(namespace.kind, namespace.name)
    return Cause(
        CauseKind.NAMESPACE_TERMINATING,
        f"{namespace}{f' in {place}' if place else ''}",
        f"the namespace {namespace.name} is being deleted{f': {hold.text}' if hold.text else ''}.",
        hold.remedy,
        {"objects": [namespace.result]},
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
        said = flat(str(unhealthy.events[-1]["message"])).rstrip(".")
        if said not in unhealthy.lacks:
            parts.append(f"{unhealthy.events[-1]['reason']}: {said}")
    return "; ".join(part for part in parts if part)


def health_remedy(unhealthy: Unhealthy) -> str:
    """What to do about it, empty where that is not known."""
    said = told(unhealthy)
    for pattern, remedy in _REMEDIES_BY_WORDS:
        found = re.search(pattern, said)
        if found:
            return remedy.format_map(found.groupdict())
    refused = _REFUSED.search(said)
    if refused:
        return remedy_of(refused[0])
    trouble: PodTrouble | None = unhealthy.troubles[0] if unhealthy.troubles else None
    if trouble:
        return _POD_REMEDIES.get(trouble.reason, "")
    return _OWN_WORDS if unhealthy.lacks.startswith("its condition Ready is") else ""
