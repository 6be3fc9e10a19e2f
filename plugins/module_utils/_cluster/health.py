# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Why an object in the cluster is not healthy: what it lacks itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, named
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import PodTrouble


def unhealthiness(item: Object) -> str:
    """What an object lacks to be healthy, empty when nothing does.

    The rules are kstatus's for the kinds that most often keep Flux waiting, and the condition Ready for all
    others. https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
    """
    if item["metadata"].get("deletionTimestamp"):
        return "it is being deleted"
    return _RULES.get(item["kind"], _not_ready)(item)


def _condition(item: Object, *kinds: str, status: str) -> str:
    for entry in item.get("status", {}).get("conditions", ()):
        if entry["type"] in kinds and entry["status"] == status:
            said: str = entry.get("message") or entry.get("reason") or entry["type"]
            return said.rstrip(".")
    return ""


def _replicas(present: str, word: str) -> Callable[[Object], str]:
    def lacks(item: Object) -> str:
        status = item.get("status", {})
        wanted = item.get("spec", {}).get("replicas", 1)
        updated = status.get("updatedReplicas", wanted)
        there = min(status.get(present, 0), updated)
        if there >= wanted and status.get("observedGeneration") == item["metadata"].get("generation"):
            return ""
        refused = _condition(item, "ReplicaFailure", status="True")
        return f"{there} of {wanted} replicas {word}" + (f", {refused}" if refused else "")

    return lacks


def _daemon_set(item: Object) -> str:
    status = item.get("status", {})
    there, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    return "" if there >= wanted else f"{there} of {wanted} Pods ready"


def _job(item: Object) -> str:
    if _condition(item, "Complete", "SuccessCriteriaMet", status="True"):
        return ""
    failed = _condition(item, "Failed", "FailureTarget", status="True")
    return f"it has failed, {failed}" if failed else "it has not completed yet"


def _claim(item: Object) -> str:
    phase = item.get("status", {}).get("phase", "Pending")
    return "" if phase == "Bound" else f"it is {phase}"


def _not_ready(item: Object) -> str:
    return _condition(item, "Ready", "Available", status="False")


_RULES: Mapping[str, Callable[[Object], str]] = {
    "Deployment": _replicas("availableReplicas", "available"),
    "StatefulSet": _replicas("readyReplicas", "ready"),
    "ReplicaSet": _replicas("readyReplicas", "ready"),
    "DaemonSet": _daemon_set,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
}


@dataclass(frozen=True)
class Unhealthy:
    """An object that is not healthy, with all that was found out about it."""

    kind: str
    namespace: str
    name: str
    lacks: str
    conditions: Sequence[Mapping[str, Any]] = ()
    troubles: Sequence[PodTrouble] = ()
    events: Sequence[Mapping[str, Any]] = ()

    def __str__(self) -> str:
        return named(self.kind, self.namespace, self.name)

    @property
    def result(self) -> dict[str, Any]:
        """It as data for Ansible."""
        return {
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "lacks": self.lacks,
            "conditions": [dict(entry) for entry in self.conditions],
            "pods": [asdict(trouble) | {"log": list(trouble.log)} for trouble in self.troubles],
            "events": [dict(event) for event in self.events],
        }
