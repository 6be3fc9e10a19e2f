# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    Installation,
    flaws,
    installations,
    is_available,
    newer_than,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.flux_published import RESOURCES, crd, deployment

SERVED = {
    OCI_REPOSITORY: crd(*RESOURCES["source-controller"], "v1beta2", "v1"),
    KUSTOMIZATION: crd(*RESOURCES["kustomize-controller"], "v1"),
}


def controller(name, *, image="", namespace="flux-system", labels=None, loop=None, replicas=1):
    item = deployment(name)
    item["metadata"] |= {"namespace": namespace, "labels": labels or {}}
    if loop:
        item["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "gitops.flux_local", **(labels or {})}
        item["metadata"]["annotations"] = {"gitops.flux-local/loop": loop}
    item["spec"]["replicas"] = replicas
    item["spec"]["template"]["spec"]["containers"][0]["image"] = image or f"ghcr.io/fluxcd/{name}:v1.9.5"
    return item


def both(**options):
    return [controller(name, **options) for name in ("source-controller", "kustomize-controller")]


def test_installations_are_told_apart_by_namespace():
    others = [controller("helm-controller"), controller("notification-controller", namespace="third")]
    renamed = controller("flux-source", labels={"app.kubernetes.io/component": "source-controller"})
    [first, second] = installations([*both(namespace="second"), renamed, *others])
    assert (first.namespace, list(first.controllers)) == ("flux-system", ["source-controller"])
    assert (second.namespace, len(second.controllers)) == ("second", 2)
    assert installations(others) == []


@pytest.mark.parametrize(
    ("deployments", "loop", "installer"),
    [
        (both(loop="one"), "one", "the loop one"),
        (both(), None, "flux install or something else"),
        (both(labels={"app.kubernetes.io/managed-by": "Helm"}), None, "Helm"),
        (
            [controller("source-controller", loop="one"), controller("kustomize-controller", loop="two")],
            None,
            "flux install or something else",
        ),
    ],
)
def test_whose_it_is(deployments, loop, installer):
    [found] = installations(deployments)
    assert (found.loop, found.installer) == (loop, installer)


def test_versions_are_those_of_images_and_labels():
    labels = {"app.kubernetes.io/version": "v2.9.5"}
    source = controller("source-controller", image="x/y@sha256:00", labels=labels)
    [found] = installations([source, controller("kustomize-controller")])
    assert found.version == "v2.9.5"
    assert found.versions == {"source-controller": "", "kustomize-controller": "1.9.5"}


@pytest.mark.parametrize(
    ("labels", "version", "tag", "said"),
    [
        ({}, "2.9.5", "v1.9.5", []),
        ({}, "2.9.5", "v1.10.0", []),
        ({}, "2.9.5", "v1.9.4", ["source-controller 1.9.5 would become 1.9.4"]),
        ({}, "2.9.5", "", []),
        ({}, "2.9.5", "latest", []),
        ({"app.kubernetes.io/version": "v2.10.0"}, "2.9.5", "v1.9.5", ["Flux 2.10.0 would become 2.9.5"]),
        ({"app.kubernetes.io/version": "v2.9.4"}, "2.9.5", "v1.9.5", []),
    ],
)
def test_what_is_newer(labels, version, tag, said):
    installed = Installation("n", {"source-controller": controller("source-controller", labels=labels)})
    assert newer_than(installed, version, {"source-controller": tag}) == said


@pytest.mark.parametrize(
    ("deployments", "crds", "said"),
    [
        (both(), SERVED, []),
        (both()[:1], SERVED, ["kustomize-controller is not there"]),
        (both(replicas=0)[:1] + both()[1:], SERVED, ["source-controller is scaled to 0"]),
        (
            both(),
            SERVED | {OCI_REPOSITORY: crd(*RESOURCES["source-controller"], "v1beta2")},
            ["it serves OCIRepository as v1beta2, and v1 is needed"],
        ),
        (both(), SERVED | {KUSTOMIZATION: None}, ["it serves Kustomization as nothing, and v1 is needed"]),
    ],
)
def test_flaws(deployments, crds, said):
    [found] = installations(deployments)
    assert flaws(found, crds) == said


@pytest.mark.parametrize(
    ("status", "available"),
    [
        ({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, True),
        ({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, False),
        ({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}, False),
        ({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}, False),
        ({}, False),
    ],
)
def test_availability(status, available):
    item = controller("source-controller") | {"status": status}
    item["metadata"]["generation"] = 2
    assert is_available(item) is available
    assert not is_available(None)
