# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the user's folder an object or one of its fields is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    BoundsError,
    Document,
    UnreadableError,
    may_repeat,
    read,
    utf8,
)


class Manifests:
    """The objects in the archive of a folder or file that the user calls ``path``."""

    def __init__(self, path: str, archive: IO[bytes]) -> None:
        self._path = path
        self._archive = archive
        self._known: dict[str, list[Document]] = {}

    def file(self, name: str) -> str:
        """A file or folder of the archive, as the user knows it."""
        if os.path.isfile(self._path):
            return self._path
        return os.path.join(self._path, name) if name else self._path

    def place_of(self, kind: str, name: str, field_path: str = "") -> str:
        """``file:line`` of an object or, as far as it is there, of its field; empty where it is not found."""
        for file, document in self._documents(kind, name):
            if document.text("kind") == kind and document.text("metadata", "name") == name:
                return f"{self.file(file)}:{document.line(field_path)}"
        return ""

    def written(self, kind: str, name: str, field_paths: Sequence[str]) -> list[str]:
        """Those of the fields that the manifest of an object has."""
        for _file, document in self._documents(kind, name):
            if document.text("kind") == kind and document.text("metadata", "name") == name:
                return [path for path in field_paths if document.has(path)]
        return []

    def defines(self, kind: str, group: str) -> bool:
        """Whether it has the custom resource definition of a kind."""
        return any(
            document.text("kind") == "CustomResourceDefinition"
            and document.text("spec", "group") == group
            and document.text("spec", "names", "kind") == kind
            for _file, document in self._documents("CustomResourceDefinition", group, kind)
        )

    def encrypted(self) -> list[str]:
        """``file:line`` of each object that SOPS has encrypted."""
        return [
            f"{self.file(file)}:{document.line()}"
            for file, document in self._documents("sops", "ENC[")
            if document.has("sops.mac")
        ]

    def refuse_unbounded(self) -> None:
        """Raise LoopError for a file whose aliases multiply beyond what anybody should try to read."""
        for name, content in self._contents:
            if may_repeat(content):
                try:
                    read(content)
                except BoundsError as error:
                    line = f":{error.line}" if error.line else ""
                    raise LoopError(
                        f"{self.file(name)}{line}: {error.problem}. Make the file smaller, or ignore it."
                    ) from error
                except UnreadableError:  # Flux says so, if it reads the file at all
                    continue

    def _documents(self, *words: str) -> Iterator[tuple[str, Document]]:
        """The documents of the files in which all of the words stand."""
        for name, content in self._contents:
            if all(word.encode() in content for word in words):
                yield from ((name, document) for document in self._read(name, content))

    def _read(self, name: str, content: bytes) -> list[Document]:
        if name not in self._known:
            try:
                self._known[name] = read(content)
            except UnreadableError:  # Flux says so, if it reads the file at all
                self._known[name] = []
        return self._known[name]

    @cached_property
    def _contents(self) -> list[tuple[str, bytes]]:
        return list(_contents(self._archive))


def _contents(archive: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    for member, blocks in read_tar(archive):
        if blocks is not None and member.name.endswith((".yaml", ".yml", ".json")):
            with suppress(UnreadableError):
                yield member.name, utf8(b"".join(blocks))


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
