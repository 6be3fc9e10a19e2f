# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What can be packed, and yet nobody wants: Secrets in plain text, broken YAML, references to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import CHUNK, read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.kustomization import (
    is_kustomization,
    referenced_files,
    secret_files,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import mentions_secret
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    UnreadableError,
    documents,
    utf8,
)

NAMED_IN_A_WARNING = 5
_MANIFESTS = (".yaml", ".yml", ".json")
_IN_EVERY_SECRET = (b"ecret", b"e\0c\0r\0e\0t")  # of `kind: Secret` and `secretGenerator`, also in UTF-16
_ENCRYPTED = "ENC["  # what SOPS replaces each value by


@dataclass
class Findings:
    """Files with Secrets in plain text, files that cannot be read and why, and references to what is ignored.

    Nobody can tell whether a file that cannot be read holds a Secret.
    """

    secrets: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """What there is to say of each kind."""
        told = []
        if self.secrets:
            told.append(f"{plain_secrets(self)} Encrypt them with SOPS, or set `secrets` to allow.")
        if self.broken:
            told.append(
                f"These are no YAML, which Flux cannot apply: {named(self.broken)}. Correct or ignore them."
            )
        if self.hidden:
            told.append(
                f"Flux will not find what is ignored: {named(self.hidden)}. Change `.sourceignore` or "
                "`ignore`, or remove the reference."
            )
        return told


def examine(archive: IO[bytes], ignored: Sequence[str], *, parses: bool) -> Findings:
    """What there is to say about an archive, where ``ignored`` was left out (folders with a trailing slash).

    ``parses`` says whether all manifests are read, which takes some 0.1 s for each MB, or only what mentions
    Secrets.
    """
    found = Findings()
    # Most artifacts have no Secret: a search is some forty times as fast as reading every header.
    if not parses and not _contains(archive, _IN_EVERY_SECRET):
        return found
    generated: list[str] = []
    for name, content in _manifests(archive):
        try:
            text = utf8(content)
            if not (parses or is_kustomization(name) or mentions_secret(text.decode("utf-8", "replace"))):
                continue
            read = documents(text)
        except UnreadableError as error:
            found.broken.append(f"{name} ({error})")
            continue
        if any(map(_holds_plain_secret, read)):
            found.secrets.append(name)
        if is_kustomization(name):
            generated += [file for document in read for file in secret_files(name, document)]
            references = [file for document in read for file in referenced_files(name, document)]
            found.hidden += [f"{file} ({name} refers to it)" for file in _ignored(references, ignored)]
    found.secrets += _plain_files(archive, set(generated))
    return found


def plain_secrets(found: Findings) -> str:
    """A sentence that names the files with Secrets in plain text."""
    return f"These hold Secrets in plain text, which everybody can read who may pull: {named(found.secrets)}."


def named(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    return some_of(names, NAMED_IN_A_WARNING)


def _contains(archive: IO[bytes], texts: Sequence[bytes]) -> bool:
    """Whether an archive contains one of the texts."""
    archive.seek(0)
    overlap = 1 - max(map(len, texts))
    searched = b""
    while block := archive.read(CHUNK):
        searched = searched[overlap:] + block
        if any(text in searched for text in texts):
            return True
    return False


def _manifests(archive: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    for entry, blocks in read_tar(archive):
        if blocks is not None and (entry.name.endswith(_MANIFESTS) or is_kustomization(entry.name)):
            yield entry.name, b"".join(blocks)


def _holds_plain_secret(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("items"), list):
        return any(map(_holds_plain_secret, document["items"]))
    generators = document.get("secretGenerator")
    if isinstance(generators, list):
        return any(isinstance(generator, dict) and generator.get("literals") for generator in generators)
    if document.get("kind") != "Secret":
        return False
    values = [
        value
        for key in ("data", "stringData")
        if isinstance(document.get(key), dict)
        for value in document[key].values()
    ]
    return any(value and not str(value).startswith(_ENCRYPTED) for value in values)


def _ignored(files: Iterable[str], ignored: Sequence[str]) -> list[str]:
    names = set(ignored)
    folders = tuple(name for name in ignored if name.endswith("/"))
    return [file for file in files if file in names or f"{file}/".startswith(folders)]


def _plain_files(archive: IO[bytes], names: set[str]) -> list[str]:
    """Which of the files that Secrets are made from are not encrypted by SOPS."""
    if not names:
        return []
    plain = []
    for entry, blocks in read_tar(archive):
        if blocks is None or entry.name not in names:
            continue
        content = b"".join(blocks)
        if content.strip() and _ENCRYPTED.encode() not in content:
            plain.append(entry.name)
    return plain
