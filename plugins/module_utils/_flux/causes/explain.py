# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause of a failure: from what Flux and the API server said to what happened, where, and what to do.

Nothing here does I/O: what has to be read from the cluster is in ``evidence``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import (
    CRASHED,
    OOM_KILLED,
    UNSCHEDULABLE,
    PodTrouble,
    Unhealthy,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ObjectRef,
    named,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    KUSTOMIZATION_RULES,
    OBJECT_RULES,
    SOURCE_RULES,
    CauseKind,
    Rule,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    CONNECTION_LOST,
    DEPENDENCY_FAILED,
    DEPENDENCY_NOT_READY,
    NOT_FOUND,
    NOT_HANDLED,
    OLDER_REVISION,
    UNEXPECTED_REVISION,
    State,
    Verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION

LOG_LINES_SHOWN = 3


@dataclass(frozen=True)
class Cause:
    """Why something is not well: what happened, where, what to do, and everything that is known about it."""

    kind: CauseKind
    place: str
    text: str
    remedy: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def about(self, subject: str, *, remedy: bool = True) -> str:
        """It as a short paragraph that follows the name of ``subject``."""
        where = "" if self.place == subject else f"{self.place}: "
        return f"{where}{self.text} {self.remedy if remedy else ''}".rstrip()

    @property
    def result(self) -> dict[str, Any]:
        """It as data for Ansible."""
        return {
            "kind": self.kind.value,
            "place": self.place,
            "text": self.text,
            "remedy": self.remedy,
            "details": dict(self.details),
        }


class Origin(Protocol):
    """Where the content of an artifact comes from, as far as it is known."""

    @property
    def registry(self) -> str:
        """The registry as this machine reaches it, empty where it is not known to do so."""

    def file(self, name: str) -> str:
        """A file or folder of the artifact, as the user knows it."""

    def place_of(self, kind: str, name: str, field_path: str = "") -> str:
        """``file:line`` of an object or of its field, empty where it is not known."""

    def bringer_of(self, kind: str, group: str) -> str:
        """The workload that brings the definition of a kind, empty where none is known to do so."""


class Artifact:
    """The origin of an artifact of which nothing but the artifact is known."""

    registry = ""

    def file(self, name: str) -> str:
        return name or "the artifact"

    def place_of(self, kind: str, name: str, field_path: str = "") -> str:
        del kind, name, field_path
        return ""

    def bringer_of(self, kind: str, group: str) -> str:
        del kind, group
        return ""


@dataclass(frozen=True)
class Link:
    """One step on the way from a Kustomization to the first cause of its waiting, as it was seen."""

    ref: ObjectRef
    verdict: Verdict
    item: Object | None = None


@dataclass(frozen=True)
class Controller:
    """What the cluster knows of a Flux controller: its Deployment, where it has one, and versions."""

    name: str
    deployment: Unhealthy | None = None
    version: str = ""
    crd_version: str = ""


@dataclass(frozen=True)
class Failure:
    """A Kustomization that is not proven, and what is known about that."""

    ref: ObjectRef
    verdict: Verdict
    seconds: float  # it had
    source: Object | None = None
    kustomization: Object | None = None
    chain: Sequence[Link] = ()  # what it waits for, down to the first that has failed
    first: Failure | None = None  # the failure of the last in the chain
    unhealthy: Sequence[Unhealthy] = ()
    controller: Controller | None = None
    served_as: Sequence[str] = ()  # apiVersions under which a kind is served that was not found
    origin: Origin = field(default_factory=Artifact)

    @property
    def place(self) -> str:
        return str(self.verdict.subject or self.ref)


_OBJECT = re.compile(
    r"(?P<object_kind>[A-Z]\w*)/(?:(?P<namespace>[^/\s]*)/)?(?P<object_name>[^/\s]+)"
    r" (?:dry-run failed|apply failed|not found|is invalid)(?: \((?P<status>\w+)\))?:? *(?P<said>.*)",
    re.DOTALL,
)
_SCRATCH = re.compile(r"[^\s'\"]*/kustomization-\d+(?P<inside>(?:/[^\s'\":,]+)*)")
# As Go's parsers of YAML say it.
_LINE = re.compile(r"yaml: line (\d+): ")
_FIELD = re.compile(
    r"(?P<field>[A-Za-z][\w.\[\]/-]*): (?:Invalid value|Required value|Unsupported value|Duplicate value|"
    r"Forbidden|Too long|Too many|Not found|Internal error|expected )"
)
_UNHEALTHY = re.compile(r"(\w+)/(?:([^/\s]*)/)?([^/\s]+) status: '(\w+)'")

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


def cause_of(failure: Failure) -> Cause:
    """The cause of a failure."""
    verdict = failure.verdict
    by_state = _OF_STATE.get(verdict.state)
    if by_state:
        return by_state(failure)
    explain = _OF_REASON.get(verdict.reason)
    if explain:
        return explain(failure)
    if verdict.state is State.IN_PROGRESS:
        return _awaited(failure)
    if verdict.subject is not None and verdict.subject.kind != KUSTOMIZATION:
        return _of_source(failure)
    return _of_kustomization(failure)


def _suspended(failure: Failure) -> Cause:
    return Cause(
        CauseKind.SUSPENDED, failure.place, "it is suspended.", "Set suspend to false to have Flux resume it."
    )


def _deleting(failure: Failure) -> Cause:
    return Cause(
        CauseKind.DELETING,
        failure.place,
        "it is being deleted.",
        "Wait until it is gone, then run this again; if it stays, look at its finalizers.",
    )


def _not_found(failure: Failure) -> Cause:
    return Cause(CauseKind.NOT_FOUND, failure.place, "it does not exist.", "Create it, or correct the name.")


def _connection(failure: Failure) -> Cause:
    return Cause(CauseKind.CONNECTION, failure.place, failure.verdict.message, "")


def _unexpected(failure: Failure) -> Cause:
    return Cause(
        CauseKind.UNEXPECTED_REVISION,
        failure.place,
        f"it is{failure.verdict.message.removeprefix('It is')}",
        "Do its url, tag, semver and digest name what was pushed?",
    )


def _dependency(failure: Failure) -> Cause:
    if not failure.chain:
        return _awaited(failure)
    last = failure.chain[-1]
    way = " -> ".join(str(link.ref) for link in failure.chain)
    cause = cause_of(failure.first or Failure(last.ref, last.verdict, failure.seconds))
    return Cause(
        CauseKind.DEPENDENCY,
        str(failure.ref),
        f"it waits for {way}, which is not ready: {cause.about(str(last.ref), remedy=False)}",
        _DEPENDENCY_REMEDIES.get(last.verdict.state, "") or cause.remedy,
        {
            "chain": [
                {
                    "kind": link.ref.kind.name,
                    "namespace": link.ref.namespace,
                    "name": link.ref.name,
                    "state": link.verdict.state.value,
                    "reason": link.verdict.reason,
                    "message": link.verdict.message,
                }
                for link in failure.chain
            ],
            "first_cause": cause.result,
        },
    )


_DEPENDENCY_REMEDIES = {
    State.SUSPENDED: "Set its suspend to false, or take it out of depends_on.",
    State.DELETING: "Have it created again, or take it out of depends_on.",
}


def _silent(failure: Failure) -> Cause:
    """Flux has not taken up what was asked for: somebody does not run, or is stuck."""
    controller = failure.controller
    if controller is None:
        return _awaited(failure)
    text = f"{controller.name} has not taken it up for {failure.seconds:g} s"
    details: dict[str, Any] = {"controller": controller.name}
    remedy = f"Does {controller.name} run, and what does its log say? site.yml starts what is not running."
    if controller.deployment is not None:
        details |= {"objects": [controller.deployment.result]}
    if controller.deployment is not None and controller.deployment.lacks:
        text += f": {_told(controller.deployment)}"
        remedy = _health_remedy(controller.deployment) or "Have the Deployment become available."
    elif controller.version and controller.crd_version and controller.version != controller.crd_version:
        text += f": it is of version {controller.version}, and its API of {controller.crd_version}"
        remedy = "Install the controller and its custom resource definitions in one version."
        details |= {"version": controller.version, "crd_version": controller.crd_version}
    elif controller.deployment is not None:
        remedy = f"It runs: what does the log of {controller.deployment} say?"
    return Cause(CauseKind.CONTROLLER, failure.place, f"{text}.", remedy, details)


def _awaited(failure: Failure) -> Cause:
    """The time is over: what was still awaited."""
    if failure.unhealthy:
        return _of_health(failure, CauseKind.TIME_OUT)
    verdict = failure.verdict
    said = f"{verdict.reason}: {_flat(verdict.message).rstrip('.')}"
    return Cause(
        CauseKind.TIME_OUT,
        failure.place,
        f"still awaited after {failure.seconds:g} s: {said}.",
        "Run this again, with a longer timeout if it needs more time.",
    )


def _unhealthy(failure: Failure) -> Cause:
    return _of_health(failure, CauseKind.UNHEALTHY)


def _of_health(failure: Failure, kind: CauseKind) -> Cause:
    if not failure.unhealthy:
        said = f"{failure.verdict.reason}: {_flat(failure.verdict.message)}".rstrip(".: ")
        return Cause(kind, failure.place, f"{said}.", "Look at the events of what is not healthy.")
    first, *others = failure.unhealthy
    text = _told(first)
    if others:
        text += f". Nor healthy: {', '.join(map(str, others))}"
    place = failure.origin.place_of(first.kind, first.name)
    remedy = _health_remedy(first)
    return Cause(
        kind,
        f"{first}{f' in {place}' if place else ''}",
        f"{text}.",
        remedy or "Look at its events and at what it waits for.",
        {"objects": [one.result for one in failure.unhealthy]},
    )


def _told(one: Unhealthy) -> str:
    parts = [one.lacks]
    if one.troubles:
        trouble = one.troubles[0]
        parts.append(trouble.sentence.rstrip("."))
        if trouble.log:
            parts.append(f"its log ends with: {' | '.join(trouble.log[-LOG_LINES_SHOWN:])}")
    elif one.events:
        parts.append(f"{one.events[-1]['reason']}: {str(one.events[-1]['message']).rstrip('.')}")
    return "; ".join(part for part in parts if part)


def _health_remedy(one: Unhealthy) -> str:
    trouble: PodTrouble | None = one.troubles[0] if one.troubles else None
    return _POD_REMEDIES.get(trouble.reason, "") if trouble else ""


_Explain = Callable[[Failure], Cause]

_OF_STATE: Mapping[State, _Explain] = {State.SUSPENDED: _suspended, State.DELETING: _deleting}
_OF_REASON: Mapping[str, _Explain] = {
    NOT_FOUND: _not_found,
    CONNECTION_LOST: _connection,
    UNEXPECTED_REVISION: _unexpected,
    DEPENDENCY_FAILED: _dependency,
    DEPENDENCY_NOT_READY: _dependency,
    NOT_HANDLED: _silent,
    OLDER_REVISION: _silent,
    "HealthCheckFailed": _unhealthy,
}


def _of_source(failure: Failure) -> Cause:
    spec = (failure.source or {}).get("spec", {})
    url = str(spec.get("url", ""))
    host = url.removeprefix("oci://").partition("/")[0]
    secret = (spec.get("secretRef") or {}).get("name")
    registry = failure.origin.registry
    return _first(
        failure,
        SOURCE_RULES,
        f"{failure.verdict.reason}: {_flat(failure.verdict.message)}",
        {
            "url": url,
            "host": host,
            "asked": _asked(url, spec.get("ref") or {}),
            "namespace": failure.ref.namespace,
            "credentials": f"Correct the credentials in the Secret {secret}."
            if secret
            else "Give the source a secret_ref with the credentials of the registry.",
            "reachable": f"This machine reaches it as {registry}: give its address in the cluster, too."
            if registry
            else "Is it running, and is this its address in the cluster?",
        },
    ) or _other(failure)


def _asked(url: str, ref: Mapping[str, str]) -> str:
    """What a source asks a registry for, after the precedence of the fields in ``spec.ref``."""
    for key in ("digest", "semver", "tag"):
        if ref.get(key):
            return f"{key} {ref[key]} of {url}"
    return f"tag latest of {url}"


def _of_kustomization(failure: Failure) -> Cause:
    message = failure.verdict.message
    found = _OBJECT.search(message) if failure.verdict.reason != "BuildFailed" else None
    if found:
        return _of_object(failure, found)
    flat = _flat(_SCRATCH.sub(lambda found: _users_file(failure, found), message))
    told = _first(
        failure,
        KUSTOMIZATION_RULES,
        f"{failure.verdict.reason}: {flat}",
        {"namespace": failure.ref.namespace},
        _file_place(failure, message),
    )
    return told or _other(failure)


def _users_file(failure: Failure, found: re.Match[str]) -> str:
    return failure.origin.file(found["inside"].lstrip("/"))


def _file_place(failure: Failure, message: str) -> str:
    """The last file that a message names, with the line where it says that; else the Kustomization."""
    files = [found for found in _SCRATCH.finditer(message) if found["inside"]]
    if not files:
        return failure.place
    line = _LINE.search(message)
    return _users_file(failure, files[-1]) + (f":{line[1]}" if line else "")


def _of_object(failure: Failure, found: re.Match[str]) -> Cause:
    said = _flat(found["said"]).rstrip(".").replace(" is invalid: [", " is invalid: ").removesuffix("]")
    kind, name = found["object_kind"], found["object_name"]
    namespace = found["namespace"] or ""
    fields = [field["field"].lstrip(".") for field in _FIELD.finditer(said)]
    place = failure.origin.place_of(kind, name, fields[0] if fields else "")
    told = _first(
        failure,
        OBJECT_RULES,
        said,
        {
            "fields": " and ".join(fields) or "its fields",
            "bringer": _bringer(failure, said),
        },
        named(kind, namespace, name) + (f" in {place}" if place else ""),
        {"object": {"kind": kind, "namespace": namespace, "name": name}, "fields": fields},
    )
    return told or _other(failure)


def unknown_kind(message: str) -> tuple[str, str] | None:
    """Kind and apiVersion of what the API server does not know, None where a message says something else."""
    found = re.search(OBJECT_RULES[0].pattern, message)
    return (found["kind"], found["version"]) if found else None


def unhealthy_objects(message: str) -> list[tuple[str, str, str]]:
    """Kind, namespace and name of the objects that a failed health check names."""
    return [(kind, namespace or "", name) for kind, namespace, name, _status in _UNHEALTHY.findall(message)]


def _bringer(failure: Failure, said: str) -> str:
    unknown = unknown_kind(said)
    if unknown is None:
        return ""
    kind, version = unknown
    if failure.served_as:
        return f"It has it as {' and '.join(failure.served_as)}: correct apiVersion."
    workload = failure.origin.bringer_of(kind, version.rpartition("/")[0])
    if workload:
        return f"The workload {workload} brings its definition: add it to depends_on."
    return "Add the workload that brings its definition, and depend on it, or correct apiVersion and kind."


def shared_with(item: str, others: Sequence[ObjectRef]) -> Cause:
    """Why an object does not come to rest though all is ready: ``others`` apply it, too."""
    return Cause(
        CauseKind.OWNED_ELSEWHERE,
        item,
        f"{' and '.join(map(str, others))} {'apply' if len(others) > 1 else 'applies'} it, too:"
        " each undoes what the other sets.",
        "Take it out of all but one.",
        {"owners": [{"namespace": ref.namespace, "name": ref.name} for ref in others]},
    )


def _first(
    failure: Failure,
    rules: Sequence[Rule],
    message: str,
    values: Mapping[str, str],
    place: str = "",
    details: Mapping[str, Any] | None = None,
) -> Cause | None:
    """What the first rule says that knows the message."""
    for rule in rules:
        found = re.search(rule.pattern, message)
        if found:
            groups = {key: (value or "").strip().rstrip(".") for key, value in found.groupdict().items()}
            filled = {**values, **groups}
            return Cause(
                rule.kind,
                place or failure.place,
                rule.text.format_map(filled),
                rule.remedy.format_map(filled),
                {**(details or {}), **groups},
            )
    return None


def _other(failure: Failure) -> Cause:
    verdict = failure.verdict
    return Cause(
        CauseKind.OTHER,
        failure.place,
        f"{verdict.reason}: {_flat(verdict.message).rstrip('.')}.",
        "This is all that Flux says; its controllers' logs may have more.",
    )


def _flat(text: str) -> str:
    return " ".join(text.split())
