# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Link
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.dependencies import Obstacles, satisfies
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster


def ref(name, kind=KUSTOMIZATION):
    return ObjectRef(kind, "flux-system", name)


def item(name, status, reason, message="m", **spec):
    ready = {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 1,
    }
    return {
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": {"sourceRef": {"kind": "OCIRepository", "name": name}, **spec},
        "status": {"observedGeneration": 1, "conditions": [ready]},
    }


def waiting(name, *dependencies):
    return item(name, "False", "DependencyNotReady", dependsOn=[{"name": each} for each in dependencies])


def chain(objects, start="a", known=None):
    obstacles = Obstacles(MemoryCluster(objects))
    obstacles.look([ref(start)])
    return [
        (link.ref.kind.name, link.ref.name) for link in obstacles.chain(ref(start), known or (lambda _: None))
    ]


@pytest.mark.parametrize(
    ("objects", "found"),
    [
        ({}, [("Kustomization", "a")]),
        ({ref("a"): item("a", "True", "Succeeded")}, []),
        ({ref("a"): item("a", "Unknown", "Progressing")}, []),
        ({ref("a"): item("a", "False", "BuildFailed")}, [("Kustomization", "a")]),
        ({ref("a"): item("a", "False", "BuildFailed", suspend=True)}, [("Kustomization", "a")]),
        # Suspended, yet at rest: Flux takes it for ready.
        ({ref("a"): item("a", "True", "Succeeded", suspend=True)}, []),
        (
            {
                ref("a"): waiting("a", "b"),
                ref("b"): waiting("b", "c"),
                ref("c"): item("c", "False", "Broken"),
            },
            [("Kustomization", "a"), ("Kustomization", "b"), ("Kustomization", "c")],
        ),
        ({ref("a"): waiting("a", "b"), ref("b"): waiting("b", "a")}, []),
        (
            {
                ref("a"): item("a", "False", "ArtifactFailed", "Source artifact not found, retrying in 30s"),
                ref("a", OCI_REPOSITORY): item("a", "False", "OCIArtifactPullFailed"),
            },
            [("Kustomization", "a"), ("OCIRepository", "a")],
        ),
    ],
)
def test_the_way_to_the_first_that_has_failed(objects, found):
    assert chain(objects) == found


def test_what_is_known_by_other_means_is_not_read_again():
    first = Link(ref("b"), Verdict(State.FAILED, "BuildFailed"))
    objects = {ref("a"): waiting("a", "b"), ref("b"): item("b", "True", "Succeeded")}
    assert chain(objects, known=lambda each: [first] if each == ref("b") else None) == [
        ("Kustomization", "a"),
        ("Kustomization", "b"),
    ]


def test_it_is_read_now_and_then_only_and_interruptions_are_outlived():
    class Restarting(MemoryCluster):
        def get(self, ref):
            raise ClusterError("It does not answer.")

    cluster = MemoryCluster({ref("a"): item("a", "True", "Succeeded")})
    obstacles = Obstacles(cluster)
    for _round in range(5):
        obstacles.look([ref("a")])
    assert cluster.asked == ["get Kustomization flux-system/a"]
    interrupted = Obstacles(Restarting())
    interrupted.look([ref("a")])
    assert interrupted.chain(ref("a"), lambda _: None) == []


def test_a_generation_that_was_not_observed_satisfies_nobody():
    old = item("a", "True", "Succeeded")
    old["metadata"]["generation"] = 2
    assert satisfies(item("a", "True", "Succeeded"))
    assert not satisfies(old)
