# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a user decides about Flux in a cluster, what is there afterwards, and what had to be done for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import Applied
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import content
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    Installation,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CRD,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import field_changes
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import dumped


@dataclass(frozen=True)
class Options:
    """What a user decides besides the objects themselves."""

    namespace: str
    loop: str
    adopts: bool
    allows_downgrade: bool
    deletes_workloads: bool
    seconds: float
    check_mode: bool


@dataclass
class Outcome:
    """What is in the cluster, and what had to be done for that."""

    installed: Installation | None
    namespace: str
    mode: str = "deployments"
    owner: str = "ours"
    applied: list[Applied] = field(default_factory=list)

    def result(self, *, with_diff: bool) -> dict[str, Any]:
        """As the module returns it."""
        changed = [applied for applied in self.applied if applied.is_changed]
        result: dict[str, Any] = {
            "changed": bool(changed),
            "changes": [f"{applied.ref}: {change}" for applied in changed for change in applied.changes],
            "mode": self.mode,
            "owner": self.owner,
            "namespace": self.namespace,
            "version": self.installed.version if self.installed else "",
            "versions": self.installed.versions if self.installed else {},
        }
        if with_diff:
            result["diff"] = {
                "before": "---\n".join(_shown(applied.before) for applied in changed if applied.before),
                "after": "---\n".join(_shown(applied.after) for applied in changed if applied.after),
            }
        return result


def field_lines(before: Object | None, after: Object) -> list[str]:
    """What differs between two states of an object, a line for each field."""
    if before is None:
        return ["created"]
    return [
        f"{change.field}: {_or_none(change.before)} -> {_or_none(change.after)}"
        for change in field_changes(content(before), content(after))
    ]


def _or_none(value: str | None) -> str:
    return "(none)" if value is None else value


def _shown(item: Object) -> str:
    """An object for the diff; of a resource's definition, which fills pages, the versions that it serves."""
    shown = content(item)
    if item["kind"] == CRD.name:
        versions = [version["name"] for version in item["spec"]["versions"] if version["served"]]
        shown["spec"] = {"group": item["spec"]["group"], "versions": versions}
    return dumped(shown)


def left_alone(found: Sequence[Installation], options: Options) -> Outcome:
    """What is said where there is nothing of this loop."""
    if not found:
        return Outcome(None, options.namespace, owner="none")
    return Outcome(found[0], found[0].namespace, owner="foreign")
