# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause by the first rule that knows what Flux or the API server said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import Hold
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Cause,
    Failure,
    Origin,
    Refusal,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    FIELD,
    LINE,
    OBJECT,
    SCRATCH,
    flat,
    refusal_in,
    unknown_kind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.object_rules import (
    CLUSTERS_OWN,
    FLUX_CONTROLLERS,
    OBJECT_RULES,
    READ_FROM_A_CLUSTER,
    REMOVED_KINDS,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    KUSTOMIZATION_RULES,
    REMOTE_BASE,
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
    return first_rule(
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
        failure.place,
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
    said = f"{failure.verdict.reason}: {flat(SCRATCH.sub(partial(_users_file, failure), message))}"
    # What kustomize takes for a file first is none.
    is_remote = re.search(REMOTE_BASE.pattern, said) is not None
    place = failure.place if is_remote else _file_place(failure, message)
    cause = first_rule(KUSTOMIZATION_RULES, said, {"namespace": failure.ref.namespace}, place)
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
    refusal = Refusal(
        found["object_kind"],
        found["namespace"] or "",
        found["object_name"],
        found["said"],
        failure.served_as,
        failure.hold,
    )
    return of_refusal(refusal, failure.origin)


def of_refusal(refusal: Refusal, origin: Origin) -> Cause:
    """Why the API server refuses an object, whoever applies it: Flux, or a dry run."""
    said = refusal_in(refusal.said)
    fields = [field["field"].lstrip(".") for field in FIELD.finditer(said)]
    of_cluster = origin.written(refusal.kind, refusal.name, CLUSTERS_OWN)
    is_known = bool(origin.place_of(refusal.kind, refusal.name))
    is_of_cluster = bool(re.search(READ_FROM_A_CLUSTER.pattern, said) and (of_cluster or not is_known))
    wrong = of_cluster if is_of_cluster else fields
    place = origin.place_of(refusal.kind, refusal.name, wrong[0] if wrong else "")
    hold = refusal.hold or Hold()
    about = f"{refusal}{f' in {place}' if place else ''}"
    return first_rule(
        (*([READ_FROM_A_CLUSTER] if is_of_cluster else []), *OBJECT_RULES),
        said.replace("Invalid value: {...}: ", ""),
        {
            "fields": " and ".join(fields) or "its fields",
            "bringer": _bringer(refusal, origin),
            "of_cluster": ", ".join(of_cluster or CLUSTERS_OWN),
            "hold": f": {hold.text}" if hold.text else "",
            "release": hold.remedy,
        },
        about,
        {
            "object": {"kind": refusal.kind, "namespace": refusal.namespace, "name": refusal.name},
            "fields": wrong,
        },
    ) or Cause(CauseKind.REFUSED, about, f"the API server refuses it: {said}.", "Correct the object.")


def remedy_of(said: str) -> str:
    """What to do about what the API server says to a controller, empty where that is not known."""
    unknown = {"fields": "its fields", "bringer": "", "of_cluster": "", "hold": "", "release": ""}
    cause = first_rule(OBJECT_RULES, refusal_in(said), unknown, "")
    return cause.remedy if cause else ""


def _bringer(refusal: Refusal, origin: Origin) -> str:
    """What to do about a kind that the API server does not know."""
    unknown = unknown_kind(refusal.said)
    if unknown is None:
        return ""
    kind, version = unknown
    group = version.rpartition("/")[0]
    if refusal.served_as:
        return f"It has it as {' and '.join(refusal.served_as)}: correct apiVersion."
    workload = origin.bringer_of(kind, group)
    if workload:
        return f"The workload {workload} brings its definition: add it to depends_on."
    if group in FLUX_CONTROLLERS:
        return (
            f"It takes Flux's {FLUX_CONTROLLERS[group]}, which is not installed in this cluster: install it"
            " with its definitions, or leave the object out here."
        )
    if (group, kind) in REMOVED_KINDS:
        return f"Kubernetes has it no more: {REMOVED_KINDS[group, kind]}."
    return "Add the workload that brings its definition, and depend on it, or correct apiVersion and kind."


def first_rule(
    rules: Sequence[Rule],
    message: str,
    values: Mapping[str, str],
    place: str,
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
                place,
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
