# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds, references and names: what makes an object of the Kubernetes API the same, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

Object = dict[str, Any]


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


@dataclass(frozen=True, order=True)
class Identity:
    """What makes it the same object, whatever the version of its API; namespace and group may be empty."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return named(self.kind, self.namespace, self.name)


@dataclass(frozen=True)
class ObjectRef:
    """One object; ``namespace`` is empty for a kind that has none."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return named(self.kind.name, self.namespace, self.name)


def named(kind: str, namespace: str | None, name: str) -> str:
    """How an object is called: ``Kind namespace/name``, or ``Kind name`` where there is no namespace."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def identity_of(item: Object) -> Identity:
    """What makes ``item``, an object of the API or of a manifest, the same."""
    group = str(item["apiVersion"]).rpartition("/")[0]
    metadata = item["metadata"]
    return Identity(group, str(item["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]))


def ref_of(kind: Kind, item: Object) -> ObjectRef:
    """The reference to ``item``, an object of ``kind``."""
    return ObjectRef(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])


def is_of(kind: Kind, item: Object) -> bool:
    """Whether ``item`` is an object of a kind, in whatever version."""
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    return bool(item.get("kind") == kind.name and group == kind.group)


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
