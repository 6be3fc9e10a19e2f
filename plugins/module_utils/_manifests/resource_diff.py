# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests compared by resource: which ones differ, and in which fields. Secrets are never shown."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

try:
    import yaml
except ImportError:  # module.require() names what is missing
    HAS_YAML = False
else:
    HAS_YAML = True

Object = dict[str, Any]

# A file whose anchors multiply into more than this is compared as text.
MOST_FIELDS = 50_000
# What items of a list are told apart by; the merge keys of Kubernetes' own lists of objects.
_ITEM_KEYS = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
# Whatever mentions a Secret is never shown as it is written, only after masking.
_MENTIONS_SECRET = re.compile(r"kind[\"']?\s*:\s*[\"']?Secret\b|secretGenerator")

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
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it the same resource: the group of its API, kind, namespace and name."""
        group = str(self.content["apiVersion"]).rpartition("/")[0]
        return (group, self.kind, self.namespace or "", self.name)

    @property
    def title(self) -> str:
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True)
class FieldChange:
    """A field that differs, its values as JSON; None where there is no such field."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ResourceChange:
    """A resource that differs: ``added``, ``removed``, ``changed`` or ``moved`` to another file unchanged."""

    change: str
    before: Resource | None
    after: Resource | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def resource(self) -> Resource:
        """The resource as it is afterwards, or as it was."""
        resource = self.after or self.before
        if resource is None:
            raise ValueError("a change without a resource")
        return resource

    def as_dict(self) -> dict[str, Any]:
        """As a module returns it."""
        resource = self.resource
        return {
            "change": self.change,
            "api_version": resource.content["apiVersion"],
            "kind": resource.kind,
            "namespace": resource.namespace,
            "name": resource.name,
            "file": resource.file,
            "previous_file": self.before.file if self.before else None,
            "fields": [
                {"field": each.field, "before": each.before, "after": each.after} for each in self.fields
            ],
        }


