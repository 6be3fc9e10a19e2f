# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause of a failure: from what Flux and the API server said to what happened, where, and what to do.

Nothing here does I/O: what has to be read from the cluster is in ``flux_evidence``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils.conditions import (
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
from ansible_collections.gitops.flux_local.plugins.module_utils.flux_resources import (
    KUSTOMIZATION,
    Object,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils.health import (
    CRASHED,
    OOM_KILLED,
    UNSCHEDULABLE,
    PodTrouble,
    Unhealthy,
)

LOG_LINES_SHOWN = 3


class CauseKind(StrEnum):
    """What a failure is, in one word for programs."""

    REGISTRY_UNREACHABLE = "registry_unreachable"
    REGISTRY_UNTRUSTED = "registry_untrusted"
    AUTHENTICATION = "authentication"
    ARTIFACT_MISSING = "artifact_missing"
    VERSION_MISSING = "version_missing"
    UNEXPECTED_REVISION = "unexpected_revision"
    SIGNATURE = "signature"
    LAYER = "layer"
    SOURCE = "source"
    PATH_MISSING = "path_missing"
    BUILD = "build"
    SUBSTITUTION = "substitution"
    UNKNOWN_KIND = "unknown_kind"
    INVALID_FIELD = "invalid_field"
    IMMUTABLE_FIELD = "immutable_field"
    ADMISSION = "admission"
    QUOTA = "quota"
    FORBIDDEN = "forbidden"
    NAMESPACE_MISSING = "namespace_missing"
    NAMESPACE_TERMINATING = "namespace_terminating"
    OWNED_ELSEWHERE = "owned_elsewhere"
    REFUSED = "refused"
    EXPRESSION = "expression"
    DEPENDENCY = "dependency"
    UNHEALTHY = "unhealthy"
    CONTROLLER = "controller"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    NOT_FOUND = "not_found"
    TIME_OUT = "time_out"
    CONNECTION = "connection"
    OTHER = "other"


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


class _Rule(NamedTuple):
    """What Flux says, and what that means. The groups of the pattern fill the braces of text and remedy."""

    kind: CauseKind
    pattern: str
    text: str
    remedy: str


_OBJECT = re.compile(
    r"(?P<object_kind>[A-Z]\w*)/(?:(?P<namespace>[^/\s]*)/)?(?P<object_name>[^/\s]+)"
    r" (?:dry-run failed|apply failed|not found|is invalid)(?: \((?P<status>\w+)\))?:? *(?P<said>.*)",
    re.DOTALL,
)
_SCRATCH = re.compile(r"[^\s'\"]*/kustomization-\d+(?P<inside>(?:/[^\s'\":,]+)*)")
# The line stands behind the file that cannot be decoded. https://github.com/goccy, go-yaml: "yaml: line N: …"
_LINE = re.compile(r"yaml: line (\d+): ")
_FIELD = re.compile(
    r"(?P<field>[A-Za-z][\w.\[\]/-]*): (?:Invalid value|Required value|Unsupported value|Duplicate value|"
    r"Forbidden|Too long|Too many|Not found|Internal error|expected )"
)
_UNHEALTHY = re.compile(r"(\w+)/(?:([^/\s]*)/)?([^/\s]+) status: '(\w+)'")

_SOURCE_RULES = (
    _Rule(
        CauseKind.SIGNATURE,
        r"^VerificationError: .*?provider '(?P<provider>[^']+)': (?P<why>.*)",
        "the signature of {asked} cannot be verified with {provider}: {why}.",
        "Sign it with the key that verify names, or correct verify and its Secret.",
    ),
    _Rule(
        CauseKind.AUTHENTICATION,
        r"""secrets? ["'](?:[^"'/]*/)?(?P<secret>[^"']+)["'] not found""",
        "the Secret {secret} that it names does not exist.",
        "Create it in namespace {namespace}, or take its name out of the source.",
    ),
    _Rule(
        CauseKind.REGISTRY_UNTRUSTED,
        r"(?P<why>x509: [^;]*)",
        "Flux does not trust the certificate of the registry {host}: {why}.",
        "Give the source a cert_secret_ref with the authority that signed it.",
    ),
    _Rule(
        CauseKind.AUTHENTICATION,
        r"(?P<why>UNAUTHORIZED|DENIED|FORBIDDEN|authentication required|40[13] (?:Unauthorized|Forbidden))",
        "the registry {host} does not let Flux in: {why}.",
        "{credentials}",
    ),
    _Rule(
        CauseKind.VERSION_MISSING,
        r"no match found for semver: (?P<range>.*)",
        "no tag of {url} matches the semver range {range}.",
        "Push a version that does, or correct semver of the source.",
    ),
    _Rule(
        CauseKind.ARTIFACT_MISSING,
        r"MANIFEST_UNKNOWN|NAME_UNKNOWN|manifest unknown|repository name not known",
        "the registry has no {asked}.",
        "Push it, or correct url, tag or digest of the source.",
    ),
    _Rule(
        CauseKind.LAYER,
        r"failed to find layer with media type '(?P<media>[^']+)'",
        "{asked} has no layer of media type {media}.",
        "Correct layer_selector of the source: what this collection pushes has one layer of"
        " application/vnd.cncf.flux.content.v1.tar+gzip.",
    ),
    _Rule(
        CauseKind.LAYER,
        r"^OCIArtifactLayerOperationFailed: (?P<why>.*)",
        "the layer of {asked} cannot be used: {why}.",
        "Push it as a Flux artifact, or name the layer with layer_selector of the source.",
    ),
    _Rule(
        CauseKind.SOURCE,
        r"^URLInvalid: URL validation failed for '[^']*': (?P<why>.*)",
        "its url {url} is not valid: {why}.",
        "Correct url of the source.",
    ),
    _Rule(
        CauseKind.REGISTRY_UNREACHABLE,
        r"(?P<why>dial tcp[^;]*|lookup [^;]*no such host|[^;:]*i/o timeout|context deadline exceeded"
        r"|[^;:]*connection reset by peer|\bEOF\b)",
        "Flux does not reach the registry {host} from the cluster: {why}.",
        "{reachable}",
    ),
)

_KUSTOMIZATION_RULES = (
    _Rule(
        CauseKind.PATH_MISSING,
        r"kustomization path not found: stat (?P<file>.*): no such file or directory",
        "the artifact has no such folder.",
        "Correct path of the Kustomization, or push a folder that has it.",
    ),
    _Rule(
        CauseKind.SUBSTITUTION,
        r"substitute from '(?P<what>[^']+)' error: (?P<why>.*)",
        "the values of {what} cannot be substituted: {why}.",
        "Create it in namespace {namespace}, or correct substitute_from.",
    ),
    _Rule(
        CauseKind.SUBSTITUTION,
        r"variable substitution failed: (?P<why>.*)",
        "a variable cannot be substituted: {why}.",
        "Give it a value with substitute or a default in the manifest.",
    ),
    _Rule(
        CauseKind.AUTHENTICATION,
        r"""secrets ["'](?P<secret>[^"']+)["'] not found""",
        "the Secret {secret} that it names does not exist.",
        "Create it in namespace {namespace}, or correct the name.",
    ),
    _Rule(
        CauseKind.EXPRESSION,
        r"^InvalidCELExpression: (?:.*?)(?P<why>failed to parse .*?)(?: \||$)",
        "{why}.",
        "Correct the expression; Flux does not try again before.",
    ),
    _Rule(
        CauseKind.BUILD,
        r"failed to decode Kubernetes YAML from .*?: (?:MalformedYAMLError: )?(?P<why>.*)",
        "it does not build: {why}.",
        "Correct the file.",
    ),
    _Rule(
        CauseKind.BUILD,
        r"^BuildFailed: .*open (?P<file>\S+): no such file or directory",
        "it does not build: there is no such file, though kustomization.yaml names it.",
        "Add the file, or take its name out of kustomization.yaml.",
    ),
    _Rule(
        CauseKind.BUILD,
        r"may not add resource with an already registered id: (?P<id>[^'\s]+)",
        "it does not build: {id} is there twice.",
        "Take one of the two out.",
    ),
    _Rule(
        CauseKind.BUILD,
        r"^BuildFailed: (?:kustomize build failed: )?(?P<why>.*)",
        "it does not build: {why}.",
        "Correct what kustomization.yaml says.",
    ),
    _Rule(
        CauseKind.FORBIDDEN,
        r"^AccessDenied: (?P<why>.*)",
        "{why}.",
        "Move both into one namespace, or let Flux's controllers cross namespaces.",
    ),
)

# What the API server says about one object.
_OBJECT_RULES = (
    _Rule(
        CauseKind.UNKNOWN_KIND,
        r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"',
        "the API server knows no kind {kind} of {version}.",
        "{bringer}",
    ),
    _Rule(
        CauseKind.NAMESPACE_MISSING,
        r'namespaces "(?P<missing>[^"]+)" not found',
        "there is no namespace {missing}.",
        "Create it: add it to the workload, or depend on the workload that brings it.",
    ),
    _Rule(
        CauseKind.NAMESPACE_TERMINATING,
        r"in namespace (?P<ending>\S+) because it is being terminated",
        "the namespace {ending} is being deleted.",
        "Wait until it is gone; if it stays, look for finalizers of what is in it.",
    ),
    _Rule(
        CauseKind.QUOTA,
        r"exceeded quota: (?P<quota>[^,]+), (?P<why>.*)",
        "the quota {quota} is exceeded: {why}.",
        "Raise the ResourceQuota, or ask for less.",
    ),
    _Rule(
        CauseKind.ADMISSION,
        r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*)',
        "the webhook {webhook} cannot be asked: {why}.",
        "Have its service run, or delete the webhook configuration that names it.",
    ),
    _Rule(
        CauseKind.ADMISSION,
        r'admission webhook "(?P<webhook>[^"]+)" denied the request(?: without explanation)?:? ?(?P<why>.*)',
        "the webhook {webhook} refuses it: {why}.",
        "Change the object to what the webhook allows.",
    ),
    _Rule(
        CauseKind.ADMISSION,
        r"ValidatingAdmissionPolicy '(?P<policy>[^']+)'.*? denied request: (?P<why>.*)",
        "the ValidatingAdmissionPolicy {policy} refuses it: {why}.",
        "Change the object to what the policy allows.",
    ),
    _Rule(
        CauseKind.ADMISSION,
        r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)',
        "it violates the Pod security level {level} of its namespace: {why}.",
        "Change the Pod, or the level of the namespace.",
    ),
    _Rule(
        CauseKind.FORBIDDEN,
        r'[Uu]ser "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"(?P<scope>.*)',
        "{user} may not {verb} {resource}.",
        "Bind a Role with this right to it, or correct service_account_name of the Kustomization.",
    ),
    _Rule(
        CauseKind.IMMUTABLE_FIELD,
        r"(?P<why>.*(?:field is immutable|is immutable|may not change once set"
        r"|updates to statefulset spec for fields other than|pod updates may not change fields).*)",
        "{fields} cannot be changed in place.",
        "Take the change back, or set force of the Kustomization to true: Flux then deletes the object and"
        " creates it anew.",
    ),
    _Rule(
        CauseKind.OWNED_ELSEWHERE,
        r'conflict with "(?P<manager>[^"]+)"(?P<why>.*)',
        "the field manager {manager} has set fields of it to other values.",
        "Have only one of the two manage it.",
    ),
    _Rule(
        CauseKind.INVALID_FIELD,
        r"failed to create typed patch object \([^)]*\): \.?(?P<why>.*)",
        "{why}.",
        "Correct this field.",
    ),
    _Rule(
        CauseKind.INVALID_FIELD,
        r"^(?:[\w.]+ \"[^\"]*\" is invalid: )(?P<why>.*)",
        "{why}.",
        "Correct this field.",
    ),
    _Rule(
        CauseKind.INVALID_FIELD,
        r'(?P<why>(?:strict decoding error: )?unknown field "[^"]+".*|field not declared in schema.*)',
        "{why}.",
        "Correct this field.",
    ),
    _Rule(CauseKind.REFUSED, r"(?P<why>.*)", "the API server refuses it: {why}.", "Correct the object."),
)

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
        _SOURCE_RULES,
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
    named = _OBJECT.search(message) if failure.verdict.reason != "BuildFailed" else None
    if named:
        return _of_object(failure, named)
    flat = _flat(_SCRATCH.sub(lambda found: _users_file(failure, found), message))
    told = _first(
        failure,
        _KUSTOMIZATION_RULES,
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


def _of_object(failure: Failure, named: re.Match[str]) -> Cause:
    said = _flat(named["said"]).rstrip(".").replace(" is invalid: [", " is invalid: ").removesuffix("]")
    kind, name = named["object_kind"], named["object_name"]
    namespace = named["namespace"] or ""
    fields = [found["field"].lstrip(".") for found in _FIELD.finditer(said)]
    place = failure.origin.place_of(kind, name, fields[0] if fields else "")
    told = _first(
        failure,
        _OBJECT_RULES,
        said,
        {
            "fields": " and ".join(fields) or "its fields",
            "bringer": _bringer(failure, said),
        },
        f"{kind} {f'{namespace}/' if namespace else ''}{name}{f' in {place}' if place else ''}",
        {"object": {"kind": kind, "namespace": namespace, "name": name}, "fields": fields},
    )
    return told or _other(failure)


def unknown_kind(message: str) -> tuple[str, str] | None:
    """Kind and apiVersion of what the API server does not know, None where a message says something else."""
    found = re.search(_OBJECT_RULES[0].pattern, message)
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
    rules: Sequence[_Rule],
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
