# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the collection asks of a cluster, and what it gets: a protocol, and its errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError


class ClusterError(LoopError):
    """A request that failed.

    ``status`` is the HTTP status, None where no answer came; ``causes`` are those of the API's Status, each
    with a message and, mostly, a field. ``said`` and ``reason`` are its own message and reason.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        causes: Sequence[Object] = (),
        *,
        said: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.causes = causes
        self.said = said or message
        self.reason = reason

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status is None or self.status in (410, 429) or self.status >= 500


@dataclass(frozen=True)
class Listing:
    """Objects of one kind, and the resourceVersion from which a watch continues."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True)
class WatchEvent:
    """One event of a watch: type is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    item: Object


class Watch(Protocol):
    """The events of one watch. Iterating ends when the server ends it or when another thread closes it."""

    def __iter__(self) -> Iterator[WatchEvent]: ...

    def close(self) -> None: ...


class Cluster(Protocol):
    """What the collection asks of a cluster. Everything raises ClusterError."""

    @property
    def origin(self) -> str:
        """Which cluster this is: ``path of the kubeconfig#context``, or the host."""

    @property
    def server(self) -> str:
        """The address of its API server."""

    def get(self, ref: ObjectRef) -> Object | None:
        """The object, None where it does not exist."""

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        field_selector: str | None = None,
        label_selector: str | None = None,
        limit: int | None = None,
    ) -> Listing:
        """The objects of a kind, of all namespaces without ``namespace``; at most ``limit`` of them."""

    def create(self, kind: Kind, manifest: Object, *, dry_run: bool = False) -> Object:
        """The object after its creation; a review comes back with its answer."""

    def kinds(self, api_version: str) -> Sequence[Kind]:
        """The kinds of a version of the API; none where the cluster does not serve it."""

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
        """The object after a server-side apply; unless ``is_strict`` unknown fields are dropped."""

    def would_become(self, ref: ObjectRef, item: Object, *, manager: str) -> Object:
        """The object as it would be after a replacement by ``item``, which is not done."""

    def merge_patch(self, ref: ObjectRef, patch: Object, *, manager: str) -> Object:
        """The object after a JSON merge patch."""

    def delete(self, ref: ObjectRef, *, dry_run: bool = False) -> None:
        """Ask for the deletion of an object; one that does not exist is fine."""

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str,
        timeout_seconds: int,
        field_selector: str | None = None,
    ) -> Watch:
        """What happens to the objects of a kind after ``resource_version``."""

    def fetch(self, path: str, **query: str | int) -> str | None:
        """What the API has at ``path``, as text; None where there is nothing."""


class NotFoundError(ClusterError):
    """The object does not exist, though its kind does."""
