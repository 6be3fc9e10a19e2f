# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The objects that a Kustomization takes the values of its variables from."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor


def substitutes(kustomization: Object) -> list[tuple[Identity, bool]]:
    """What ``substituteFrom`` names, and whether it may be missing."""
    named = (kustomization["spec"].get("postBuild") or {}).get("substituteFrom") or []
    namespace = kustomization["metadata"]["namespace"]
    return [
        (Identity("", source["kind"], namespace, source["name"]), bool(source.get("optional")))
        for source in named
    ]


def found_substitutes(
    predictor: Predictor, kustomization: Object, coming: Mapping[Identity, Object]
) -> tuple[list[Object], list[Identity]]:
    """The objects that ``substituteFrom`` names as they would be, and those that are missing.

    ``coming`` are objects that are applied before it.
    """
    found: list[Object] = []
    missing: list[Identity] = []
    for identity, is_optional in substitutes(kustomization):
        change = predictor.expected(identity)
        item = coming.get(identity) or (predictor.find(identity, "v1") if change is None else change.after)
        if item is not None:
            found.append(item)
        elif not is_optional:
            missing.append(identity)
    return found, missing
