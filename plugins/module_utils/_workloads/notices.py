# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux does without a word, told before: fields that it drops, objects that it deletes for nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, identity_of
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Origin
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.building import (
    Built,
    Subject,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rules import is_forced
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.refused import cause_of_refusal
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import Workload


@dataclass(frozen=True)
class Looker:
    """Looks at what was built of workloads; with ``unknown_fields: refuse``, such fields are an error."""

    predictor: Predictor
    unknown_fields: str

    def notices(self, workload: Workload, subject: Subject, built: Built, origin: Origin) -> tuple[str, ...]:
        """What the user should know of it, a paragraph each. Raises LoopError for what is to be refused."""
        if subject.is_elsewhere:
            return ()
        unknown = [told for item in built.items for told in self._unknown_fields(item, origin)]
        if unknown and self.unknown_fields == "refuse":
            raise LoopError(
                f"Workload {workload.name}: {' '.join(unknown)}"
                " With unknown_fields: warn this is no error. Nothing was pushed."
            )
        losses = [
            told
            for item in built.items
            if is_forced(item, None, subject.kustomization) and not subject.is_suspended
            for told in self._losses(workload, item, subject, origin)
        ]
        return (*unknown, *losses)

    def _unknown_fields(self, item: Object, origin: Origin) -> list[str]:
        identity, version = identity_of(item), item["apiVersion"]
        told = []
        for field in self.predictor.unknown_fields(item):
            place = origin.place_of(identity.kind, identity.name, field)
            told.append(
                f"{f'{place}: ' if place else ''}{identity} has the field {field}, which {identity.kind} of"
                f" {version} does not have: Flux drops it without a word. Correct its name, or remove it."
            )
        return told

    def _losses(self, workload: Workload, item: Object, subject: Subject, origin: Origin) -> list[str]:
        change = self.predictor.change(item, subject.kustomization)
        if change is None or not change.is_lost:
            return []
        cause = cause_of_refusal(self.predictor.cluster, workload.kustomization, change, origin)
        why = cause.about(cause.place)
        return [f"{cause.place} would be deleted, since force is set, and then refused: {why}"]
