# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One object brought to what is asked for by server-side apply, and said truly whether that changed anything.

An object that is as asked, and whose asked fields this collection owns, costs one request.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import (
    FIELD_MANAGER,
    changes,
    content,
    is_as_desired,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import (
    keep_live_spelling,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.waiting import wait_until_gone


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
