# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A Kustomization that is not proven, what is known about that, and what its cause is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import Unhealthy
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import Hold
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ObjectRef,
    named,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    CauseKind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    State,
    Verdict,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION, source_of


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

    def written(self, kind: str, name: str, field_paths: Sequence[str]) -> list[str]:
        """Those of the fields that the manifest of an object has, as far as it is known."""

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

    def written(self, kind: str, name: str, field_paths: Sequence[str]) -> list[str]:
        del kind, name, field_paths
        return []

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
class Refusal:
    """An object that the API server refuses, what it says, and what else the cluster knows of that.

    ``served_as`` are apiVersions under which a kind is served that was not found; ``hold`` is what keeps a
    namespace from going that is being deleted.
    """

    kind: str
    namespace: str
    name: str
    said: str
    served_as: Sequence[str] = ()
    hold: Hold | None = None

    def __str__(self) -> str:
        return named(self.kind, self.namespace, self.name)


@dataclass(frozen=True)
class Failure:
    """A Kustomization that is not proven, and what is known about that."""

    ref: ObjectRef
    verdict: Verdict
    seconds: float  # it had
    source: Object | None = None
    kustomization: Object | None = None
    chain: Sequence[Link] = ()  # what it waits for, down to the first that has failed
    first: Failure | None = None  # of the last in the chain, or of what is applied and has failed itself
    unhealthy: Sequence[Unhealthy] = ()
    controller: Controller | None = None
    served_as: Sequence[str] = ()  # apiVersions under which a kind is served that was not found
    hold: Hold | None = None  # what keeps a namespace from going that is in the way
    origin: Origin = field(default_factory=Artifact)

    @property
    def place(self) -> str:
        return str(self.verdict.subject or self.ref)


def failures_of(kustomizations: Sequence[Object], sources: Mapping[ObjectRef, Object]) -> list[Failure]:
    """What has failed; a source that has is what its Kustomization fails of."""
    failures = []
    for item in kustomizations:
        ref, source_ref = ref_of(KUSTOMIZATION, item), source_of(item)
        source = sources.get(source_ref)
        own = replace(kustomization_verdict(item), subject=ref)
        fetched = replace(source_verdict(source), subject=source_ref) if source else own
        verdict = fetched if fetched.state is State.FAILED else own
        if verdict.state is State.FAILED:
            failures.append(Failure(ref, verdict, 0, source=source, kustomization=item))
    return failures
