# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which of what Flux applied may be other than it applied it, as cheaply as that can be told.

Rendering and a dry run tell for certain, but cost a tenth of a second each workload. What is told here costs
one request for each kind, and spares that where nothing hints at a change since Flux last looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import (
    Path,
    entries,
    owned_by,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.durations import seconds
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.ignored import (
    Pointer,
    ignored_fields,
    leads_to,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rendered import normalized
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rules import (
    CONTROLLER,
    is_undone,
)

_NEVER = datetime.min.replace(tzinfo=UTC)


def inventory_of(kustomization: Object) -> dict[Identity, str]:
    """What a Kustomization has applied, each with the version of its API as ``group/version``."""
    return {entry.identity: entry.api_version for entry in inventory(kustomization)}


def last_looked(kustomization: Object) -> datetime:
    """When Flux last began to reconcile a Kustomization, whole seconds; long ago where that is not known."""
    began = _NEVER
    for entry in kustomization.get("status", {}).get("history") or []:
        took = timedelta()
        with suppress(LoopError):
            took = timedelta(seconds=float(seconds(entry["lastReconciledDuration"], "")))
        began = max(began, _time(entry["lastReconciled"]) - took)
    return began.replace(microsecond=0)


def may_have_drifted(
    kustomization: Object, live: Mapping[Identity, Object], manifests: Sequence[Object], unseen: Iterable[str]
) -> bool:
    """Whether something hints that what a Kustomization applied is other than it applied it.

    ``live`` is what there is of its inventory, but for the kinds in ``unseen``. ``manifests`` are those of
    its folder as they are written, before anything is patched.
    """
    since = last_looked(kustomization)
    hidden = set(unseen)
    applied = [identity for identity in inventory_of(kustomization) if identity.kind not in hidden]
    if any(identity not in live or is_touched(live[identity], since) for identity in applied):
        return True
    written: dict[tuple[str, str, str], list[Object]] = {}
    for item in manifests:
        identity = identity_of(item)
        written.setdefault((identity.group, identity.kind, identity.name), []).append(item)
    return any(
        lacks_fields(live[identity], item, ignored_fields(kustomization, live[identity]))
        for identity in applied
        for item in written.get((identity.group, identity.kind, identity.name), ())
        if (item["metadata"].get("namespace") or identity.namespace) == identity.namespace
    )


def is_touched(item: Object, since: datetime) -> bool:
    """Whether anybody but Flux changed an object since then, or holds fields that Flux takes away."""
    return any(
        is_undone(entry) or (entry.get("manager") != CONTROLLER and _is_later(entry, since))
        for entry in entries(item)
    )


def is_changed_since(item: Object, since: datetime) -> bool:
    """Whether anybody, Flux too, has changed fields of an object since then."""
    return any(_is_later(entry, since) for entry in entries(item))


def lacks_fields(live: Object, item: Object, ignored: Sequence[Pointer] = ()) -> bool:
    """Whether Flux no longer owns a field that a manifest has: somebody took it away, or over.

    What is ``ignored`` may well be somebody else's.
    """
    owned = owned_by(live, CONTROLLER)
    inside = {path[:length] for path in owned for length in range(1, len(path) + 1)}
    # What is owned as a whole, as the labels of a selector are, has no fields of its own.
    return any(
        path not in inside and not any(path[:length] in owned for length in range(1, len(path)))
        for path in fields_written(normalized(item))
        if not any(leads_to(path, place, live) for place in ignored)
    )


def fields_written(item: Object) -> set[Path]:
    """The fields of a manifest as managedFields names them; what is in lists is left out."""
    found: set[Path] = set()
    waiting: list[tuple[Path, Object]] = []
    for key, value in item.items():
        if key == "metadata":
            marks = {name: value[name] for name in ("labels", "annotations") if value.get(name)}
            waiting.append((("f:metadata",), marks))
        elif key not in ("apiVersion", "kind", "status"):
            waiting.append(((), {key: value}))
    while waiting:
        parent, fields = waiting.pop()
        for key, value in fields.items():
            path = (*parent, f"f:{key}")
            if isinstance(value, dict):
                waiting.append((path, value))
            elif value not in (None, []):
                found.add(path)
    return found


def _is_later(entry: Object, since: datetime) -> bool:
    return "time" not in entry or _time(entry["time"]) >= since


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
