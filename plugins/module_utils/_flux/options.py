# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Ansible options become OCIRepository and Kustomization objects, as the table of fields says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    check_name,
    check_namespace,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.durations import seconds
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import FIELDS, Field, Value
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    REQUESTED_AT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.validation import (
    check_artifact,
    check_kustomization,
)

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
        check_artifact(options)
    if kind == KUSTOMIZATION:
        check_kustomization(options)
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
