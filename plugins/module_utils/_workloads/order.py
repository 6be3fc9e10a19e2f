# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The order in which Flux can apply workloads, and what they wait for that no list brings."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import Workload


def in_order(workloads: Sequence[Workload]) -> list[Workload]:
    """The workloads, each after all those it depends on. Raises LoopError that shows a cycle."""
    by_ref = {workload.kustomization: workload for workload in workloads}
    ordered: dict[ObjectRef, Workload] = {}
    path: list[ObjectRef] = []

    def visit(workload: Workload) -> None:
        ref = workload.kustomization
        if ref in ordered:
            return
        if ref in path:
            cycle = " -> ".join(step.name for step in [*path[path.index(ref) :], ref])
            raise LoopError(
                f"depends_on: {cycle} is a cycle, so none of them could ever be applied. "
                "Remove one of these dependencies."
            )
        path.append(ref)
        for dependency in workload.dependencies:
            if dependency in by_ref:
                visit(by_ref[dependency])
        path.pop()
        ordered[ref] = workload

    for workload in workloads:
        visit(workload)
    return list(ordered.values())


def unlisted_dependencies(workloads: Sequence[Workload]) -> dict[ObjectRef, str]:
    """What workloads depend on though the list does not bring it, each with the name of one that does so."""
    present = {workload.kustomization for workload in workloads if workload.is_present}
    return {
        dependency: workload.name
        for workload in workloads
        if workload.is_present
        for dependency in workload.dependencies
        if dependency not in present
    }
