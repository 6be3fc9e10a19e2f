# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Ansible options become OCIRepository and Kustomization objects: one table says how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    FLUX_URL,
    is_digest,
    is_tag,
)

Object = dict[str, Any]

REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"


@dataclass(frozen=True)
class Kind:
    """A kind of the Kubernetes API, as its paths and its objects name it."""

    group: str  # empty for the core group
    version: str
    plural: str
    name: str
    is_namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True)
class ObjectRef:
    """One object; ``namespace`` is empty for a kind that has none."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


OCI_REPOSITORY = Kind("source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository")
KUSTOMIZATION = Kind("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization")
SOURCE_KINDS = {
    kind.name: kind
    for kind in (
        OCI_REPOSITORY,
        Kind("source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository"),
        Kind("source.toolkit.fluxcd.io", "v1", "buckets", "Bucket"),
        Kind("source.toolkit.fluxcd.io", "v1", "externalartifacts", "ExternalArtifact"),
    )
}


class Value(StrEnum):
    """What a field holds."""

    STRING = "string"
    BOOLEAN = "boolean"
    DURATION = "duration"
    MAP = "map"  # of strings to strings, its keys are the user's
    FIELDS = "fields"  # an object with fields of its own
    STRINGS = "strings"
    LIST = "list"  # of objects with fields of their own


@dataclass(frozen=True)
class Field:
    """A field of the API: the ``option`` that gives it, and the ``path`` below its parent."""

    option: str
    path: str
    value: Value = Value.STRING
    fields: tuple[Field, ...] = ()
    required: bool = False
    choices: tuple[str, ...] = ()
    default: str | bool | None = None


def _named(option: str, path: str) -> Field:
    return Field(option, path, Value.FIELDS, (Field("name", "name", required=True),))


_SELECTOR = tuple(
    Field(option, path)
    for option, path in (
        ("group", "group"),
        ("version", "version"),
        ("kind", "kind"),
        ("name", "name"),
        ("namespace", "namespace"),
        ("label_selector", "labelSelector"),
        ("annotation_selector", "annotationSelector"),
    )
)

# https://fluxcd.io/flux/components/source/ocirepositories/#writing-an-ocirepository-spec
OCI_REPOSITORY_FIELDS = (
    Field("url", "url"),
    Field("tag", "ref.tag"),
    Field("digest", "ref.digest"),
    Field("semver", "ref.semver"),
    Field("semver_filter", "ref.semverFilter"),
    Field("interval", "interval", Value.DURATION, default="10m"),
    Field("timeout", "timeout", Value.DURATION),
    Field(
        "layer_selector",
        "layerSelector",
        Value.FIELDS,
        (
            Field("media_type", "mediaType"),
            Field("operation", "operation", choices=("extract", "copy")),
        ),
    ),
    Field("provider", "provider", choices=("generic", "aws", "azure", "gcp")),
    _named("secret_ref", "secretRef"),
    _named("cert_secret_ref", "certSecretRef"),
    _named("proxy_secret_ref", "proxySecretRef"),
    Field("service_account_name", "serviceAccountName"),
    Field(
        "verify",
        "verify",
        Value.FIELDS,
        (
            Field("provider", "provider", choices=("cosign", "notation"), default="cosign"),
            _named("secret_ref", "secretRef"),
            _named("trusted_root_secret_ref", "trustedRootSecretRef"),
            Field(
                "match_oidc_identity",
                "matchOIDCIdentity",
                Value.LIST,
                (Field("issuer", "issuer", required=True), Field("subject", "subject", required=True)),
            ),
        ),
    ),
    Field("ignore", "ignore"),
    Field("insecure", "insecure", Value.BOOLEAN),
    Field("suspend", "suspend", Value.BOOLEAN),
)

# https://fluxcd.io/flux/components/kustomize/kustomizations/#writing-a-kustomization-spec
KUSTOMIZATION_FIELDS = (
    Field(
        "source_ref",
        "sourceRef",
        Value.FIELDS,
        (
            Field("api_version", "apiVersion"),
            Field("kind", "kind", choices=tuple(SOURCE_KINDS), default="OCIRepository"),
            Field("name", "name", required=True),
            Field("namespace", "namespace"),
        ),
    ),
    Field("path", "path"),
    Field("interval", "interval", Value.DURATION, default="10m"),
    Field("retry_interval", "retryInterval", Value.DURATION),
    Field("timeout", "timeout", Value.DURATION),
    Field("prune", "prune", Value.BOOLEAN, default=True),
    Field(
        "deletion_policy",
        "deletionPolicy",
        choices=("MirrorPrune", "Delete", "WaitForTermination", "Orphan"),
    ),
    Field("wait_for_health", "wait", Value.BOOLEAN),
    Field("force", "force", Value.BOOLEAN),
    Field("suspend", "suspend", Value.BOOLEAN),
    Field("target_namespace", "targetNamespace"),
    Field("name_prefix", "namePrefix"),
    Field("name_suffix", "nameSuffix"),
    Field("service_account_name", "serviceAccountName"),
    Field(
        "depends_on",
        "dependsOn",
        Value.LIST,
        (
            Field("name", "name", required=True),
            Field("namespace", "namespace"),
            Field("ready_expr", "readyExpr"),
        ),
    ),
    Field(
        "health_checks",
        "healthChecks",
        Value.LIST,
        (
            Field("api_version", "apiVersion"),
            Field("kind", "kind", required=True),
            Field("name", "name", required=True),
            Field("namespace", "namespace"),
        ),
    ),
    Field(
        "health_check_exprs",
        "healthCheckExprs",
        Value.LIST,
        (
            Field("api_version", "apiVersion", required=True),
            Field("kind", "kind"),
            Field("current", "current", required=True),
            Field("in_progress", "inProgress"),
            Field("failed", "failed"),
        ),
    ),
    Field(
        "patches",
        "patches",
        Value.LIST,
        (Field("patch", "patch", required=True), Field("target", "target", Value.FIELDS, _SELECTOR)),
    ),
    Field(
        "images",
        "images",
        Value.LIST,
        (
            Field("name", "name", required=True),
            Field("new_name", "newName"),
            Field("new_tag", "newTag"),
            Field("digest", "digest"),
        ),
    ),
    Field("components", "components", Value.STRINGS),
    Field("ignore_missing_components", "ignoreMissingComponents", Value.BOOLEAN),
    Field(
        "ignore",
        "ignore",
        Value.LIST,
        (
            Field("paths", "paths", Value.STRINGS, required=True),
            Field("target", "target", Value.FIELDS, _SELECTOR),
        ),
    ),
    Field(
        "build_metadata",
        "buildMetadata",
        Value.STRINGS,
        choices=("originAnnotations", "transformerAnnotations"),
    ),
    Field(
        "common_metadata",
        "commonMetadata",
        Value.FIELDS,
        (
            Field("labels", "labels", Value.MAP),
            Field("annotations", "annotations", Value.MAP),
        ),
    ),
    Field(
        "post_build",
        "postBuild",
        Value.FIELDS,
        (
            Field("substitute", "substitute", Value.MAP),
            Field(
                "substitute_from",
                "substituteFrom",
                Value.LIST,
                (
                    Field("kind", "kind", required=True, choices=("Secret", "ConfigMap")),
                    Field("name", "name", required=True),
                    Field("optional", "optional", Value.BOOLEAN),
                ),
            ),
            Field("substitute_strategy", "substituteStrategy", choices=("WithVariables", "Always")),
        ),
    ),
    Field(
        "decryption",
        "decryption",
        Value.FIELDS,
        (
            Field("provider", "provider", choices=("sops",), default="sops"),
            _named("secret_ref", "secretRef"),
            Field("service_account_name", "serviceAccountName"),
        ),
    ),
    Field(
        "kube_config",
        "kubeConfig",
        Value.FIELDS,
        (
            Field(
                "secret_ref",
                "secretRef",
                Value.FIELDS,
                (Field("name", "name", required=True), Field("key", "key")),
            ),
            _named("config_map_ref", "configMapRef"),
        ),
    ),
)

FIELDS = {OCI_REPOSITORY: OCI_REPOSITORY_FIELDS, KUSTOMIZATION: KUSTOMIZATION_FIELDS}

_ANSIBLE_TYPES = {
    Value.STRING: "str",
    Value.DURATION: "str",
    Value.BOOLEAN: "bool",
    Value.MAP: "dict",
    Value.FIELDS: "dict",
    Value.STRINGS: "list",
    Value.LIST: "list",
}


def argument_spec(fields: Sequence[Field]) -> dict[str, Any]:
    """The argument_spec of the options that give ``fields``."""
    return {field.option: _argument(field) for field in fields}


def _argument(field: Field) -> dict[str, Any]:
    argument: dict[str, Any] = {"type": _ANSIBLE_TYPES[field.value]}
    if field.value is Value.STRINGS:
        argument["elements"] = "str"
    if field.value is Value.LIST:
        argument["elements"] = "dict"
    if field.fields:
        argument["options"] = argument_spec(field.fields)
    if field.required:
        argument["required"] = True
    if field.choices:
        argument["choices"] = list(field.choices)
    if field.default is not None:
        argument["default"] = field.default
    if "secret" in field.option or field.option == "key":
        argument["no_log"] = False  # these name a Secret, they do not hold one
    return argument


def manifest(kind: Kind, options: Mapping[str, Any]) -> Object:
    """The object that a module's ``options`` (name, namespace, labels, annotations and fields) ask for.

    Options that are None are not part of it. Raises LoopError naming the option whose value the API would
    refuse.
    """
    check_metadata(kind, options)
    if kind == OCI_REPOSITORY:
        _check_artifact(options)
    if options.get("target_namespace") is not None:
        check_namespace(options["target_namespace"], "target_namespace")
    metadata: Object = {"name": options["name"], "namespace": options["namespace"]}
    for option in ("labels", "annotations"):
        if options.get(option):
            metadata[option] = {key: str(text) for key, text in options[option].items()}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": metadata,
        "spec": _written(FIELDS[kind], options, ""),
    }


def _written(fields: Sequence[Field], options: Mapping[str, Any], prefix: str) -> Object:
    written: Object = {}
    for field in fields:
        given = options.get(field.option)
        if given is None:
            continue
        *parents, leaf = field.path.split(".")
        place = written
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = _converted(field, given, prefix + field.option)
    return written


def _converted(field: Field, given: Any, option: str) -> Any:
    match field.value:
        case Value.DURATION:
            seconds(given, option)
            return given
        case Value.MAP:
            return {key: _text(value, f"{option}.{key}") for key, value in given.items()}
        case Value.FIELDS:
            return _written(field.fields, given, f"{option}.")
        case Value.LIST:
            return [_written(field.fields, item, f"{option}[{index}].") for index, item in enumerate(given)]
        case _:
            return given


def _text(value: Any, option: str) -> str:
    """The string that YAML's ``true`` or ``3`` stands for; Flux's maps hold strings only."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise LoopError(f"{option} is a {type(value).__name__}, but only strings can be given here: quote it.")


