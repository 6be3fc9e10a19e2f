# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The fields of OCIRepository and Kustomization: one table gives options, manifests and the API's paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    SOURCE_KINDS,
)


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


def api_paths(fields: Sequence[Field]) -> Iterator[str]:
    """The paths of all leaves of ``fields`` as the CRD's schema names them; ``[]`` are items of a list."""
    for field in fields:
        below = f"{field.path}[]" if field.value in (Value.LIST, Value.STRINGS) else field.path
        if field.fields:
            yield from (f"{below}.{path}" for path in api_paths(field.fields))
        else:
            yield below
