# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The reader of manifests: YAML and JSON as Flux reads them, with the line of each field.

Whatever kustomize reads is read to the same values. What it refuses may be read all the same, so that nothing
in a file is overlooked: several documents in UTF-16, JSON's surrogate pairs, keys that are numbers.
Nothing else in this project reads manifests.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.scalars import (
    MERGE,
    TEXT,
    value_of,
)

try:
    import yaml
except ImportError:  # module.require() names what is missing
    HAS_YAML = False
else:
    HAS_YAML = True

LARGEST = 32 * 1024 * 1024  # bytes of a file
DEEPEST = 200  # levels; the deepest resource definitions have some 60
MOST_REPEATED = 100_000  # fields and items that the aliases of a file may repeat

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ANCHOR = re.compile(rb"&([0-9A-Za-z_-]*)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
# JSON writes a character beyond the first 65,536 as two escapes, of which YAML knows no half.
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile(rb"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def composer(loader: Any) -> Any:
    """A loader of PyYAML that makes nodes of a text, and leaves to us what a scalar means."""
    return type(
        "Composer",
        (loader,),
        {
            "resolve": lambda _self, _kind, _value, _implicit: "",
            "descend_resolver": lambda _self, _node, _index: None,
            "ascend_resolver": lambda _self: None,
        },
    )


# C's parser is some thirty times as fast; PyYAML comes without it on some platforms.
Composer: Any = composer(getattr(yaml, "CBaseLoader", yaml.BaseLoader)) if HAS_YAML else None


class UnreadableError(ValueError):
    """Why a file cannot be read, and the line of it, if it is known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.problem = problem
        self.line = line


class BoundsError(UnreadableError):
    """A file that is too large, too deep, or that its aliases make so."""


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    _node: Any

    def value(self) -> Any:
        """What it says, where an alias is the very object that its anchor is. Raises UnreadableError."""
        return _Values().of(self._node, 1)

    def text(self, *keys: str) -> str:
        """The text of the scalar below ``keys``; empty where there is none."""
        node = self._node
        for key in keys:
            node = _below(node, key)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else ""

    def has(self, field_path: str) -> bool:
        """Whether it has a field such as ``spec.ports[0].port``."""
        node = self._node
        for name, index in _STEP.findall(field_path):
            node = _below(node, name or index)
        return node is not None

    def line(self, field_path: str = "") -> int:
        """The line of a field such as ``spec.ports[0].port``, or of as much of it as there is."""
        node = self._node
        for name, index in _STEP.findall(field_path):
            below = _below(node, name or index)
            if below is None:
                break
            node = below
        return _line(node)


def read(content: bytes | str) -> list[Document]:
    """The documents of a file. Raises UnreadableError.

    Aliases that multiply beyond bounds are found before anything is made of them.
    """
    content = utf8(content)
    if len(content) > LARGEST:
        raise BoundsError(f"it is larger than {LARGEST >> 20} MiB")
    nodes = _composed(_with_pairs_joined(content))
    if may_repeat(content):
        bounds = _Bounds()
        for node in nodes:
            bounds.check(node)
    return [Document(node) for node in nodes]


def utf8(content: bytes | str) -> bytes:
    """A file in UTF-8, as which it can be searched. Raises UnreadableError."""
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    if not content.startswith(_UTF_16):
        return content
    try:
        return content.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise UnreadableError("it begins as UTF-16 does, and is not UTF-16") from error


def may_repeat(content: bytes) -> bool:
    """Whether a file, in UTF-8, may have an anchor and an alias of it. It costs much less than to read it."""
    return b"*" in content and any(b"*" + name in content for name in set(_ANCHOR.findall(content)))


def documents(content: bytes | str) -> list[Any]:
    """What the documents of a file say, without empty ones. Raises UnreadableError."""
    return [value for document in read(content) if (value := document.value()) is not None]


def _composed(content: bytes) -> list[Any]:
    try:
        return list(yaml.compose_all(content, Composer))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(str(error.problem or error.context), mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        line = content.count(b"\n", 0, error.position) + 1
        raise UnreadableError(str(error.reason), line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(str(error).split("\n", maxsplit=1)[0]) from error
    except RecursionError as error:  # of PyYAML's own parser
        raise BoundsError("it is nested too deeply") from error


def _with_pairs_joined(content: bytes) -> bytes:
    """JSON with each surrogate pair as one escape of YAML."""
    if content.lstrip()[:1] not in (b"{", b"["):
        return content
    return _PAIR.sub(_joined, content)


def _joined(pair: re.Match[bytes]) -> bytes:
    high, low = (int(pair[number], 16) for number in (2, 3))
    return pair[1] + b"\\U%08X" % (0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))


@dataclass
class _Bounds:
    """Counts what aliases repeat, and how deep that nests, without repeating it."""

    _known: dict[int, tuple[int, int] | None] = field(default_factory=dict)
    _repeated: int = 0

    def check(self, node: Any, depth: int = 1) -> tuple[int, int]:
        """How many nodes one stands for, and in how many levels. Raises UnreadableError."""
        if id(node) in self._known:
            return self._again(node)
        if depth > DEEPEST:
            raise _too_deep(node)
        self._known[id(node)] = None  # before its end
        below = [self.check(child, depth + 1) for child in _children(node)]
        size = 1 + sum(size for size, _levels in below)
        levels = 1 + max((levels for _size, levels in below), default=0)
        if levels > DEEPEST:
            raise _too_deep(node)
        self._known[id(node)] = size, levels
        return size, levels

    def _again(self, node: Any) -> tuple[int, int]:
        known = self._known[id(node)]
        if known is None:
            raise BoundsError("an anchor holds an alias of itself", _line(node))
        self._repeated += known[0]
        if self._repeated > MOST_REPEATED:
            raise BoundsError(f"its aliases repeat more than {MOST_REPEATED:,} fields and items", _line(node))
        return known


def _too_deep(node: Any) -> BoundsError:
    return BoundsError(f"it is nested more than {DEEPEST} levels deep", _line(node))


@dataclass
class _Values:
    """Makes values of nodes, one for each."""

    _made: dict[int, Any] = field(default_factory=dict)

    def of(self, node: Any, depth: int) -> Any:
        """The value of a node that is ``depth`` levels deep. Raises UnreadableError."""
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._made:
            return self._made[id(node)]
        if depth > DEEPEST:
            raise _too_deep(node)
        value: Any
        if isinstance(node, yaml.SequenceNode):
            value = [self.of(item, depth + 1) for item in node.value]
        else:
            value = self._mapping(node, depth)
        self._made[id(node)] = value
        return value

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: dict[str, Any] | None = None
        for key, item in node.value:
            if _is_merge(key):
                if merged is not None:
                    raise UnreadableError("a second merge key `<<` in one mapping", _line(key))
                merged = self._merged(item, depth)
                continue
            name = _key(key)
            if name in own:
                raise UnreadableError(f"key {name!r} is already there, in line {lines[name]}", _line(key))
            own[name] = self.of(item, depth + 1)
            lines[name] = _line(key)
        return own if not merged else merged | own

    def _merged(self, node: Any, depth: int) -> dict[str, Any]:
        """What the merge key ``<<`` brings: of several mappings, the first that has a key."""
        listed = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for each in reversed(listed):
            if not isinstance(each, yaml.MappingNode):
                raise UnreadableError("the merge key `<<` takes mappings alone", _line(each))
            merged |= self.of(each, depth + 1)
        return merged


def _scalar(node: Any) -> Any:
    if node.style == '"' and _SURROGATE.search(node.value):  # which libyaml refuses by itself
        raise UnreadableError("half of a surrogate pair", _line(node))
    try:
        return value_of(node.value, node.tag, is_plain=not node.style)
    except ValueError as error:
        raise UnreadableError(str(error), _line(node)) from error


def _key(node: Any) -> str:
    """A key as JSON has it: https://pkg.go.dev/sigs.k8s.io/yaml says how."""
    key = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(key, bool):
        return "true" if key else "false"
    if not isinstance(key, (str, int, float)):
        raise UnreadableError("a key is not a text", _line(node))
    return str(key)


def _is_merge(node: Any) -> bool:
    if not isinstance(node, yaml.ScalarNode) or node.value != "<<":
        return False
    return node.tag == MERGE or (node.tag != TEXT and not node.style)


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _below(node: Any, key: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
        return node.value[int(key)]
    return None


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def dumped(document: Any) -> str:
    """A document as YAML."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))