# Kubernetes' own rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def check_name(name: str, option: str, *, longest: int = 253) -> None:
    """Raise LoopError unless ``name`` can be the name of a Kubernetes object."""
    if len(name) > longest or not _SUBDOMAIN.fullmatch(name):
        raise LoopError(
            f"{option} is {name!r}, which cannot be a name in Kubernetes: use at most {longest} lower-case"
            " letters, digits, '-' and '.', beginning and ending with a letter or digit."
        )


def check_namespace(namespace: str, option: str) -> None:
    """Raise LoopError unless ``namespace`` can be the name of a namespace."""
    if len(namespace) > 63 or not _LABEL.fullmatch(namespace):
        raise LoopError(
            f"{option} is {namespace!r}, which cannot be a namespace: use at most 63 lower-case letters,"
            " digits and '-', beginning and ending with a letter or digit."
        )


def check_digest(digest: str, option: str) -> None:
    """Raise LoopError unless ``digest`` looks like ``sha256:…``."""
    if not is_digest(digest):
        raise LoopError(f"{option} is {digest!r}, which is no digest: one looks like sha256:<64 hex digits>.")


def check_metadata(kind: Kind, options: Mapping[str, Any]) -> None:
    """Raise LoopError unless name, namespace and annotations can be those of an object of ``kind``."""
    # kustomize-controller writes the name of a Kustomization into a label of everything it applies.
    check_name(options["name"], "name", longest=63 if kind == KUSTOMIZATION else 253)
    check_namespace(options["namespace"], "namespace")
    if REQUESTED_AT in (options.get("annotations") or {}):
        raise LoopError(
            f"annotations holds {REQUESTED_AT}, which asks Flux to reconcile:"
            " use gitops.flux_local.flux_reconcile for that."
        )


