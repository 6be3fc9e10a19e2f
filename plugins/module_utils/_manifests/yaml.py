# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""YAML and the resources in it, read as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)

try:
    import yaml
except ImportError:  # module.require() names what is missing
    HAS_YAML = False
else:
    HAS_YAML = True

# C's parser is ten times as fast; PyYAML comes without it on some platforms.
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if HAS_YAML else object


class _Loader(SafeLoader):  # type: ignore[misc]  # chosen at run time
    """As Kubernetes reads YAML: a date is a text."""


if HAS_YAML:
    _Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }


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


def documents(text: str) -> list[Any] | None:
    """The documents of a YAML text, None where it is no YAML."""
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None


def resources(text: str, file: str) -> list[Resource] | None:
    """The resources of a manifest, those of Lists too; None where it holds anything else."""
    found = documents(text)
    if not found:
        return None
    flat = list(_unlisted(found))
    return [Resource(file, each) for each in flat] if all(map(_is_resource, flat)) else None


def _unlisted(found: Sequence[Any]) -> Iterator[Any]:
    for document in found:
        is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
        if is_list and isinstance(document.get("items"), list):
            yield from document["items"]
        else:
            yield document


def _is_resource(document: Any) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        return False
    return bool(document.get("apiVersion") and document.get("kind") and document["metadata"].get("name"))


def dumped(document: Any) -> str:
    """A document as YAML."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))
