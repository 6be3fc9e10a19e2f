# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What can be packed, and yet nobody wants: Secrets in plain text, broken YAML, references to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
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
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import documents

with suppress(ImportError):  # module.require() names what is missing
    import yaml

LARGEST_CHECKED = 8 * 1024 * 1024  # bytes of a file; no manifest is larger
NAMED_IN_A_WARNING = 5
_YAML = (".yaml", ".yml")
_IN_EVERY_SECRET = b"ecret"  # of `kind: Secret`, and of `secretGenerator`
_ENCRYPTED = "ENC["  # what SOPS replaces each value by


@dataclass
class Findings:
    """Files with Secrets in plain text, files that are no YAML and why, and references to what is ignored."""

    secrets: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """A sentence for each kind but Secrets."""
        told = []
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

    ``parses`` says whether all YAML is parsed, which takes some 12 ms for each MB.
    """
    found = Findings()
    # Most artifacts have no Secret: a search is some forty times as fast as reading every header.
    if not parses and not _contains(archive, _IN_EVERY_SECRET):
        return found
    kept: dict[str, str] = {}
    for name, content in _manifests(archive):
        if parses and name.endswith(_YAML) and (problem := _syntax_error(content)):
            found.broken.append(f"{name} ({problem})")
        if _IN_EVERY_SECRET in content or is_kustomization(name):
            kept[name] = content.decode("utf-8", "replace")
    generated: list[str] = []
    for name, text in kept.items():
        read = (documents(text) or []) if is_kustomization(name) or mentions_secret(text) else []
        if any(map(_holds_plain_secret, read)):
            found.secrets.append(name)
        if is_kustomization(name):
            generated += [file for document in read for file in secret_files(name, document)]
            references = [file for document in read for file in referenced_files(name, document)]
            found.hidden += [f"{file} ({name} refers to it)" for file in _ignored(references, ignored)]
    found.secrets += _plain_files(archive, set(generated))
    return found


def named(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    return some_of(names, NAMED_IN_A_WARNING)


def _contains(archive: IO[bytes], text: bytes) -> bool:
    archive.seek(0)
    searched = b""
    while block := archive.read(CHUNK):
        searched = searched[1 - len(text) :] + block
        if text in searched:
            return True
    return False


def _manifests(archive: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    for entry, blocks in read_tar(archive):
        if blocks is None or not (entry.name.endswith((*_YAML, ".json")) or is_kustomization(entry.name)):
            continue
        content = bytearray()
        for block in blocks:
            content += block
            if len(content) > LARGEST_CHECKED:
                break
        else:
            yield entry.name, bytes(content)


def _syntax_error(content: bytes) -> str | None:
    """What libyaml finds wrong; None also where PyYAML comes without it, whose own parser takes too long."""
    parser: Any = getattr(yaml, "CSafeLoader", None)
    if parser is None:
        return None
    loader = None
    try:
        loader = parser(content)
        loader.raw_parse()  # no objects are made of it
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return f"line {mark.line + 1}: {error.problem}" if mark else str(error.problem)
    except (yaml.YAMLError, ValueError) as error:
        return str(error).split("\n", maxsplit=1)[0]
    finally:
        if loader is not None:
            loader.dispose()
    return None


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
