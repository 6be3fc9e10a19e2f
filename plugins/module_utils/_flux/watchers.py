# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Any number of objects watched on one connection for each kind, begun anew whenever it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    Cluster,
    ClusterError,
    Listing,
    Watch,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.waiting import (
    RETRY_SECONDS,
    WATCH_WINDOW,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import EVENT


@dataclass(frozen=True)
class News:
    """Objects of a kind as they are now; with ``is_all`` the scope holds no others."""

    kind: Kind
    items: Sequence[Object]
    is_all: bool = False
    gone: ObjectRef | None = None


def namespace_of(refs: Iterable[ObjectRef]) -> str | None:
    """The namespace of all ``refs``; None where they are in several."""
    namespaces = {ref.namespace for ref in refs}
    return namespaces.pop() if len(namespaces) == 1 else None


@dataclass(frozen=True)
class Scope:
    """What one connection lists and watches: a kind, in one namespace or all, one name or all."""

    kind: Kind
    namespace: str | None
    field_selector: str | None = None
    limit: int | None = None  # of what is listed

    @classmethod
    def of(cls, refs: Iterable[ObjectRef]) -> Scope:
        """The narrowest scope that holds all ``refs``, which are of one kind."""
        distinct = set(refs)
        some = next(iter(distinct))
        selector = f"metadata.name={some.name}" if len(distinct) == 1 else None
        return cls(some.kind, namespace_of(distinct), selector)

    def list(self, cluster: Cluster) -> Listing:
        return cluster.list(self.kind, self.namespace, field_selector=self.field_selector, limit=self.limit)

    def watch(self, cluster: Cluster, resource_version: str) -> Watch:
        return cluster.watch(
            self.kind,
            self.namespace,
            resource_version=resource_version,
            timeout_seconds=WATCH_WINDOW,
            field_selector=self.field_selector,
        )


class Watchers:
    """One watch for each scope, each in a thread of its own, begun anew whenever it ends."""

    def __init__(self, cluster: Cluster, listings: Mapping[Scope, Listing]) -> None:
        self.interruption: ClusterError | None = None
        self._cluster = cluster
        self._seen: queue.SimpleQueue[News | Exception] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._watches: dict[Scope, Watch] = {}
        for scope, listing in listings.items():
            threading.Thread(target=self._run, args=(scope, listing.resource_version), daemon=True).start()

    def __enter__(self) -> Watchers:
        return self

    def __exit__(self, *unused: object) -> None:
        self._closed.set()
        for watch in list(self._watches.values()):
            watch.close()

    def next(self, wait_seconds: float) -> list[News]:
        """What was seen since the last call, at the latest after ``wait_seconds``."""
        batch: list[News] = []
        try:
            entry = self._seen.get(timeout=max(0.0, wait_seconds))
            while True:
                if isinstance(entry, Exception):
                    raise entry
                batch.append(entry)
                entry = self._seen.get_nowait()
        except queue.Empty:
            return batch

    def _run(self, scope: Scope, resource_version: str) -> None:
        version: str | None = resource_version
        while not self._closed.is_set():
            try:
                if version is None:
                    listing = scope.list(self._cluster)
                    version = listing.resource_version
                    self._seen.put(News(scope.kind, listing.items, is_all=True))
                self._pass_on(scope, version)
                self.interruption = None
            except ClusterError as error:
                is_needed = scope.kind != EVENT  # which proves nothing
                if not error.is_passing:
                    if is_needed:
                        self._seen.put(error)
                    return
                if is_needed:
                    self.interruption = error
                self._closed.wait(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a time-out
                self._seen.put(error)
                return
            version = None

    def _pass_on(self, scope: Scope, version: str) -> None:
        watch = scope.watch(self._cluster, version)
        self.interruption = None
        self._watches[scope] = watch
        if self._closed.is_set():
            watch.close()
        for event in watch:
            if event.type == "DELETED":
                self._seen.put(News(scope.kind, [], gone=ref_of(scope.kind, event.item)))
            elif event.type != "BOOKMARK":
                self._seen.put(News(scope.kind, [event.item]))
