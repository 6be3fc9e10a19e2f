# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A registry as nodes reach it, and where their containerd reads of it."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.endpoint import (
    Endpoint,
    Place,
    Places,
    endpoint_of,
    no_place,
    places_in,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.engines import Docker, Podman
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    CONTAINERD_CONFIG,
    DOCKER,
    PODMAN,
    RecordedMachine,
)

LOCAL = {"host": "127.0.0.1:5001", "cluster": "flux-local-registry:5000", "insecure": True}


def test_a_local_registry_has_two_names():
    assert endpoint_of(LOCAL) == Endpoint(
        names=("127.0.0.1:5001", "localhost:5001"),
        url="http://flux-local-registry:5000",
        hosts='[host."http://flux-local-registry:5000"]\n',
        container="flux-local-registry",
        is_told=True,
        is_out_of_reach=False,
    )


@pytest.mark.parametrize(
    ("host", "cluster", "insecure", "names", "url", "is_told", "is_out_of_reach"),
    [
        ("ghcr.io/me", "ghcr.io/me", False, ("ghcr.io",), "https://ghcr.io", False, False),
        ("r.example:5000", "r.example:5000", True, ("r.example:5000",), "http://r.example:5000", True, False),
        ("r.example", "inner.example/x", False, ("r.example",), "https://inner.example", True, False),
        ("localhost:5", "localhost", True, ("127.0.0.1:5", "localhost:5"), "http://localhost", True, True),
        ("127.0.0.1:5", "127.1.2.3", True, ("127.0.0.1:5", "localhost:5"), "http://127.1.2.3", True, True),
        ("localhost.example:5", "x", True, ("localhost.example:5",), "http://x", True, False),
    ],
)
def test_names_and_addresses(host, cluster, insecure, names, url, is_told, is_out_of_reach):
    found = endpoint_of({"host": host, "cluster": cluster, "insecure": insecure})
    assert (found.names, found.url) == (names, url)
    assert (found.is_told, found.is_out_of_reach) == (is_told, is_out_of_reach)


def test_no_registry_is_told_to_nobody():
    assert endpoint_of({}) == Endpoint()


def machine(engine):
    hosts = '[host."http://flux-local-registry:5000"]\n'

    def said(options):
        if options["argv"][1].endswith("config.toml"):
            return {"rc": 1, "stdout": CONTAINERD_CONFIG, "stderr": "cat: /var/lib/rancher: No such file"}
        return {"rc": 0, "stdout": hosts if "localhost" in options["argv"][1] else "", "stderr": ""}

    return RecordedMachine({f"{engine}container_exec": said})


@pytest.mark.parametrize(("engine", "asked"), [(Docker("unix:///x", {}), DOCKER), (Podman({}), PODMAN)])
def test_where_containerd_reads_and_what(engine, asked):
    folder = "/etc/containerd/certs.d"
    found = places_in(["node"], endpoint_of(LOCAL), engine, machine(asked), reads=True)
    assert found == [
        Places(
            "node",
            folder,
            "cat: /var/lib/rancher: No such file",
            (
                Place(f"{folder}/127.0.0.1:5001"),
                Place(f"{folder}/localhost:5001", '[host."http://flux-local-registry:5000"]\n'),
            ),
        )
    ]
    assert no_place(found) == ""


def test_what_is_there_is_read_only_if_that_is_wanted():
    docker = machine(DOCKER)
    found = places_in(["a", "b"], endpoint_of(LOCAL), Docker("unix:///x", {}), docker, reads=False)
    assert [place.node for place in found] == ["a", "b"]
    assert len(docker.asked) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"rc": 1, "stdout": "", "stderr": "cat: no such file\n"}, "cat: no such file"),
        ({"failed": True, "msg": "Container is not running"}, "Container is not running"),
        ({"rc": 0, "stdout": 'config_path = ""', "stderr": ""}, "no reason given"),
    ],
)
def test_a_node_that_has_no_place_is_named(answer, said):
    silent = RecordedMachine({f"{DOCKER}container_exec": answer})
    found = places_in(["node"], endpoint_of(LOCAL), Docker("unix:///x", {}), silent, reads=True)
    assert no_place(found) == (
        "cluster_attach_registry: the containerd of the node node has no config_path that names a "
        f"folder for registries ({said}). Nodes of kind 0.27 or later and of k3d have one: make the "
        "cluster anew with one of these, or use one of the other providers."
    )
    assert len(silent.asked) == 1
