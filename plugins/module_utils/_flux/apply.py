# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One object brought to what is asked for by server-side apply, and said truly whether that changed anything.

An object that is as asked, and whose asked fields this collection owns, costs one request.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    State,
    Verdict,
    kustomization_verdict,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import FIELDS
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    REQUESTED_AT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import (
    argument_spec,
    check_metadata,
    keep_live_spelling,
    manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.state import (
    kustomization_state,
    source_state,
)

FIELD_MANAGER = "gitops.flux_local"
WATCH_WINDOW = 30  # seconds after which a watch is begun anew: a connection may have died silently
RETRY_SECONDS = 0.3
_NOT_CONTENT = ("apiVersion", "kind", "metadata", "status")

Path = tuple[str, ...]


@dataclass(frozen=True)
class Applied:
    """What became of one object: as it was and as it is (None: it does not exist), and what differs."""

    ref: ObjectRef
    before: Object | None
    after: Object | None
    changes: list[str]

    @property
    def is_changed(self) -> bool:
        return bool(self.changes)

    def diff(self) -> dict[str, Any]:
        """Ansible's diff of the object's content, without status and managed fields."""
        return {
            "before": content(self.before) if self.before else {},
            "after": content(self.after) if self.after else {},
            "before_header": str(self.ref),
            "after_header": str(self.ref),
        }


@dataclass(frozen=True)
class ApplyPlan:
    """An object as it is to be in the cluster, and as it is; ``force`` takes fields from their owners."""

    kind: Kind
    desired: Object
    live: Object | None
    force: bool = False

    @property
    def ref(self) -> ObjectRef:
        return ref_of(self.kind, self.desired)

    @property
    def is_as_desired(self) -> bool:
        """Whether nothing has to be applied."""
        return self.live is not None and is_as_desired(self.live, self.desired)


def plan_apply(cluster: Cluster, kind: Kind, desired: Object, *, force: bool = False) -> ApplyPlan:
    """What it takes to have ``desired`` in the cluster: one read.

    Raises LoopError while the object is being deleted.
    """
    ref = ref_of(kind, desired)
    live = cluster.get(ref)
    if live is not None:
        if live["metadata"].get("deletionTimestamp"):
            raise LoopError(f"{ref} is being deleted: wait until it is gone, then run this again.")
        desired = keep_live_spelling(kind, desired, live)
    return ApplyPlan(kind, desired, live, force)


def predict(cluster: Cluster, plan: ApplyPlan) -> Applied:
    """What would become of the object: a dry run, where it is not as desired. Raises as ``carry_out``."""
    return _sent(cluster, plan, dry_run=True)


def carry_out(cluster: Cluster, plan: ApplyPlan) -> Applied:
    """Have the object as planned: one apply, where it is not. Fields that others own are left alone.

    Raises LoopError naming the owner when another field manager set another value, unless ``plan`` forces it.
    """
    return _sent(cluster, plan, dry_run=False)


def _sent(cluster: Cluster, plan: ApplyPlan, *, dry_run: bool) -> Applied:
    if plan.is_as_desired:
        return Applied(plan.ref, plan.live, plan.live, [])
    try:
        after = cluster.apply(
            plan.kind, plan.desired, manager=FIELD_MANAGER, dry_run=dry_run, force=plan.force
        )
    except ClusterError as error:
        if error.status == 409:
            raise LoopError(_conflict(plan.ref, error.causes)) from error
        raise
    return Applied(plan.ref, plan.live, after, changes(plan.live, after))


@dataclass(frozen=True)
class DeletionPlan:
    """An object that is not to be in the cluster, and the one that is there, if any."""

    ref: ObjectRef
    live: Object | None

    @property
    def is_new(self) -> bool:
        """Whether it has to be deleted, which nobody has asked for yet."""
        return self.live is not None and not self.live["metadata"].get("deletionTimestamp")

    @property
    def deleted(self) -> Applied:
        """What becomes of the object."""
        return Applied(self.ref, self.live, None, ["deleted"] if self.is_new else [])


def plan_deletion(cluster: Cluster, ref: ObjectRef) -> DeletionPlan:
    """What it takes to have no such object: one read."""
    return DeletionPlan(ref, cluster.get(ref))


def predict_deletion(cluster: Cluster, plan: DeletionPlan) -> Applied:
    """What would become of the object: a dry run of its deletion."""
    if plan.is_new:
        cluster.delete(plan.ref, dry_run=True)
    return plan.deleted


def carry_out_deletion(cluster: Cluster, plan: DeletionPlan, wait_seconds: float | None = None) -> Applied:
    """Delete the object; with ``wait_seconds`` wait so long for its finalizers, which is when Flux prunes."""
    if plan.is_new:
        cluster.delete(plan.ref)
    if plan.live is not None and wait_seconds is not None:
        wait_until_gone(cluster, plan.ref, wait_seconds)
    return plan.deleted


def content(item: Object) -> Object:
    """What people write of an object: identity, labels, annotations, spec and the like."""
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    annotations = dict(item["metadata"].get("annotations") or {})
    annotations.pop(REQUESTED_AT, None)
    if annotations:
        metadata["annotations"] = annotations
    if item["metadata"].get("labels"):
        metadata["labels"] = item["metadata"]["labels"]
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": metadata,
        **{name: value for name, value in item.items() if name not in _NOT_CONTENT},
    }