class Mask:
    """Stands in for secret values: equal ones look equal, and nobody can try out what they are.

    That is why the ``key`` is a new one for each comparison, and forgotten afterwards.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def value(self, secret: Any) -> str:
        """The stand-in for one value."""
        # YAML keeps anchors, which JSON would multiply.
        text = secret if isinstance(secret, str) else f"{type(secret)} {yaml.safe_dump(secret)}"
        return f"*** ({hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:6]})"

    def document(self, document: Any) -> Any:
        """A document of a manifest, without the values of Secrets and of kustomize's secretGenerator."""
        if not isinstance(document, dict):
            return self._mentions_masked(document)
        masked = self._mentions_masked(document)
        if document.get("kind") == "Secret":
            masked = self._secret(masked)
        if isinstance(document.get("items"), list):
            masked["items"] = [self.document(item) for item in document["items"]]
        generators = document.get("secretGenerator")
        if isinstance(generators, list):
            masked["secretGenerator"] = [self._generator(generator) for generator in generators]
        return masked

    def _secret(self, document: Object) -> Object:
        masked = dict(document)
        for name in ("data", "stringData"):
            values = document.get(name)
            if isinstance(values, dict):
                masked[name] = {key: self.value(value) for key, value in values.items()}
            elif values is not None:
                masked[name] = self.value(values)
        metadata = document.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        applied = "kubectl.kubernetes.io/last-applied-configuration"
        if isinstance(metadata, dict) and isinstance(annotations, dict) and applied in annotations:
            hidden = dict(annotations) | {applied: self.value(annotations[applied])}
            masked["metadata"] = dict(metadata) | {"annotations": hidden}
        return masked

    def _generator(self, generator: Any) -> Any:
        if not isinstance(generator, dict) or not isinstance(generator.get("literals"), list):
            return generator
        literals = []
        for literal in generator["literals"]:
            key, equals, value = str(literal).partition("=")
            literals.append(f"{key}={self.value(value)}" if equals else self.value(literal))
        return dict(generator) | {"literals": literals}

    def _mentions_masked(self, value: Any, depth: int = 0) -> Any:
        """``value``, less the texts in it that hold a Secret themselves, as an inline patch may."""
        if isinstance(value, str):
            return self.value(value) if _MENTIONS_SECRET.search(value) else value
        if depth > 3:  # kustomize's patches[].patch is at 3; going on would multiply anchors
            return value
        if isinstance(value, dict):
            return {key: self._mentions_masked(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self._mentions_masked(each, depth + 1) for each in value]
        return value


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


def mentions_secret(text: str) -> bool:
    """Whether a text may hold the values of a Secret."""
    return bool(_MENTIONS_SECRET.search(text))


def without_secrets(text: str, mask: Mask) -> str | None:
    """``text`` as it can be shown, None where nobody can tell what in it is secret."""
    if not mentions_secret(text):
        return text
    found = documents(text)
    if found is None:
        return None
    return "---\n".join(dumped(mask.document(document)) for document in found)


def dumped(document: Any) -> str:
    """A document as YAML."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


def changed_resources(
    before: Sequence[Resource], after: Sequence[Resource], mask: Mask
) -> list[ResourceChange]:
    """How the resources differ. One is the same by its file and identity, or else by its identity alone.

    Raises ValueError where anchors multiply a document beyond all bounds.
    """
    pairs, gone, new = _paired(before, after, by_file=True)
    moved, gone, new = _paired(gone, new, by_file=False)
    changes = [
        ResourceChange("changed" if fields else "moved", one, other, fields)
        for one, other in [*pairs, *moved]
        if (fields := field_changes(mask.document(one.content), mask.document(other.content)))
        or one.file != other.file
    ]
    changes += [ResourceChange("removed", one, None) for one in gone]
    changes += [ResourceChange("added", None, one) for one in new]
    return sorted(changes, key=lambda change: (change.resource.file, change.resource.identity, change.change))


def _paired(
    before: Sequence[Resource], after: Sequence[Resource], *, by_file: bool
) -> tuple[list[tuple[Resource, Resource]], list[Resource], list[Resource]]:
    """Pairs of the same resource, and what is left over on either side."""
    waiting: dict[tuple[str, ...], list[Resource]] = {}
    for resource in after:
        waiting.setdefault(_key(resource, by_file), []).append(resource)
    pairs, gone = [], []
    for resource in before:
        same = waiting.get(_key(resource, by_file))
        if same:
            pairs.append((resource, same.pop(0)))
        else:
            gone.append(resource)
    return pairs, gone, [resource for rest in waiting.values() for resource in rest]


def _key(resource: Resource, by_file: bool) -> tuple[str, ...]:
    return (resource.file if by_file else "", *resource.identity)


def field_changes(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """The fields in which two objects differ. Raises ValueError beyond MOST_FIELDS."""
    one, other = dict(_leaves(before)), dict(_leaves(after))
    return tuple(
        FieldChange(name, one.get(name), other.get(name))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    )


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """Every value of an object by the path of its field, as JSON."""
    waiting: list[tuple[str, Any]] = [("", value)]
    for count in range(MOST_FIELDS):
        if not waiting:
            return
        path, current = waiting.pop()
        below = _below(path, current)
        if below:
            waiting += reversed(below)
        elif count:
            yield path, json.dumps(current, sort_keys=True, ensure_ascii=False, default=str)
    raise ValueError("too many fields")


def _below(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(_joined(path, str(key)), each) for key, each in value.items()]
    if not isinstance(value, list) or not any(isinstance(each, (dict, list)) for each in value):
        return []
    names = _item_names(value)
    return [(f"{path}[{name}]", each) for name, each in zip(names, value, strict=True)]


def _item_names(items: Sequence[Any]) -> Sequence[str]:
    for key in _ITEM_KEYS:
        names = [str(each[key]) for each in items if isinstance(each, dict) and key in each]
        if len(set(names)) == len(items):
            return names
    return [str(index) for index in range(len(items))]


def _joined(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
