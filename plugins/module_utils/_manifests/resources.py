# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The resources in a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import documents


@dataclass(frozen=True)
class Resource:
    """One object of a manifest, and the file that holds it."""

    file: str
    content: Object = field(hash=False)

    @property
    def kind(self) -> str:
        return str(self.content["kind"])

    @property
    def name(self) -> str:
        return str(self.content["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        namespace = self.content["metadata"].get("namespace")
        return None if namespace is None else str(namespace)

    @property
    def identity(self) -> Identity:
        """What makes it the same resource."""
        return identity_of(self.content)

    @property
    def title(self) -> str:
        return str(self.identity)


def resources(content: bytes | str, file: str) -> list[Resource] | None:
    """The resources of a manifest, those of Lists too; None where it holds anything else.

    Raises UnreadableError.
    """
    found = list(_unlisted(documents(content)))
    if not found or not all(map(_is_resource, found)):
        return None
    return [Resource(file, each) for each in found]


def _unlisted(found: Sequence[Any]) -> Iterator[Any]:
    for document in found:
        is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
        if is_list and isinstance(document.get("items"), list):
            yield from _unlisted(document["items"])
        else:
            yield document


def _is_resource(document: Any) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        return False
    return bool(document.get("apiVersion") and document.get("kind") and document["metadata"].get("name"))
