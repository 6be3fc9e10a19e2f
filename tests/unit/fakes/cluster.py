# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster in memory, which owns fields as server-side apply does and records what was asked of it."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    Listing,
    NotFoundError,
    WatchEvent,
)


class MemoryWatch:
    """A watch of the events that are put into it; an error that is put is raised, None ends it.

    ``events.join()`` returns when whoever watches has done with all of them.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.events: queue.Queue[WatchEvent | ClusterError | None] = queue.Queue()

    def __iter__(self) -> Iterator[WatchEvent]:
        while (event := self.events.get()) is not None:
            if isinstance(event, ClusterError):
                raise event
            yield event
            self.events.task_done()

    def close(self) -> None:
        self.events.put(None)


@dataclass
class MemoryCluster:
    """Implements the protocol ``Cluster``.

    ``react`` is what a controller does after a merge patch, ``answer`` what the cluster says to a review.
    """

    objects: dict[ObjectRef, Object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    watches: list[MemoryWatch] = field(default_factory=list)
    react: Callable[[MemoryCluster, ObjectRef], None] = lambda cluster, ref: None
    texts: dict[str, str] = field(default_factory=dict)  # what is at which path
    answer: Callable[[Object], Object] = lambda spec: {"allowed": True}
    server: str = "https://127.0.0.1:6443"
    known: tuple[Kind, ...] = ()
    origin: str = "/tmp/kubeconfig#test"  # noqa: S108 - names nothing that exists
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def get(self, ref: ObjectRef) -> Object | None:
        self.asked.append(f"get {ref}")
        return copy.deepcopy(self.objects.get(ref))

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        field_selector: str | None = None,
        label_selector: str | None = None,
        limit: int | None = None,
    ) -> Listing:
        self.asked.append(f"list {kind.plural} {namespace} {field_selector or label_selector}")
        field, _equals, value = (field_selector or "").partition("=")
        wanted = value if field == "metadata.name" else ""
        label, _equals, value = (label_selector or "").partition("=")
        items = [
            copy.deepcopy(item)
            for ref, item in self.objects.items()
            if ref.kind == kind
            and namespace in (None, ref.namespace)
            and wanted in ("", ref.name)
            and (not label or item["metadata"].get("labels", {}).get(label) == value)
        ]
        return Listing(items[:limit], str(next(self._versions)))

    def create(self, kind: Kind, manifest: Object, *, dry_run: bool = False) -> Object:
        if dry_run:
            self.asked.append(f"dry-run create {ref_of(kind, manifest)}")
            if ref_of(kind, manifest) in self.objects:
                raise ClusterError("it already exists", 409, reason="AlreadyExists")
            return manifest
        self.asked.append(f"create {kind.name} {manifest}")
        return {**manifest, "status": self.answer(manifest.get("spec", {}))}

    def kinds(self, api_version: str) -> Sequence[Kind]:
        self.asked.append(f"kinds {api_version}")
        return [kind for kind in self.known if kind.api_version == api_version]

    def would_become(self, ref: ObjectRef, item: Object, *, manager: str) -> Object:
        self.asked.append(f"dry-run {ref}")
        return copy.deepcopy(item)

    def apply(
        self,
        kind: Kind,
        manifest: Object,
        *,
        manager: str,
        dry_run: bool = False,
        force: bool = False,
        is_strict: bool = True,
    ) -> Object:
        ref = ref_of(kind, manifest)
        self.asked.append(f"{'dry-run' if dry_run else 'apply'} {ref}")
        live = copy.deepcopy(self.objects.get(ref)) or {"metadata": {"managedFields": []}}
        applied = _applied(live, copy.deepcopy(manifest), manager, force=force)
        applied["metadata"]["resourceVersion"] = str(next(self._versions))
        if not dry_run:
            self.put(ref, applied)
        return applied

    def merge_patch(self, ref: ObjectRef, patch: Object, *, manager: str) -> Object:
        self.asked.append(f"patch {ref}")
        if ref not in self.objects:
            raise NotFoundError(f"There is no {ref}.", 404)
        patched = copy.deepcopy(self.objects[ref])
        _merge(patched, patch)
        self.put(ref, patched)
        self.react(self, ref)
        return patched

    def delete(self, ref: ObjectRef, *, dry_run: bool = False) -> None:
        self.asked.append(f"{'dry-run ' if dry_run else ''}delete {ref}")
        if not dry_run:
            self.objects.pop(ref, None)

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str,
        timeout_seconds: int,
        field_selector: str | None = None,
    ) -> MemoryWatch:
        self.asked.append(f"watch {kind.plural} {namespace} {field_selector}")
        self.watches.append(MemoryWatch(kind))
        return self.watches[-1]

    def fetch(self, path: str, **query: str | int) -> str | None:
        self.asked.append(f"fetch {path}")
        asked = "&".join(f"{key}={value}" for key, value in query.items())
        return self.texts.get(f"{path}?{asked}" if asked else path)

    def put(self, ref: ObjectRef, item: Object) -> None:
        """Have ``item`` in the cluster, and tell all watches."""
        item["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[ref] = copy.deepcopy(item)
        for watch in self.watches:
            if watch.kind == ref.kind:
                watch.events.put(WatchEvent("MODIFIED", copy.deepcopy(item)))


def _merge(into: Object, patch: Object) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _leaves(item: Object) -> dict[tuple[str, ...], Any]:
    metadata = {key: item["metadata"][key] for key in ("labels", "annotations") if key in item["metadata"]}

    def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        if isinstance(value, dict) and value:
            for key, nested in value.items():
                yield from walk(nested, (*path, key))
        else:
            yield path, value

    parts = {
        name: value
        for name, value in item.items()
        if name not in ("apiVersion", "kind", "metadata", "status")
    }
    if metadata:
        parts["metadata"] = metadata
    return dict(walk(parts, ()))


def _applied(live: Object, manifest: Object, manager: str, *, force: bool) -> Object:
    wanted, there = _leaves(manifest), _leaves(live)
    owners = {entry["manager"]: _paths(entry["fieldsV1"], ()) for entry in live["metadata"]["managedFields"]}
    conflicts = [
        (path, owner)
        for path, value in wanted.items()
        for owner, owned in owners.items()
        if owner != manager and path in owned and there.get(path) != value
    ]
    if conflicts and not force:
        causes = [
            {"message": f'conflict with "{owner}" using v1', "field": "." + ".".join(path)}
            for path, owner in conflicts
        ]
        raise ClusterError("Apply failed with conflicts", 409, causes)
    others = {owner: owned - {path for path, _owner in conflicts} for owner, owned in owners.items()}
    for path in others.pop(manager, set()) - set(wanted):
        if not any(path in owned for owned in others.values()):
            _drop(live, path)
    for path, value in wanted.items():
        place = live
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    names = {key: manifest["metadata"][key] for key in ("name", "namespace") if key in manifest["metadata"]}
    live["metadata"] |= names
    live["metadata"].setdefault("generation", 1)
    live["metadata"].setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
    live["metadata"]["managedFields"] = [
        {"manager": owner, "operation": "Apply", "fieldsV1": _fields(owned)}
        for owner, owned in {**others, manager: set(wanted)}.items()
        if owned
    ]
    return {**live, "apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}


def _drop(item: Object, path: tuple[str, ...]) -> None:
    *parents, leaf = path
    for key in parents:
        item = item[key]
    item.pop(leaf, None)


def _fields(paths: set[tuple[str, ...]]) -> Object:
    fields: Object = {}
    for path in paths:
        place = fields
        for key in path:
            place = place.setdefault(f"f:{key}", {})
    return fields


def _paths(fields: Object, parent: tuple[str, ...]) -> set[tuple[str, ...]]:
    if not fields:
        return {parent}
    return set().union(*(_paths(nested, (*parent, name[2:])) for name, nested in fields.items()))


def descriptions(api: str, schemas: Any) -> dict[str, str]:
    """What an API server says of the kinds of one version of its API, as ``MemoryCluster.texts`` has it."""
    text = json.dumps({"components": {"schemas": schemas}})
    address = f"/openapi/v3/{api}?hash={hashlib.sha256(text.encode()).hexdigest()}"
    return {"/openapi/v3": json.dumps({"paths": {api: {"serverRelativeURL": address}}}), address: text}


def cluster_with(*items: tuple[Kind, dict[str, Any]]) -> MemoryCluster:
    """A cluster that holds objects, each given with its kind, in the namespace flux-system."""
    cluster = MemoryCluster()
    for kind, item in items:
        cluster.objects[ObjectRef(kind, "flux-system", item["metadata"]["name"])] = item
    return cluster
