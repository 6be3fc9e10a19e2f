# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a cluster's Deployments say of the Flux in it: whose it is, how old, and whether it can be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CONTAINER,
    CONTROLLERS,
    LOOP,
    MANAGED_BY,
    OURS,
    VERSION,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import tag_of_image
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver import parse_version

COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Installation:
    """Flux in one namespace; ``controllers`` are the Deployments of those that a loop needs."""

    namespace: str
    controllers: Mapping[str, Object]

    @property
    def loop(self) -> str | None:
        """The loop that installed it, None where something else did."""
        owners = {
            item["metadata"].get("annotations", {}).get(LOOP)
            for item in self.controllers.values()
            if item["metadata"].get("labels", {}).get(MANAGED_BY) == OURS
        }
        return owners.pop() if len(owners) == 1 else None

    @property
    def installer(self) -> str:
        """Who made it, as far as it says."""
        if self.loop is not None:
            return f"the loop {self.loop}"
        labels = [item["metadata"].get("labels", {}).get(MANAGED_BY) for item in self.controllers.values()]
        return next((label for label in labels if label and label != OURS), "flux install or something else")

    @property
    def version(self) -> str:
        """Flux's version with its leading v, empty where its labels do not say it."""
        labels = [item["metadata"].get("labels", {}).get(VERSION) for item in self.controllers.values()]
        return next((label for label in labels if label), "")

    @property
    def versions(self) -> dict[str, str]:
        """The version of each controller by the tag of its image, empty where that is a digest alone."""
        return {
            name: str(version) if (version := parse_version(tag_of_image(image_of(item)))) else ""
            for name, item in self.controllers.items()
        }


def installations(deployments: Iterable[Object]) -> list[Installation]:
    """The installations among a cluster's Deployments, one for each namespace."""
    found: dict[str, dict[str, Object]] = {}
    for item in deployments:
        metadata = item["metadata"]
        name = next(
            (
                called
                for called in (metadata.get("labels", {}).get(COMPONENT), metadata["name"])
                if called in CONTROLLERS
            ),
            None,
        )
        if name:
            found.setdefault(metadata["namespace"], {})[name] = item
    return [Installation(namespace, controllers) for namespace, controllers in sorted(found.items())]


def image_of(deployment: Object) -> str:
    """The image of a controller."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    named = [container for container in containers if container["name"] == CONTAINER]
    return str((named or containers)[0]["image"])


def newer_than(installed: Installation, version: str, versions: Mapping[str, str]) -> list[str]:
    """What of an installation is newer than what would take its place, one line for each."""
    pairs = [("Flux", installed.version, version)]
    pairs += [(name, was, versions[name]) for name, was in installed.versions.items() if name in versions]
    lines = []
    for name, was, becomes in pairs:
        there, wanted = parse_version(was), parse_version(becomes)
        if there and wanted and wanted < there:
            lines.append(f"{name} {there} would become {wanted}")
    return lines


def flaws(installed: Installation, crds: Mapping[Kind, Object | None]) -> list[str]:
    """Why an installation cannot be used, one line for each reason."""
    lines = [f"{name} is not there" for name in CONTROLLERS if name not in installed.controllers]
    lines += [
        f"{name} is scaled to 0"
        for name, item in installed.controllers.items()
        if item["spec"].get("replicas", 1) == 0
    ]
    return [*lines, *unserved(crds)]


def unserved(crds: Mapping[Kind, Object | None]) -> list[str]:
    """Which of Flux's kinds are not served in the version that is needed, and in which ones they are."""
    lines = []
    for kind, crd in crds.items():
        versions: Sequence[Any] = crd["spec"]["versions"] if crd else []
        served = [version["name"] for version in versions if version["served"]]
        if kind.version not in served:
            lines.append(
                f"it serves {kind.name} as {', '.join(served) or 'nothing'}, and {kind.version} is needed"
            )
    return lines


NEEDED = (OCI_REPOSITORY, KUSTOMIZATION)


def is_available(deployment: Object | None) -> bool:
    """Whether a Deployment's newest Pods are all there, ready, and alone."""
    if deployment is None:
        return False
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    is_observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return is_observed and counts == [wanted] * 3
