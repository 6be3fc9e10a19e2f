# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a run returns: the one place that knows the results as they go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import bounded
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import Change
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import (
    Outcome,
    Removal,
    Rollout,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import Workload


def result_of(
    outcome: Outcome, mask: Mask, failures: Sequence[str] = (), *, with_diff: bool = True
) -> dict[str, Any]:
    """The return values of the task. Raises LoopError, with all receipts, where there are ``failures``."""
    receipts = [
        *(rollout_receipt(rollout) for rollout in outcome.rollouts),
        *(removal_receipt(removal) for removal in outcome.removals),
    ]
    shown = [
        *(shown for rollout in outcome.rollouts for shown in rollout_diffs(rollout, mask)),
        *(shown for removal in outcome.removals for shown in removal_diffs(removal, mask)),
    ]
    result: dict[str, Any] = {
        "changed": any(receipt["changed"] for receipt in receipts),
        "receipts": receipts,
        "diff": bounded(shown if with_diff else []),
    }
    if failures:
        raise LoopError("\n".join(failures), **result)
    return result


def rollout_receipt(rollout: Rollout) -> dict[str, Any]:
    """What is returned for a workload that is to be in the cluster."""
    proof: dict[str, Any] = rollout.proof.receipt() if rollout.proof else {"ready": False}
    if rollout.refusals:
        proof["cause"] = rollout.refusals[0].result
    if rollout.rivalries:
        proof["cause"] = rollout.rivalries[-1].result
    about = {
        **_about(rollout.workload, rollout.why, rollout.prediction.changes),
        "url": rollout.prepared.repository.reference.url,
        "tag": rollout.workload.options["tag"],
        "files": rollout.prepared.pack.files,
    }
    pushed = rollout.delivery.pushed
    if pushed:
        about |= {"pushed_digest": pushed.digest, "size": pushed.size}
    if rollout.way_back:
        about["taken_back"] = {"digest": rollout.way_back.digest, "proven": rollout.way_back.is_proven}
    return {**proof, "verdict": proof.get("state", ""), **about}


def removal_receipt(removal: Removal) -> dict[str, Any]:
    """What is returned for a workload that is not to be in the cluster."""
    about = _about(removal.workload, removal.why, removal.changes)
    return {**about, "ready": False, "verdict": "absent"}


def rollout_diffs(rollout: Rollout, mask: Mask) -> list[Mapping[str, Any]]:
    """What --diff shows of a workload that is to be in the cluster."""
    applied = [applied.diff() for applied in rollout.delivery.applied if applied.is_changed]
    return [*rollout.delivery.shown, *applied, *(change.shown(mask) for change in rollout.prediction.changes)]


def removal_diffs(removal: Removal, mask: Mask) -> list[Mapping[str, Any]]:
    """What --diff shows of a workload that is not to be in the cluster."""
    applied = [applied.diff() for applied in removal.applied if applied.is_changed]
    return [*applied, *(change.shown(mask) for change in removal.changes)]


def _about(workload: Workload, why: list[str], changes: Sequence[Change]) -> dict[str, Any]:
    return {
        "name": workload.name,
        "namespace": workload.namespace,
        "state": workload.options["state"],
        "changed": bool(why),
        "why": why,
        "changes": [change.as_dict() for change in changes],
    }
