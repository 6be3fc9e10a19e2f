# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Why an object in the cluster is not healthy: what it lacks itself.

The rules are those of kstatus, as Flux has them.
https://github.com/fluxcd/cli-utils/tree/main/pkg/kstatus/status
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, named
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import PodTrouble, pod_trouble

# Kinds that are healthy as soon as they exist: what waits for health need not read them.
_ALWAYS_HEALTHY = frozenset(
    {
        "ConfigMap",
        "LimitRange",
        "ResourceQuota",
        "Secret",
        "Service",
        "ServiceAccount",
        "batch/CronJob",
        "networking.k8s.io/NetworkPolicy",
        "policy/PodDisruptionBudget",
        "rbac.authorization.k8s.io/ClusterRole",
        "rbac.authorization.k8s.io/ClusterRoleBinding",
        "rbac.authorization.k8s.io/Role",
        "rbac.authorization.k8s.io/RoleBinding",
        "scheduling.k8s.io/PriorityClass",
        "storage.k8s.io/StorageClass",
    }
)


def is_always_healthy(group: str, kind: str) -> bool:
    """Whether the objects of a kind are healthy as soon as they exist."""
    return _group_kind(group, kind) in _ALWAYS_HEALTHY


class Lack(NamedTuple):
    """What an object lacks to be healthy, without a full stop, and whether that says why."""

    text: str
    says_why: bool = False


def unhealthiness(item: Object) -> str:
    """What an object lacks to be healthy, empty when nothing does."""
    lack = lack_of(item)
    return lack.text if lack else ""


def lack_of(item: Object) -> Lack | None:
    """What an object lacks to be healthy, None when nothing does."""
    if item["metadata"].get("deletionTimestamp"):
        return Lack("it is being deleted")
    stalled = _condition(item, "Stalled", status="True")
    if stalled:
        return Lack(stalled, says_why=True)
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    lack = None if is_always_healthy(group, item["kind"]) else _rule(group, item["kind"])(item)
    if lack:
        return lack
    observed = item.get("status", {}).get("observedGeneration")
    if observed is not None and observed != item["metadata"].get("generation", observed):
        return Lack("its controller has not seen its latest change yet")
    reconciling = _condition(item, "Reconciling", status="True")
    return Lack(reconciling) if reconciling else None


def _group_kind(group: str, kind: str) -> str:
    return f"{group}/{kind}" if group else kind


def _rule(group: str, kind: str) -> Callable[[Object], Lack | None]:
    return _RULES.get(_group_kind(group, kind), _ready)


def _condition(item: Object, *kinds: str, status: str) -> str:
    for entry in item.get("status", {}).get("conditions", ()):
        if entry["type"] in kinds and entry["status"] == status:
            said: str = entry.get("message") or entry.get("reason") or entry["type"]
            return said.strip().rstrip(".")
    return ""


def _too_few(there: int, wanted: int, word: str, why: str = "") -> Lack | None:
    if there >= wanted:
        return None
    return Lack(f"{there} of {wanted} {word}" + (f", {why}" if why else ""), says_why=bool(why))


def _too_many(status: Object, wanted: int) -> Lack | None:
    old = status.get("replicas", 0) - wanted
    return Lack(f"{old} replicas are still to be ended") if old > 0 else None


def _deployment(item: Object) -> Lack | None:
    status, wanted = item.get("status", {}), item.get("spec", {}).get("replicas", 1)
    updated = status.get("updatedReplicas", wanted)
    there = min(status.get("availableReplicas", 0), updated)
    refused = _condition(item, "ReplicaFailure", status="True")
    return _too_few(there, wanted, "replicas available", refused) or _too_many(status, wanted)


def _replica_set(item: Object) -> Lack | None:
    status, wanted = item.get("status", {}), item.get("spec", {}).get("replicas", 1)
    refused = _condition(item, "ReplicaFailure", status="True")
    ready = _too_few(status.get("readyReplicas", 0), wanted, "replicas ready", refused)
    return ready or _too_many(status, wanted)


def _stateful_set(item: Object) -> Lack | None:
    spec, status = item.get("spec", {}), item.get("status", {})
    strategy, wanted = spec.get("updateStrategy") or {}, spec.get("replicas", 1)
    if strategy.get("type") == "OnDelete":
        return None
    ready = _too_few(status.get("readyReplicas", 0), wanted, "replicas ready") or _too_many(status, wanted)
    if ready:
        return ready
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    if status.get("currentRevision") == status.get("updateRevision"):
        return None
    return _too_few(status.get("updatedReplicas", 0), wanted - partition, "replicas updated")


def _daemon_set(item: Object) -> Lack | None:
    status = item.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    there = min(status.get("numberReady", 0), status.get("updatedNumberScheduled", wanted))
    return _too_few(there, wanted, "Pods ready")


def _pod(item: Object) -> Lack | None:
    # A Pod that has failed has come to its end, with which Flux is content.
    if item.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return None
    if any(
        entry["type"] == "Ready" and entry["status"] == "True"
        for entry in item.get("status", {}).get("conditions", ())
    ):
        return None
    return Lack("it is not ready", says_why=pod_trouble(item) is not None)


def _job(item: Object) -> Lack | None:
    if _condition(item, "Complete", "SuccessCriteriaMet", status="True"):
        return None
    failed = _condition(item, "Failed", "FailureTarget", status="True")
    return Lack(f"it has failed, {failed}", says_why=True) if failed else Lack("it has not completed yet")


def _claim(item: Object) -> Lack | None:
    phase = item.get("status", {}).get("phase", "Pending")
    return None if phase == "Bound" else Lack(f"it is {phase}")


def _definition(item: Object) -> Lack | None:
    refused = _condition(item, "NamesAccepted", status="False")
    if refused:
        return Lack(refused, says_why=True)
    return None if _condition(item, "Established", status="True") else Lack("it is not established yet")


def _ready(item: Object) -> Lack | None:
    """Of any other kind the condition Ready counts, where it has one."""
    for entry in item.get("status", {}).get("conditions", ()):
        if entry["type"] == "Ready" and entry["status"] != "True":
            words = [str(entry.get(key) or "").strip() for key in ("reason", "message")]
            said = ": ".join(word for word in words if word).rstrip(".")
            told = f"its condition Ready is {entry['status']}" + (f", {said}" if said else "")
            return Lack(told, says_why=entry["status"] == "False")
    return None


_RULES: Mapping[str, Callable[[Object], Lack | None]] = {
    "apps/Deployment": _deployment,
    "apps/StatefulSet": _stateful_set,
    "apps/ReplicaSet": _replica_set,
    "apps/DaemonSet": _daemon_set,
    "batch/Job": _job,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "apiextensions.k8s.io/CustomResourceDefinition": _definition,
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