def _check_artifact(options: Mapping[str, Any]) -> None:
    url = options["url"]
    parts = FLUX_URL.fullmatch(url)
    if not parts:
        raise LoopError(f"url is {url!r}, but an artifact's url looks like oci://host[:port]/repository.")
    if ":" in parts["repository"] or "@" in parts["repository"]:
        raise LoopError(f"url is {url!r}: give what follows the repository with tag, digest or semver.")
    if options.get("tag") is not None and not is_tag(options["tag"]):
        raise LoopError(
            f"tag is {options['tag']!r}, which cannot be a tag: use at most 128 letters, digits, '_', '.' and"
            " '-', not beginning with '.' or '-'."
        )
    if options.get("digest") is not None:
        check_digest(options["digest"], "digest")


_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+")
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}


def seconds(duration: str, option: str) -> Decimal:
    """A Flux duration (``1m30s``) in seconds; LoopError names ``option`` when it is none."""
    if not _DURATION.fullmatch(duration):
        raise LoopError(f"{option} is {duration!r}, which is no duration: write it like 30s, 1m30s or 1h.")
    parts = _DURATION_PART.findall(duration)
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0))


def keep_live_spelling(kind: Kind, desired: Object, live: Object) -> Object:
    """``desired`` with durations that equal the live ones spelled as they are there (``1m`` or ``1m0s``).

    Another spelling of the same duration would be a new generation, hence a reconciliation, for nothing.
    """
    spec = dict(desired["spec"])
    live_spec = live.get("spec", {})
    for field in FIELDS[kind]:
        if field.value is Value.DURATION and field.path in spec and field.path in live_spec:
            wanted, there = spec[field.path], live_spec[field.path]
            if seconds(wanted, field.option) == seconds(there, field.option):
                spec[field.path] = there
    return {**desired, "spec": spec}


