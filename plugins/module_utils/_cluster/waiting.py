# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Wait for one object."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError

WATCH_WINDOW = 30  # seconds after which a watch is begun anew: a connection may have died silently
RETRY_SECONDS = 0.3


def wait_until(
    cluster: Cluster, ref: ObjectRef, wait_seconds: float, settled: Callable[[Object | None], bool]
) -> tuple[Object | None, bool]:
    """The object, None where it is gone, once ``settled`` or after ``wait_seconds``; whether it settled."""
    deadline = time.monotonic() + wait_seconds
    item: Object | None = None
    selector = f"metadata.name={ref.name}"
    while True:
        try:
            listing = cluster.list(ref.kind, ref.namespace, field_selector=selector)
            item = next(iter(listing.items), None)
            remaining = deadline - time.monotonic()
            if settled(item) or remaining <= 0:
                return item, settled(item)
            events = cluster.watch(
                ref.kind,
                ref.namespace,
                resource_version=listing.resource_version,
                timeout_seconds=max(1, min(WATCH_WINDOW, round(remaining))),
                field_selector=selector,
            )
            for event in events:
                if event.type != "BOOKMARK":
                    item = None if event.type == "DELETED" else event.item
                    if settled(item):
                        events.close()
                        return item, True
        except ClusterError as error:
            if not error.is_passing or time.monotonic() >= deadline:
                raise
            time.sleep(RETRY_SECONDS)
