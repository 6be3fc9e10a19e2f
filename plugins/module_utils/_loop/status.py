# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that can be said of a loop, in one reading, as data with a schema (docs/status.md).

Whatever does not answer becomes an entry of ``problems``, and what it would have told is left out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.live import causes_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.info import run_info
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.controllers import controllers
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.live_drift import drift_of
from ansible_collections.gitops.flux_local.plugins.module_utils._loop import usage
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.listed import (
    names_of,
    refuse_unknown,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.version_lag import (
    Held,
    lag,
    read_held,
)

SCHEMA_VERSION = 1
REGISTRY_SECONDS = 3.0
# A report is to come soon also when the registry is stuck.
REQUEST_SECONDS = 2.0

ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "state_dir": {"type": "path", "required": True},
    "connection": {"type": "dict", "required": True},
    "registry": {"type": "dict", "required": True},
    "flux": {"type": "dict", "required": True},
    "programs": {"type": "dict", "default": {}},
    "only": {"type": "list", "elements": "str", "default": []},
}

# What is not known where a part does not answer.
_UNKNOWN = {
    "flux": "Flux could not be asked",
    "drift": "What Flux has applied could not be looked at",
    "causes": "The causes of failures could not be looked for",
    "programs": "The programs could not be looked at",
    "ports": "The ports are not known",
    "disk": "The disk could not be looked at",
    "certificates": "The certificates could not be looked at",
    "registry": "The registry could not be asked",
}

Told = TypeVar("Told")


@dataclass(frozen=True)
class Edge:
    """How the parts of a loop are reached."""

    cluster: Callable[[], Cluster]
    repository: Callable[[str], Repository]


def edge_of(params: Mapping[str, Any]) -> Edge:
    """The real parts of the loop that the options of loop_info name."""
    asked = {name: params["connection"].get(name) or None for name in ("kubeconfig", "context")}

    def repository(url: str) -> Repository:
        connection = Connection.from_params({**params["registry"], "timeout": REQUEST_SECONDS})
        return RegistryRepository(parse_url(url), connection)

    return Edge(cluster=lambda: KubernetesCluster(asked), repository=repository)


class _Parts:
    """The parts of a loop, all asked at the same time. What does not answer becomes one of ``problems``."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self.problems: list[dict[str, str]] = []

    def ask(self, part: str, call: Callable[[], Told], otherwise: Callable[[], Told]) -> Callable[[], Told]:
        """A way to wait for what the part tells, or for what ``otherwise`` makes where it does not answer."""
        future = self._pool.submit(call)

        def answer() -> Told:
            try:
                return future.result()
            except LoopError as error:
                told = error.message
            except OSError as error:
                told = str(error)
            self.problems.append({"part": part, "message": f"{_UNKNOWN[part]}: {told}"})
            return otherwise()

        return answer


def gather(params: Mapping[str, Any], edge: Edge, *, now: datetime.datetime) -> dict[str, Any]:
    """The status of a loop. It raises nothing for what does not answer.

    Raises LoopError where a name in the option ``only`` is none of a workload that Flux has.
    """
    state_dir, connection = params["state_dir"], params["connection"]
    nothing: dict[str, Any] = {"sources": [], "kustomizations": []}
    with ThreadPoolExecutor(8) as pool:
        parts = _Parts(pool)
        info = {"name": None, "namespace": None, "events": True}
        flux = parts.ask("flux", lambda: run_info(edge.cluster(), info), lambda: nothing)
        drift = parts.ask("drift", lambda: drift_of(edge.cluster()), dict[ObjectRef, Sequence[str]])
        causes = parts.ask("causes", lambda: causes_of(edge.cluster()), dict[ObjectRef, Cause])
        programs = parts.ask("programs", lambda: _programs(params, edge, now), list)
        ports = parts.ask("ports", lambda: usage.ports(state_dir), list)
        disk = parts.ask("disk", lambda: usage.disk(state_dir), dict)
        certificates = parts.ask(
            "certificates", lambda: usage.certificates(state_dir, connection.get("kubeconfig"), now), list
        )
        known = flux()
        held = _held(params, edge, known["sources"])
        parts.problems += _unread(held)
        status = {
            "schema_version": SCHEMA_VERSION,
            "taken_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "loop": {"name": params["name"], "state_dir": state_dir},
            "cluster": _cluster(connection),
            "registry": {name: params["registry"].get(name) for name in ("host", "cluster")},
            "flux": {name: params["flux"].get(name) for name in ("mode", "namespace", "versions")},
            "workloads": _named(
                workloads_of(known, held, params["registry"], drift(), causes()), params, parts
            ),
            "sources": known["sources"],
            "kustomizations": known["kustomizations"],
            "programs": programs(),
            "ports": ports(),
            "disk": disk() or None,
            "certificates": certificates(),
        }
    status["problems"] = [*_of_their_own(parts.problems), *_dead_programs(status["programs"])]
    return {**status, "summary": summary_of(status)}


def _named(workloads: list[dict[str, Any]], params: Mapping[str, Any], parts: _Parts) -> list[dict[str, Any]]:
    """Those that the option ``only`` names, all without names. Raises LoopError."""
    names = names_of(params["only"])
    if not names:
        return workloads
    called = [{str(each["name"]), f"{each['namespace']}/{each['name']}"} for each in workloads]
    if all(problem["part"] != "flux" for problem in parts.problems):
        listed = [str(each["name"]) for each in workloads]
        refuse_unknown(names, set().union(*called), listed, "workload")
    return [each for each, own in zip(workloads, called, strict=True) if own & set(names)]


def _of_their_own(problems: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The problems that do not follow from another: where Flux is not reached, its cluster is not."""
    if all(problem["part"] != "flux" for problem in problems):
        return list(problems)
    return [problem for problem in problems if problem["part"] not in ("drift", "causes")]


