# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What somebody has done by hand to what Flux applies, told without rendering anything.

Who has changed an object is told by its managed fields.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import hands_on
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.drift import inventory_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.ignored import (
    ignored_fields,
    leads_to,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import (
    Predictor,
    live_inventories,
)


def drift_of(cluster: Cluster) -> Mapping[ObjectRef, Sequence[str]]:
    """What was done by hand to the inventory of each Kustomization, a sentence each. Raises ClusterError.

    This costs one request for each kind of object that Flux has applied, and one for each version of the API.
    Kinds that the caller may not read are left out.
    """
    kustomizations = cluster.list(KUSTOMIZATION).items
    live, unseen = live_inventories(Predictor(cluster), kustomizations, _one_by_one)
    found: dict[ObjectRef, list[str]] = {}
    for kustomization in kustomizations:
        said = []
        for identity in inventory_of(kustomization):
            item = live.get(identity)
            if item is not None:
                said += [
                    f"{identity} was changed with {program}" for program in _hands_on(item, kustomization)
                ]
            elif identity.kind not in unseen:
                said.append(f"{identity} was deleted")
        found[ref_of(KUSTOMIZATION, kustomization)] = said
    return found


def _hands_on(item: Object, kustomization: Object) -> list[str]:
    ignored = ignored_fields(kustomization, item)
    return hands_on(item, lambda path: any(leads_to(path, place, item) for place in ignored))


def _one_by_one(call: Callable[[tuple[str, str]], None], sorts: Iterable[tuple[str, str]]) -> None:
    for sort in sorts:
        call(sort)
