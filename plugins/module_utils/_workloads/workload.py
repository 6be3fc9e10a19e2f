# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Workloads: what a user lists becomes artifacts, sources and Kustomizations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._core.arguments import checked
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import (
    KUSTOMIZATION_FIELDS,
    OCI_REPOSITORY_FIELDS,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import argument_spec, manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.validation import check_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import check_tag

# What a workload says in its own way; the rest of a Kustomization keeps the names of flux_kustomization.
_OWN_WAY = ("source_ref", "path", "wait_for_health", "depends_on", "post_build", "ignore")
# What it says of its OCIRepository under the names of flux_source.
_OF_SOURCE = ("provider", "secret_ref", "cert_secret_ref", "proxy_secret_ref", "verify")

FLUX_SYSTEM = "flux-system"

ARGUMENTS: dict[str, Any] = {
    **argument_spec([field for field in KUSTOMIZATION_FIELDS if field.option not in _OWN_WAY]),
    **argument_spec([field for field in OCI_REPOSITORY_FIELDS if field.option in _OF_SOURCE]),
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "path": {"type": "path"},
    "namespace": {"type": "str", "default": FLUX_SYSTEM},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "repository": {"type": "str"},
    "tag": {"type": "str", "default": "latest"},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "ignore_fields": argument_spec(KUSTOMIZATION_FIELDS)["ignore"],
    "symlinks": {"type": "str", "choices": ["refuse", "follow"], "default": "refuse"},
    "kustomization_path": {"type": "str"},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "str", "default": "2m"},
    "retry_interval": {"type": "str", "default": "30s"},
    "depends_on": {"type": "list", "elements": "str", "default": []},
    "substitute": {"type": "dict"},
    "substitute_from": {"type": "list", "elements": "dict"},
}
# As options of a task, which has the namespace of those that name none.
SUBOPTIONS: dict[str, Any] = {**ARGUMENTS, "namespace": {"type": "str"}}


@dataclass(frozen=True)
class Endpoint:
    """A registry, as ``host[:port][/prefix]``: as this machine reaches it, and as Flux does (``cluster``).

    ``secrets`` are the names of the Secrets that Flux needs for it, by the option that names them.
    """

    host: str
    cluster: str
    insecure: bool
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """One workload with the options the user gave and the defaults of the rest, and the registry it is in."""

    options: Mapping[str, Any]
    endpoint: Endpoint

    @property
    def name(self) -> str:
        return str(self.options["name"])

    @property
    def namespace(self) -> str:
        return str(self.options["namespace"])

    @property
    def is_present(self) -> bool:
        return bool(self.options["state"] == "present")

    @property
    def source(self) -> ObjectRef:
        return ObjectRef(OCI_REPOSITORY, self.namespace, self.name)

    @property
    def kustomization(self) -> ObjectRef:
        return ObjectRef(KUSTOMIZATION, self.namespace, self.name)

    @property
    def dependencies(self) -> list[ObjectRef]:
        """The Kustomizations it waits for: ``name`` in its own namespace, or ``namespace/name``."""
        return [self._dependency(text) for text in self.options["depends_on"]]

    def _dependency(self, text: str) -> ObjectRef:
        namespace, _slash, name = text.rpartition("/")
        return ObjectRef(KUSTOMIZATION, namespace or self.namespace, name)

    @property
    def repository(self) -> str:
        """Its repository as Flux has it, below what the registry's address may have of a path."""
        return self.url(self.endpoint.cluster).removeprefix("oci://").partition("/")[2]

    def url(self, registry: str) -> str:
        """The artifact's address in a registry."""
        return f"oci://{registry}/{self.options['repository'] or self.name}"

    def needs(self, reference: str) -> bool:
        """Whether Flux takes the registry's Secret, since the workload names none of its own."""
        return self.is_present and self.options[reference] is None

    @cached_property
    def source_object(self) -> Object:
        """Its OCIRepository."""
        secrets = {reference: {"name": name} for reference, name in self.endpoint.secrets.items()}
        given = {name: self.options[name] for name in _OF_SOURCE if self.options[name] is not None}
        return manifest(
            OCI_REPOSITORY,
            {
                **secrets,
                **given,
                "name": self.name,
                "namespace": self.namespace,
                "url": self.url(self.endpoint.cluster),
                "tag": self.options["tag"],
                "interval": self.options["interval"],
                "insecure": True if self.endpoint.insecure else None,
                "suspend": self.options["suspend"],
                "labels": self.options["labels"],
                "annotations": self.options["annotations"],
            },
        )

    @cached_property
    def kustomization_object(self) -> Object:
        """Its Kustomization."""
        substitution = {
            "substitute": self.options["substitute"],
            "substitute_from": self.options["substitute_from"],
        }
        given = {
            "source_ref": {"kind": OCI_REPOSITORY.name, "name": self.name},
            "path": self.options["kustomization_path"],
            "wait_for_health": self.options["wait"],
            "depends_on": [self._depends_on(ref) for ref in self.dependencies] or None,
            "post_build": substitution if any(substitution.values()) else None,
            # Of files, what the workload ignores is not packed; these are fields of objects.
            "ignore": self.options["ignore_fields"],
        }
        return manifest(KUSTOMIZATION, {**self.options, **given})

    def _depends_on(self, ref: ObjectRef) -> dict[str, str]:
        return (
            {"name": ref.name}
            if ref.namespace == self.namespace
            else {"name": ref.name, "namespace": ref.namespace}
        )


