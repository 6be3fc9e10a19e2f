# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux would change in the cluster for workloads: those that are to be changed, and those that drifted.

Check mode tells it. A run finds out by the very same way what has drifted, and has Flux heal that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Change,
    read_rendered,
    variables,
    with_variables,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.drift import (
    is_changed_since,
    last_looked,
    may_have_drifted,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.foresight import (
    Foresight,
    found_substitutes,
    live_inventories,
    refused,
    substitutes,
)


class Together(Protocol):
    """Something that calls a function with each of many items, several at once."""

    def __call__(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """The answers, in the order of the items."""


@dataclass
class Subject:
    """One workload: its Kustomization as it would be and as it is, and what would become of its objects.

    ``render`` returns what a Kustomization makes of the workload's folder, ``manifests`` the objects in the
    folder as they are written. ``is_changing`` says that Flux is going to reconcile it in any case.
    """

    name: str
    kustomization: Object
    live: Object | None
    render: Callable[[Object], str]
    manifests: Callable[[], Sequence[Object]]
    is_changing: bool
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def is_suspended(self) -> bool:
        return bool(self.kustomization["spec"].get("suspend"))

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is another cluster that it is applied to."""
        return bool(self.kustomization["spec"].get("kubeConfig"))

    @property
    def depends_on_data(self) -> bool:
        """Whether its variables come from objects in the cluster."""
        return bool(substitutes(self.kustomization))


def foretell(foresight: Foresight, subjects: Sequence[Subject], together: Together) -> list[str]:
    """Note for each of ``subjects``, which are in the order of their dependencies, what Flux would change.

    Returns why the drift of some kinds cannot be seen. Raises LoopError when one that is changing does not
    build.
    """
    steady = [
        one for one in subjects if not one.is_changing and not one.is_suspended and not one.is_elsewhere
    ]
    known = [one.live for one in steady if one.live is not None]
    live, unseen = live_inventories(foresight, known, together)
    doubtful = {
        id(one)
        for one, is_doubtful in zip(
            steady, together(partial(_is_doubtful, foresight, live, unseen), steady), strict=True
        )
        if is_doubtful
    }
    first = [one for one in subjects if not one.depends_on_data and (one.is_changing or id(one) in doubtful)]
    rendered = dict(zip(map(id, first), together(partial(_rendered, foresight), first), strict=True))
    for items in rendered.values():
        foresight.expect(items)
    for one in subjects:
        if one.depends_on_data and (
            one.is_changing or id(one) in doubtful or _has_other_data(foresight, one)
        ):
            rendered[id(one)] = _rendered(foresight, one)
            foresight.expect(rendered[id(one)])
        if id(one) in rendered and not one.is_suspended and not one.is_elsewhere:
            one.changes = _changes(foresight, one, rendered[id(one)], together)
            foresight.take(one.changes)
    return list(unseen.values())


def _is_doubtful(
    foresight: Foresight, live: Mapping[Identity, Object], unseen: Mapping[str, str], one: Subject
) -> bool:
    if one.live is None:
        return False
    if may_have_drifted(one.live, live, one.manifests(), unseen):
        return True
    since = last_looked(one.live)
    found, _missing = found_substitutes(foresight, one.kustomization)
    return any(is_changed_since(item, since) for item in found)


def _has_other_data(foresight: Foresight, one: Subject) -> bool:
    return not one.is_suspended and any(
        foresight.expected(identity) is not None for identity, _is_optional in substitutes(one.kustomization)
    )


def _rendered(foresight: Foresight, one: Subject) -> list[Object]:
    """What Flux would make of the folder; nothing, with a warning, for what is steady and does not build."""
    found, missing = found_substitutes(foresight, one.kustomization)
    for identity in missing:
        one.warnings.append(
            f"substitute_from names {identity}, which is not in the cluster: Flux waits for it, and what it"
            " would apply is foretold without its values."
        )
    if one.is_elsewhere:
        one.warnings.append("It is applied to another cluster (kube_config), for which nothing is foretold.")
    try:
        return read_rendered(one.render(with_variables(one.kustomization, variables(found))), one.manifests())
    except LoopError as error:
        if one.is_changing:
            raise LoopError(f"Workload {one.name}: {error.message}") from error
        one.warnings.append(f"Its drift cannot be told: {error.message}")
        return []


def _changes(foresight: Foresight, one: Subject, items: Sequence[Object], together: Together) -> list[Change]:
    if not items and not one.is_changing:
        return []
    answers = together(partial(foresight.change, kustomization=one.kustomization), items)
    changes = [change for change in answers if change is not None]
    # The controller prunes only after it has applied everything.
    if one.live is not None and one.kustomization["spec"].get("prune") and not refused(changes):
        changes += foresight.prunings(one.live, map(foresight.identity, items))
    return changes


def waves(foresight: Foresight, drifted: Sequence[Subject]) -> list[list[Subject]]:
    """Those that can be reconciled together, then one by one those whose variables change with others."""
    late = [one for one in drifted if _has_other_data(foresight, one)]
    first = [one for one in drifted if one not in late]
    return [wave for wave in (first, *([one] for one in late)) if wave]
