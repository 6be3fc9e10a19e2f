# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that certainly build: small manifests that kustomize only has to list.

To render one with the flux program costs as much time as to push it. What is not certain here is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.kustomization import (
    is_kustomization,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    UnreadableError,
    documents,
)

LARGEST = 64 * 1024  # bytes of all manifests; above, rendering takes no longer than looking
# What has no part in the build. https://fluxcd.io/flux/components/kustomize/kustomizations/
_NOT_BUILT_WITH = frozenset(
    {
        "deletionPolicy",
        "dependsOn",
        "force",
        "healthCheckExprs",
        "healthChecks",
        "ignore",
        "interval",
        "kubeConfig",
        "prune",
        "retryInterval",
        "serviceAccountName",
        "sourceRef",
        "suspend",
        "timeout",
        "wait",
    }
)
# Of YAML only what all of its parsers read in one way: in each line a key, or an item of a list, with a value
# that is quoted, or words, or a list of such in brackets; below `|` and `>` anything that can be printed.
_PRINTED = r"(?:[ -~]|\w)*"
_QUOTED = r"""(?:"(?:[ !#-\[\]-~]|\w)*"|'(?:[ -&(-~]|\w)*')"""
_WORD = r"-?[\w/](?:[\w./:+@=-]*[\w./+@=-])?"
_ITEM = rf"(?:{_QUOTED}|[\w/][\w./-]*)"
_VALUE = rf"(?:{_QUOTED}|{_WORD}(?: {_WORD})*|\[(?:{_ITEM}(?:, ?{_ITEM})*)?\]|\{{\}})"
_KEY = rf"(?:[A-Za-z_][\w./-]*|{_QUOTED}):"
_LINE = re.compile(
    rf"(?P<indent> *(?:- +)*)(?:{_KEY}(?: +(?:{_VALUE}|(?P<block>[|>][+-]?)))?|(?<=- ){_VALUE})"
    rf"(?: +#{_PRINTED}| *)| *#{_PRINTED}| *|---"
)
_API_VERSION = re.compile(r"(?:[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*/)?v\d+(?:(?:alpha|beta)\d+)?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
# A text to every parser of YAML: none begins so but for these words.
_NAME = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null|nan|inf)$)[a-z](?:[a-z0-9.-]*[a-z0-9])?")
# What may have been no text before it became a key.
_WORDS = frozenset({"true", "false"})
# With these annotations kustomize does more than to list an object.
_KUSTOMIZE = re.compile(r"kustomize|config\.kubernetes\.io|config\.k8s\.io")


def certainly_builds(kustomization: Object, archive: IO[bytes]) -> bool:
    """Whether kustomize-controller builds a folder, packed as ``archive``, without a doubt."""
    if not _NOT_BUILT_WITH.issuperset(kustomization["spec"]):
        return False
    left = LARGEST
    identities: set[Identity] = set()
    for entry, blocks in read_tar(archive):
        if is_kustomization(entry.name):
            return False
        if blocks is None or not entry.name.endswith((".yaml", ".yml")):
            continue
        content = _read(blocks, left)
        left -= len(content)
        found = identities_of(content) if left >= 0 else None
        if found is None or len(set(found)) < len(found) or not identities.isdisjoint(found):
            return False
        identities.update(found)
    return bool(identities)


def _read(blocks: Iterator[bytes], most: int) -> bytes:
    """The bytes of a file, of which none is read any more once there are more than ``most``."""
    content = b""
    while len(content) <= most and (block := next(blocks, b"")):
        content += block
    return content


def identities_of(content: bytes) -> list[Identity] | None:
    """What identifies each object in a file; None unless all certainly are plain ones."""
    try:
        text = content.decode()
        if not _is_certain_yaml(text):
            return None
        found = [_identity(document) for document in documents(text)]
    except (UnreadableError, UnicodeDecodeError):
        return None
    return [each for each in found if each] if found and all(found) else None


def _is_certain_yaml(text: str) -> bool:
    block: int | None = None  # how far a text may be indented at most not to belong to a block any more
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (indent > block or not line):
            if not re.fullmatch(_PRINTED, line):
                return False
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            return False
        block = len(match["indent"]) if match["block"] else None
    return True


def _identity(document: Any) -> Identity | None:
    """What tells an object from all others; None unless it certainly is a plain one."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or not _has_plain_keys(document):
        return None
    version, kind = _text(document.get("apiVersion"), _API_VERSION), _text(document.get("kind"), _KIND)
    name = _text(metadata.get("name"), _NAME)
    namespace = _text(metadata["namespace"], _NAME) if "namespace" in metadata else "default"
    if not version or not kind or not name or not namespace:
        return None
    # Flux looks into a Secret, kustomize into a list.
    if kind == "Secret" or kind.endswith("List") or "kustomize" in version:
        return None
    if not all(_are_texts(metadata[each]) for each in ("labels", "annotations") if each in metadata):
        return None
    return Identity(version.rpartition("/")[0], kind, namespace, name)


def _text(value: Any, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _are_texts(fields: Any) -> bool:
    """Whether all values of labels or annotations are texts, and none of them is for kustomize."""
    return isinstance(fields, dict) and all(
        isinstance(value, str) and not _KUSTOMIZE.search(key) for key, value in fields.items()
    )


def _has_plain_keys(document: Any) -> bool:
    """Whether all keys certainly are texts."""
    pending: list[Any] = [document]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if not _WORDS.isdisjoint(each):
                return False
            pending += each.values()
        elif isinstance(each, list):
            pending += each
    return True