def read_workloads(listed: Sequence[Any], endpoint: Endpoint, namespace: str = FLUX_SYSTEM) -> list[Workload]:
    """The workloads of a list, checked one by one and together; those that name no namespace are in this one.

    Raises LoopError naming the workload, the option and its value for the first thing that is wrong.
    """
    spec = {**ARGUMENTS, "namespace": {"type": "str", "default": namespace}}
    workloads: dict[ObjectRef, Workload] = {}
    for number, options in enumerate(listed):
        if not isinstance(options, dict):
            raise LoopError(
                f"workloads: entry {number + 1} is {options!r}. Write it as a dictionary with name and path."
            )
        called = f"Workload {options.get('name', f'number {number + 1}')}"
        result = checked(spec, _without_null(spec, options))
        if result.wrong:
            raise LoopError(f"{called}: {'; '.join(result.wrong)}.")
        workload = Workload(result.values, endpoint)
        if workload.is_present and not workload.options["path"]:
            raise LoopError(
                f"{called}: path is missing. Name the folder with its manifests, or give it state: absent."
            )
        if workload.kustomization in workloads:
            raise LoopError(
                f"{called}: there are two of this name in namespace {workload.namespace}. "
                "Give one of them another name."
            )
        try:
            check_tag(workload.options["tag"])
            # Built once: what cannot be built is refused here.
            _kustomization = workload.kustomization_object
            if workload.is_present:
                check_repository(workload.repository, "repository")
                _source = workload.source_object
        except LoopError as error:
            raise LoopError(f"{called}: {error.message}") from error
        workloads[workload.kustomization] = workload
    _refuse_to_overwrite(workloads.values())
    return list(workloads.values())


def _refuse_to_overwrite(workloads: Iterable[Workload]) -> None:
    """Raise LoopError where two workloads would be pushed to one tag."""
    pushed: dict[str, Workload] = {}
    for workload in workloads:
        if not workload.is_present:
            continue
        place = f"{workload.url(workload.endpoint.host)}:{workload.options['tag']}"
        other = pushed.setdefault(place, workload)
        if other is not workload:
            raise LoopError(
                f"Workload {workload.name}: {workload.namespace}/{workload.name} and "
                f"{other.namespace}/{other.name} would both be pushed to {place}, and one would overwrite "
                "the other. Give one of them another `repository` or `tag`."
            )


def _without_null(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given of a spec's options: not what is null, as Ansible leaves an option that is not given."""
    return {
        name: _of_suboptions(spec[name]["options"], value) if spec.get(name, {}).get("options") else value
        for name, value in given.items()
        if value is not None
    }


def _of_suboptions(spec: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_of_suboptions(spec, item) for item in value]
    return _without_null(spec, value) if isinstance(value, Mapping) else value
