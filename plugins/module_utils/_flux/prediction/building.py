# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux would build of one workload, with its variables, and which option keeps it from building."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.predictor import Predictor
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rendered import (
    read_rendered,
    variables,
    with_variables,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.substitutes import (
    found_substitutes,
    substitutes,
)

# The options that change what a folder builds to, by their field of the Kustomization.
_OPTIONS = {
    "patches": "patches",
    "components": "components",
    "images": "images",
    "namePrefix": "name_prefix",
    "nameSuffix": "name_suffix",
    "commonMetadata": "common_metadata",
    "buildMetadata": "build_metadata",
    "targetNamespace": "target_namespace",
    "postBuild": "substitute",
}


class Render(Protocol):
    """Something that knows a folder, and what a Kustomization makes of it."""

    def __call__(self, kustomization: Object, *, is_strict: bool) -> str:
        """The objects as YAML. Raises LoopError; if ``is_strict``, for a variable without a value too."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One workload: its Kustomization as it would be and as it is. Each is one of its own, and no other.

    ``render`` returns what a Kustomization makes of the workload's folder, ``manifests`` the objects in the
    folder as they are written. ``is_changing`` says that Flux is going to reconcile it in any case.
    """

    name: str
    kustomization: Object
    live: Object | None
    render: Render
    manifests: Callable[[], Sequence[Object]]
    is_changing: bool

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


@dataclass(frozen=True)
class Built:
    """What Flux would build of a folder, and what is not known of it."""

    items: tuple[Object, ...] = ()
    warnings: tuple[str, ...] = ()


def build(predictor: Predictor, subject: Subject, coming: Mapping[Identity, Object] | None = None) -> Built:
    """What Flux would make of the folder. Raises LoopError where it does not build.

    ``coming`` are objects that are applied before it, and may hold its variables.
    """
    found, missing = found_substitutes(predictor, subject.kustomization, coming or {})
    warnings = [
        f"substitute_from names {identity}, which is not in the cluster: Flux waits for it, and what it"
        " would apply is foretold without its values."
        for identity in missing
    ]
    if subject.is_elsewhere:
        warnings.append("It is applied to another cluster (kube_config), for which nothing is foretold.")
    return Built(_rendered(subject, variables(found), is_strict=not missing), tuple(warnings))


def build_without_a_cluster(subject: Subject) -> Built:
    """What Flux would make of the folder where there is nothing yet that could hold its variables."""
    return Built(_rendered(subject, {}, is_strict=not subject.depends_on_data))


def _rendered(subject: Subject, values: Mapping[str, str], *, is_strict: bool) -> tuple[Object, ...]:
    kustomization = with_variables(subject.kustomization, values)
    try:
        text = subject.render(kustomization, is_strict=is_strict)
    except LoopError as error:
        option = option_to_blame(subject.render, kustomization)
        raise LoopError(f"{option}: {error.message}" if option else error.message) from error
    return tuple(read_rendered(text, subject.manifests()))


def option_to_blame(render: Render, kustomization: Object) -> str:
    """The option without which a folder would build; empty where no single one keeps it from that."""
    spec = kustomization["spec"]
    for field, option in _OPTIONS.items():
        if field in spec:
            rest = {key: value for key, value in spec.items() if key != field}
            try:
                render({**kustomization, "spec": rest}, is_strict=False)
            except LoopError:
                continue
            return option
    return ""