def _cluster(connection: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: connection.get(name) for name in ("provider", "name", "context", "kubeconfig")}
    return {**named, "simulates_pods": connection.get("provider") == "embedded"}


def _programs(params: Mapping[str, Any], edge: Edge, now: datetime.datetime) -> list[dict[str, Any]]:
    versions = {
        name: str(program["version"]) for name, program in params["programs"].items() if "version" in program
    }
    running = usage.programs(params["state_dir"], versions, now)
    if params["flux"].get("mode") == "deployments":
        running += controllers(edge.cluster(), str(params["flux"].get("namespace") or "flux-system"), now)
    return running


def _held(params: Mapping[str, Any], edge: Edge, sources: Sequence[Mapping[str, Any]]) -> Mapping[str, Held]:
    urls = [url for source in sources if (url := reached_url(source["url"], params["registry"]))]
    storage = Path(params["state_dir"], "registry", "storage")
    storage_dir = str(storage) if (storage / "docker").is_dir() else None
    return read_held(urls, edge.repository, storage_dir=storage_dir, seconds=REGISTRY_SECONDS)


def reached_url(url: str, registry: Mapping[str, Any]) -> str | None:
    """A source's address as this machine reaches it; None where it is not in the loop's registry."""
    prefix = f"oci://{registry.get('cluster') or registry.get('host')}/"
    return f"oci://{registry['host']}/{url.removeprefix(prefix)}" if url.startswith(prefix) else None


def _unread(held: Mapping[str, Held]) -> list[dict[str, str]]:
    """What the registry did not tell, each sentence once: a registry that is down fails for all workloads."""
    told = dict.fromkeys(versions.problem for versions in held.values() if versions.problem)
    shown = list(told)[:1] if len(told) == len(held) else list(told)
    return [{"part": "registry", "message": f"{_UNKNOWN['registry']}: {message}"} for message in shown]


def _dead_programs(programs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "part": str(program["name"]),
            "message": f"{program['name']} does not run ({program['state']})"
            + (f": {program['message']}" if program["message"] else "."),
        }
        for program in programs
        if not program["running"]
    ]


def workloads_of(
    known: Mapping[str, Any],
    held: Mapping[str, Held],
    registry: Mapping[str, Any],
    drift: Mapping[ObjectRef, Sequence[str]],
    causes: Mapping[ObjectRef, Cause],
) -> list[dict[str, Any]]:
    """A workload for each Kustomization, put together of it, its source, and what the registry holds."""
    sources = {(source["namespace"], source["name"]): source for source in known["sources"]}
    return [
        {
            **_workload(kustomization, source, held, registry),
            "drift": [
                *_drift("OCIRepository", source),
                *_drift("Kustomization", kustomization),
                *drift.get(ref, ()),
            ],
            "cause": causes[ref].result if ref in causes else None,
        }
        for kustomization in known["kustomizations"]
        for ref in [ObjectRef(KUSTOMIZATION, kustomization["namespace"], kustomization["name"])]
        for source in [sources.get((kustomization["source"]["namespace"], kustomization["source"]["name"]))]
    ]


def _workload(
    kustomization: Mapping[str, Any],
    source: Mapping[str, Any] | None,
    held: Mapping[str, Held],
    registry: Mapping[str, Any],
) -> dict[str, Any]:
    # A failure of the source is the cause of what the Kustomization says.
    told = source if source and not source["ready"] and not kustomization["ready"] else kustomization
    url = reached_url(source["url"], registry) if source else None
    versions = held.get(url, Held()) if url else Held()
    latest = kustomization["history"][0] if kustomization["history"] else {}
    return {
        "name": kustomization["name"],
        "namespace": kustomization["namespace"],
        "ready": kustomization["ready"],
        "state": kustomization["state"],
        "suspended": kustomization["suspended"] or bool(source and source["suspended"]),
        "reason": told["reason"],
        "message": told["message"],
        "url": source["url"] if source else None,
        "follows": _follows(source["ref"]) if source else None,
        "fetched_revision": source["revision"] if source else None,
        "applied_revision": kustomization["applied_revision"],
        "applied_origin_revision": kustomization["applied_origin_revision"],
        "applied_at": latest.get("last_reconciled"),
        "objects": len(kustomization["inventory"]),
        "depends_on": kustomization["depends_on"],
        **lag(versions, digest_of(kustomization["applied_revision"])),
    }


def _drift(kind: str, item: Mapping[str, Any] | None) -> list[str]:
    """What somebody has done to a Flux object by hand, a sentence each."""
    return (
        [f"{kind} {item['name']} was changed with {program}" for program in item["changed_with"]]
        if item
        else []
    )


def _follows(ref: Mapping[str, Any]) -> str:
    """What a source follows, in the order in which Flux prefers it."""
    return str(ref.get("digest") or ref.get("semver") or ref.get("tag") or "latest")


def summary_of(status: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a status, and whether there is nothing to worry about."""
    workloads = status["workloads"]
    counts = {
        "workloads": len(workloads),
        "ready": sum(workload["ready"] for workload in workloads),
        "failed": sum(workload["state"] == "failed" for workload in workloads),
        "in_progress": sum(workload["state"] == "in_progress" for workload in workloads),
        "suspended": sum(workload["suspended"] for workload in workloads),
        "behind": sum(bool(workload["behind"]) for workload in workloads),
        "drifted": sum(bool(workload["drift"]) for workload in workloads),
        "problems": len(status["problems"]),
    }
    return {**counts, "well": not status["problems"] and counts["ready"] == counts["workloads"]}