def changes(before: Object | None, after: Object) -> list[str]:
    """What differs, one line for each field, also for one that became or ceased to be this collection's."""
    if before is None:
        return ["created"]
    old, new = _leaves(content(before)), _leaves(content(after))
    differing = [
        f"{_dotted(path)}: {_shown(old, path)} -> {_shown(new, path)}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]
    taken = sorted(owned_fields(after) - owned_fields(before) - _differing(old, new))
    left = sorted(owned_fields(before) - owned_fields(after) - _differing(old, new))
    return [
        *differing,
        *(f"{_dotted(path)}: now managed here" for path in taken),
        *(f"{_dotted(path)}: no longer managed here" for path in left),
    ]


def _differing(old: Mapping[Path, Any], new: Mapping[Path, Any]) -> set[Path]:
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def _shown(leaves: Mapping[Path, Any], path: Path) -> str:
    return repr(leaves[path]) if path in leaves else "(none)"


def _dotted(path: Path) -> str:
    return ".".join(path)


def is_as_desired(live: Object, desired: Object) -> bool:
    """Whether an apply of ``desired`` would change neither the object nor what this collection owns of it."""
    wanted, there = _leaves(_applied_part(desired)), _leaves(_applied_part(live))
    return all(path in there and there[path] == value for path, value in wanted.items()) and owned_fields(
        live
    ) == set(wanted)


def owned_fields(item: Object) -> set[Path]:
    """The fields that were last applied by this collection (``managedFields``, fieldsV1)."""
    for entry in item["metadata"].get("managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            return set(_field_paths(entry.get("fieldsV1") or {}, ()))
    return set()


def _field_paths(fields: Mapping[str, Any], parent: Path) -> list[Path]:
    # "." stands for the parent itself. No list in Flux's specs has keys, hence "f:" is the only other prefix.
    below = {name[2:]: nested for name, nested in fields.items() if name.startswith("f:")}
    if not below:
        return [parent] if parent else []
    return [path for name, nested in below.items() for path in _field_paths(nested, (*parent, name))]


def _applied_part(item: Object) -> Object:
    metadata = item["metadata"]
    part: Object = {"spec": item.get("spec", {})}
    for key in ("labels", "annotations"):
        if metadata.get(key):
            part.setdefault("metadata", {})[key] = metadata[key]
    return part


def _leaves(value: Object, parent: Path = ()) -> dict[Path, Any]:
    """The leaves of an object as server-side apply sees them: lists, scalars and empty objects are whole."""
    leaves: dict[Path, Any] = {}
    for key, nested in value.items():
        path = (*parent, key)
        if isinstance(nested, dict) and nested:
            leaves.update(_leaves(nested, path))
        else:
            leaves[path] = nested
    return leaves


def _conflict(ref: ObjectRef, causes: Sequence[Object]) -> str:
    """The sentence for fields that others own; a cause reads ``conflict with "<owner>" using <version>``."""
    owned = "; ".join(
        f"{cause.get('field', '').lstrip('.')} ({cause['message'].removeprefix('conflict with ')})"
        for cause in causes
    )
    return (
        f"{ref} has fields that another field manager set to another value: {owned}."
        " Leave these options out to keep what it set, or take the fields over with force_conflicts."
    )


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


def wait_until_gone(cluster: Cluster, ref: ObjectRef, wait_seconds: float) -> None:
    """Wait for the finalizers of a deleted object. Raises LoopError naming them when they take longer."""
    left, is_gone = wait_until(cluster, ref, wait_seconds, lambda item: item is None)
    if not is_gone and left is not None:
        finalizers = ", ".join(left["metadata"].get("finalizers") or []) or "none"
        raise LoopError(
            f"{ref} is still there {wait_seconds:g} s after its deletion, kept by finalizers: {finalizers}."
            " Does the Flux controller that removes them run?"
        )


_VERDICTS: dict[Kind, Callable[[Object], Verdict]] = {
    OCI_REPOSITORY: source_verdict,
    KUSTOMIZATION: kustomization_verdict,
}
_STATES = {OCI_REPOSITORY: source_state, KUSTOMIZATION: kustomization_state}


def wait_until_ready(cluster: Cluster, ref: ObjectRef, wait_seconds: float) -> Object:
    """The object once Flux has reconciled its present generation, or has suspended it.

    Raises LoopError with Flux's own message as soon as it failed, or when ``wait_seconds`` have passed.
    """
    verdict_of = _VERDICTS[ref.kind]

    def is_settled(item: Object | None) -> bool:
        return item is None or verdict_of(item).is_settled

    item = wait_until(cluster, ref, wait_seconds, is_settled)[0]
    if item is None:
        raise LoopError(f"{ref} was deleted while it was being waited for.")
    verdict = verdict_of(item)
    if verdict.state in (State.READY, State.SUSPENDED):
        return item
    seen = _STATES[ref.kind](item)
    if verdict.state is State.IN_PROGRESS:
        raise LoopError(
            f"{ref} is not ready after {wait_seconds:g} s: {verdict.reason}: {verdict.message}", resource=seen
        )
    raise LoopError(f"{ref} failed with {verdict.reason}: {verdict.message}", resource=seen)


def resource_spec(kind: Kind) -> dict[str, Any]:
    """The argument_spec of the module for ``kind``."""
    return {
        **AUTH_ARG_SPEC,
        **argument_spec(FIELDS[kind]),
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "flux-system"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "labels": {"type": "dict"},
        "annotations": {"type": "dict"},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 120},
        "force_conflicts": {"type": "bool", "default": False},
    }


def run_resource(
    cluster: Cluster, kind: Kind, params: Mapping[str, Any], *, check_mode: bool, with_diff: bool
) -> dict[str, Any]:
    """The result of the modules flux_source and flux_kustomization."""
    check_metadata(kind, params)  # also of what is to be absent
    ref = ObjectRef(kind, params["namespace"], params["name"])
    wait_seconds = float(params["wait_timeout"]) if params["wait"] and not check_mode else None
    if params["state"] == "absent":
        deletion = plan_deletion(cluster, ref)
        applied = (
            predict_deletion(cluster, deletion)
            if check_mode
            else carry_out_deletion(cluster, deletion, wait_seconds)
        )
    else:
        plan = plan_apply(cluster, kind, manifest(kind, params), force=params["force_conflicts"])
        applied = predict(cluster, plan) if check_mode else carry_out(cluster, plan)
    resource = applied.after
    if resource is not None and wait_seconds is not None:
        resource = wait_until_ready(cluster, ref, wait_seconds)
    result: dict[str, Any] = {
        "changed": applied.is_changed,
        "changes": applied.changes,
        "resource": _STATES[kind](resource) if resource else None,
    }
    if with_diff:
        result["diff"] = applied.diff()
    return result
