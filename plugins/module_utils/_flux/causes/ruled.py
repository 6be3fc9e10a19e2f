# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause by the first rule that knows what Flux or the API server said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    named,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause, Failure
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    FIELD,
    LINE,
    OBJECT,
    SCRATCH,
    flat,
    unknown_kind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    KUSTOMIZATION_RULES,
    OBJECT_RULES,
    SOURCE_RULES,
    CauseKind,
    Rule,
)


def of_source(failure: Failure) -> Cause:
    """Why a source has failed."""
    spec = (failure.source or {}).get("spec", {})
    url = str(spec.get("url", ""))
    host = url.removeprefix("oci://").partition("/")[0]
    secret = (spec.get("secretRef") or {}).get("name")
    registry = failure.origin.registry
    return _first(
        failure,
        SOURCE_RULES,
        f"{failure.verdict.reason}: {flat(failure.verdict.message)}",
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


def of_kustomization(failure: Failure) -> Cause:
    """Why a Kustomization has failed."""
    message = failure.verdict.message
    found = OBJECT.search(message) if failure.verdict.reason != "BuildFailed" else None
    if found:
        return _of_object(failure, found)
    said = flat(SCRATCH.sub(lambda found: _users_file(failure, found), message))
    cause = _first(
        failure,
        KUSTOMIZATION_RULES,
        f"{failure.verdict.reason}: {said}",
        {"namespace": failure.ref.namespace},
        _file_place(failure, message),
    )
    return cause or _other(failure)


def _users_file(failure: Failure, found: re.Match[str]) -> str:
    return failure.origin.file(found["inside"].lstrip("/"))


def _file_place(failure: Failure, message: str) -> str:
    """The last file that a message names, with the line where it says that; else the Kustomization."""
    files = [found for found in SCRATCH.finditer(message) if found["inside"]]
    if not files:
        return failure.place
    line = LINE.search(message)
    return _users_file(failure, files[-1]) + (f":{line[1]}" if line else "")


def _of_object(failure: Failure, found: re.Match[str]) -> Cause:
    said = flat(found["said"]).rstrip(".").replace(" is invalid: [", " is invalid: ").removesuffix("]")
    kind, name = found["object_kind"], found["object_name"]
    namespace = found["namespace"] or ""
    fields = [field["field"].lstrip(".") for field in FIELD.finditer(said)]
    place = failure.origin.place_of(kind, name, fields[0] if fields else "")
    cause = _first(
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
    return cause or _other(failure)


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
        f"{verdict.reason}: {flat(verdict.message).rstrip('.')}.",
        "This is all that Flux says; its controllers' logs may have more.",
    )