def api_paths(fields: Sequence[Field]) -> Iterator[str]:
    """The paths of all leaves of ``fields`` as the CRD's schema names them; ``[]`` are items of a list."""
    for field in fields:
        below = f"{field.path}[]" if field.value in (Value.LIST, Value.STRINGS) else field.path
        if field.fields:
            yield from (f"{below}.{path}" for path in api_paths(field.fields))
        else:
            yield below


def ref_of(kind: Kind, item: Object) -> ObjectRef:
    """The reference to ``item``, an object of ``kind``."""
    return ObjectRef(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])


def source_of(kustomization: Object) -> ObjectRef:
    """The source that a Kustomization names in ``spec.sourceRef``."""
    reference = kustomization["spec"]["sourceRef"]
    namespace = reference.get("namespace") or kustomization["metadata"]["namespace"]
    return ObjectRef(SOURCE_KINDS[reference["kind"]], namespace, reference["name"])


def dependencies_of(kustomization: Object) -> list[ObjectRef]:
    """The Kustomizations that ``spec.dependsOn`` names."""
    namespace = kustomization["metadata"]["namespace"]
    return [
        ObjectRef(KUSTOMIZATION, dependency.get("namespace") or namespace, dependency["name"])
        for dependency in kustomization["spec"].get("dependsOn", [])
    ]
