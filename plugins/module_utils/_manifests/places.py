# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the user's folder an object or one of its fields is written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import read_tar

with suppress(ImportError):  # module.require() names what is missing
    import yaml

LARGEST_FILE = 1 << 20
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Manifests:
    """The objects in the archive of a folder or file that the user calls ``path``."""

    def __init__(self, path: str, archive: IO[bytes]) -> None:
        self._path = path
        self._archive = archive

    def file(self, name: str) -> str:
        """A file or folder of the archive, as the user knows it."""
        if os.path.isfile(self._path):
            return self._path
        return os.path.join(self._path, name) if name else self._path

    def place_of(self, kind: str, name: str, field_path: str = "") -> str:
        """``file:line`` of an object or, as far as it is there, of its field; empty where it is not found."""
        for file, node in self._documents:
            if _text(node, "kind") == kind and _text(_below(node, "metadata"), "name") == name:
                return f"{self.file(file)}:{_line(node, field_path)}"
        return ""

    def written(self, kind: str, name: str, field_paths: Sequence[str]) -> list[str]:
        """Those of the fields that the manifest of an object has."""
        for _file, node in self._documents:
            if _text(node, "kind") == kind and _text(_below(node, "metadata"), "name") == name:
                return [path for path in field_paths if _has(node, path)]
        return []

    def defines(self, kind: str, group: str) -> bool:
        """Whether it has the custom resource definition of a kind."""
        for _file, node in self._documents:
            if _text(node, "kind") == "CustomResourceDefinition":
                spec = _below(node, "spec")
                if _text(spec, "group") == group and _text(_below(spec, "names"), "kind") == kind:
                    return True
        return False

    @cached_property
    def _documents(self) -> list[tuple[str, yaml.Node]]:
        return list(_composed(self._archive))


def _composed(archive: IO[bytes]) -> Iterator[tuple[str, yaml.Node]]:
    for member, content in read_tar(archive):
        if content is None or not member.name.endswith((".yaml", ".yml", ".json")):
            continue
        text = b"".join(content)
        if len(text) > LARGEST_FILE:
            continue
        try:
            yield from ((member.name, node) for node in yaml.compose_all(text, yaml.SafeLoader))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue


def _below(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                found: yaml.Node = value
                return found
    if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
        entry: yaml.Node = node.value[int(key)]
        return entry
    return None


def _text(node: yaml.Node | None, key: str) -> str:
    found = _below(node, key)
    return str(found.value) if isinstance(found, yaml.ScalarNode) else ""


def _line(node: yaml.Node, field_path: str) -> int:
    for name, index in _STEP.findall(field_path):
        below = _below(node, name or index)
        if below is None:
            break
        node = below
    return int(node.start_mark.line) + 1


def _has(node: yaml.Node | None, field_path: str) -> bool:
    for name, index in _STEP.findall(field_path):
        node = _below(node, name or index)
    return node is not None


@dataclass(frozen=True)
class WorkloadOrigin:
    """Where the content of a workload comes from. ``others`` are the workloads that are listed with it."""

    registry: str
    manifests: Manifests
    others: Mapping[str, Manifests]

    def file(self, name: str) -> str:
        return self.manifests.file(name)

    def place_of(self, kind: str, name: str, field_path: str = "") -> str:
        return self.manifests.place_of(kind, name, field_path)

    def written(self, kind: str, name: str, field_paths: Sequence[str]) -> list[str]:
        return self.manifests.written(kind, name, field_paths)

    def bringer_of(self, kind: str, group: str) -> str:
        """The listed workload that has the definition of a kind; empty where none has it."""
        bringing = (name for name, manifests in self.others.items() if manifests.defines(kind, group))
        return next(bringing, "")
