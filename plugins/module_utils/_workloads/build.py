# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux would build of workloads, before anything is changed: what does not build is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.building import (
    Built,
    Subject,
    build,
    build_without_a_cluster,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predict import Together
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rendered import normalized
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.outcome import Delivery
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prepare import Prepared
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer


def subject_of(prepared: Prepared, delivery: Delivery, renderer: Renderer, *, is_changing: bool) -> Subject:
    """What is to be built and predicted of a workload."""
    applied = delivery.kustomization
    return Subject(
        prepared.name,
        (applied.after if applied else None) or prepared.workload.kustomization_object,
        applied.before if applied else None,
        partial(prepared.render, renderer),
        lambda: prepared.manifests,
        is_changing=is_changing,
    )


def build_all(
    predictor: Predictor, changing: Mapping[Subject, Prepared], together: Together
) -> dict[Subject, Built]:
    """What Flux would build of those that are changing, which are in the order of their dependencies.

    Raises LoopError for the first that does not build, in the words of check mode and of a run.
    """
    first = [subject for subject in changing if not subject.depends_on_data]
    found: dict[Subject, Built] = dict(
        zip(
            first,
            together(lambda subject: _built(predictor, subject, changing[subject], {}), first),
            strict=True,
        )
    )
    coming = _by_identity(list(found.values()))
    for subject, prepared in changing.items():
        if subject.depends_on_data:
            found[subject] = _built(predictor, subject, prepared, coming)
            coming |= _by_identity([found[subject]])
    return found


def build_first(subject: Subject) -> Built:
    """What Flux would build where no loop runs. Raises LoopError as ``build_all``."""
    return _refusing(subject, lambda: build_without_a_cluster(subject))


def _built(
    predictor: Predictor, subject: Subject, prepared: Prepared, coming: Mapping[Identity, Object]
) -> Built:
    if prepared.certainly_builds(subject.kustomization):
        return Built(tuple(map(normalized, prepared.manifests)))
    return _refusing(subject, lambda: build(predictor, subject, coming))


def _refusing(subject: Subject, call: Callable[[], Built]) -> Built:
    try:
        return call()
    except LoopError as error:
        raise LoopError(f"Workload {subject.name}: {error.message} Nothing was pushed.") from error


def _by_identity(found: Sequence[Built]) -> dict[Identity, Object]:
    return {identity_of(item): item for built in found for item in built.items}
