# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What each role needs of others is named with how to give it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.needs import (
    missing,
    no_registry_address,
    no_registry_program,
)

BINARIES = {
    name: {"program": f"/cache/{name}", "version": "1.0.0", "manifests": f"/cache/{name}.d"}
    for name in (
        *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"),
        *("source-controller", "kustomize-controller"),
    )
}
MANIFESTS = {
    name: {"program": "", "version": "1.0.0", "manifests": f"/cache/{name}"}
    for name in ("flux-manifests", "source-controller-manifests", "kustomize-controller-manifests")
}
CONNECTION = {"kubeconfig": "", "context": ""}
BESIDE = {
    "kubeconfig": "/k",
    "context": "c",
    "server": "https://s",
    "ca_cert": "/ca",
    "identities": {"x": {}},
}
WORKLOADS = {
    "workloads_registry": {"host": "localhost:5001"},
    "workloads_connection": CONNECTION,
    "workloads_flux": "/cache/flux",
}

# The role, its options, and parts of what is said, a text for each sentence.
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("binaries", {}, []),
    ("cluster", {"cluster_provider": "embedded", "cluster_binaries": BINARIES}, []),
    ("cluster", {"cluster_provider": "kind", "cluster_binaries": {}}, []),
    ("cluster", {"cluster_provider": "existing"}, []),
    (
        "cluster",
        {"cluster_provider": "embedded", "cluster_binaries": {}},
        ["kube-scheduler, kwok, which cluster_provider=embedded needs. Run the role binaries first"],
    ),
    (
        "cluster",
        {"cluster_provider": "embedded", "cluster_binaries": {**BINARIES, "kwok": {"program": "/k"}}},
        ["cluster_binaries has no kwok,"],
    ),
    ("flux", {"flux_mode": "processes", "flux_binaries": BINARIES, "flux_connection": BESIDE}, []),
    ("flux", {"flux_mode": "deployments", "flux_binaries": MANIFESTS, "flux_connection": CONNECTION}, []),
    ("flux", {"flux_mode": "existing", "flux_connection": CONNECTION}, []),
    (
        "flux",
        {"flux_mode": "processes", "flux_binaries": {}, "flux_connection": {}},
        ["flux_binaries has no source-controller, kustomize-controller,", "flux_connection is missing"],
    ),
    (
        "flux",
        {"flux_mode": "processes", "flux_binaries": BINARIES, "flux_connection": CONNECTION},
        ["flux_connection has no server, ca_cert, identities, kubeconfig, context, which Flux beside"],
    ),
    (
        "flux",
        {"flux_mode": "deployments", "flux_binaries": BINARIES, "flux_connection": CONNECTION},
        ["flux_binaries has no flux-manifests, source-controller-manifests, kustomize-controller-manifests,"],
    ),
    ("flux", {"flux_mode": "existing"}, ["flux_connection is missing, the cluster to work on"]),
    ("workloads", WORKLOADS, []),
    ("workloads", {**WORKLOADS, "workloads_registry": {}}, ["workloads_registry is missing"]),
    (
        "workloads",
        {},
        ["Run the role registry first", "Run the role cluster first", "Run the role binaries first"],
    ),
]


@pytest.mark.parametrize(("role", "values", "said"), CASES)
def test_what_a_role_needs(role, values, said):
    told = missing(role, values)
    assert len(told) == len(said)
    for sentence, part in zip(told, said, strict=True):
        assert part in sentence
        assert not sentence.endswith(".")


@pytest.mark.parametrize(
    ("engine", "program", "address", "said"),
    [
        ("process", "/cache/registry", "", ["", ""]),
        ("docker", "", "", ["", ""]),
        ("existing", "", "registry:5000", ["", ""]),
        ("process", "", "", ["registry_program is missing", ""]),
        ("existing", "", "", ["", "registry_address is missing"]),
    ],
)
def test_what_a_registry_needs(engine, program, address, said):
    told = [no_registry_program(engine, program), no_registry_address(engine, address)]
    for sentence, part in zip(told, said, strict=True):
        assert sentence.startswith(part)
        assert bool(sentence) == bool(part)
