# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux would change in the cluster for workloads: those that are to be changed, and those that drifted.

Check mode tells it. A run finds out by the very same way what has drifted, and has Flux heal that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.building import (
    Built,
    Subject,
    build,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Change,
    creation,
    refused,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.drift import (
    is_changed_since,
    last_looked,
    may_have_drifted,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import (
    Predictor,
    live_inventories,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.substitutes import (
    found_substitutes,
    substitutes,
)


class Together(Protocol):
    """Something that calls a function with each of many items, several at once."""

    def __call__(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """The answers, in the order of the items."""


@dataclass(frozen=True)
class Prediction:
    """What would become of the objects of one workload. ``is_drift`` where nothing else changes it."""

    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    is_drift: bool = False

    @property
    def drift(self) -> list[str]:
        """How what Flux applied is other than it applied it, a sentence each."""
        certain = [change for change in self.changes if change.is_certain and self.is_drift]
        return [f"drift: {sentence}" for change in certain for sentence in change.drift()]


def predict(
    predictor: Predictor, subjects: Sequence[Subject], together: Together
) -> tuple[list[Prediction], list[str]]:
    """What Flux would change for each of ``subjects``, which are in the order of their dependencies.

    Besides, why the drift of some kinds cannot be seen. Raises LoopError when one that is changing does not
    build.
    """
    doubtful, unseen = _doubtful(predictor, subjects, together)
    due = [subject for subject in subjects if subject.is_changing or subject in doubtful]
    first = [subject for subject in due if not subject.depends_on_data]
    built: dict[Subject, Built] = dict(zip(first, together(partial(_built, predictor), first), strict=True))
    for each in built.values():
        predictor.expect(each.items)
    predictions = []
    for subject in subjects:
        if subject.depends_on_data and (subject in due or _has_other_data(predictor, subject)):
            built[subject] = _built(predictor, subject)
            predictor.expect(built[subject].items)
        predictions.append(_predicted(predictor, subject, built.get(subject, Built()), together))
        predictor.take(predictions[-1].changes)
    return predictions, unseen


def predict_first(subject: Subject, built: Built) -> Prediction:
    """What Flux would make of what was built for a subject, in a cluster of which nothing is known."""
    changes = () if subject.is_suspended else tuple(creation(item) for item in built.items)
    return Prediction(changes, built.warnings)


def _doubtful(
    predictor: Predictor, subjects: Sequence[Subject], together: Together
) -> tuple[set[Subject], list[str]]:
    """Those that may have drifted, and why the drift of some kinds cannot be seen."""
    steady = [
        subject
        for subject in subjects
        if not subject.is_changing and not subject.is_suspended and not subject.is_elsewhere
    ]
    known = [subject.live for subject in steady if subject.live is not None]
    live, unseen = live_inventories(predictor, known, together)
    answers = together(partial(_is_doubtful, predictor, live, unseen), steady)
    doubtful = {subject for subject, is_doubtful in zip(steady, answers, strict=True) if is_doubtful}
    return doubtful, list(unseen.values())


def _is_doubtful(
    predictor: Predictor, live: Mapping[Identity, Object], unseen: Mapping[str, str], subject: Subject
) -> bool:
    if subject.live is None:
        return False
    if may_have_drifted(subject.live, live, subject.manifests(), unseen):
        return True
    since = last_looked(subject.live)
    found, _missing = found_substitutes(predictor, subject.kustomization, {})
    return any(is_changed_since(item, since) for item in found)


def _has_other_data(predictor: Predictor, subject: Subject) -> bool:
    return not subject.is_suspended and any(
        predictor.expected(identity) is not None
        for identity, _is_optional in substitutes(subject.kustomization)
    )


def _built(predictor: Predictor, subject: Subject) -> Built:
    """What Flux would make of the folder; nothing, with a warning, for what is steady and does not build."""
    try:
        return build(predictor, subject)
    except LoopError as error:
        if subject.is_changing:
            raise LoopError(f"Workload {subject.name}: {error.message}") from error
        return Built((), (f"Its drift cannot be told: {error.message}",))


def _predicted(predictor: Predictor, subject: Subject, built: Built, together: Together) -> Prediction:
    changes: list[Change] = []
    is_told = bool(built.items) or subject.is_changing
    if is_told and not subject.is_suspended and not subject.is_elsewhere:
        answers = together(partial(predictor.change, kustomization=subject.kustomization), built.items)
        changes = [change for change in answers if change is not None]
        # The controller prunes only after it has applied everything.
        if subject.live is not None and subject.kustomization["spec"].get("prune") and not refused(changes):
            changes += predictor.prunings(subject.live, map(predictor.identity, built.items))
    return Prediction(tuple(changes), built.warnings, is_drift=not subject.is_changing)


def waves(predictor: Predictor, drifted: Sequence[Subject]) -> list[list[Subject]]:
    """Those that can be reconciled together, then one by one those whose variables change with others."""
    late = [subject for subject in drifted if _has_other_data(predictor, subject)]
    first = [subject for subject in drifted if subject not in late]
    return [wave for wave in (first, *([subject] for subject in late)) if wave]
