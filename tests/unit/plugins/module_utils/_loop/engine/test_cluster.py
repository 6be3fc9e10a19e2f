# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which engine has a cluster's nodes, what is refused, and what a cluster is going to be."""

from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.cluster import (
    Asked,
    Choice,
    as_dict,
    look,
)
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    DOCKER,
    DOCKER_INFO,
    DOCKER_NODES,
    DOCKER_SILENT,
    PODMAN,
    PODMAN_INFO,
    PODMAN_NODES,
    PODMAN_SILENT,
    RecordedMachine,
)

COMMAND = "ansible.builtin.command"
DOCKER_ANSWERS = {f"{DOCKER}host_info": {**DOCKER_INFO, "containers": DOCKER_NODES}}
PODMAN_ANSWERS = {
    f"{DOCKER}host_info": DOCKER_SILENT,
    f"{PODMAN}system_info": PODMAN_INFO,
    f"{PODMAN}container_info": {"containers": PODMAN_NODES},
}
NOBODY = {f"{DOCKER}host_info": DOCKER_SILENT, f"{PODMAN}system_info": PODMAN_SILENT}
BOTH = {**PODMAN_ANSWERS, **DOCKER_ANSWERS}
OTHERWISE = "or use the provider embedded, which needs no container engine."


def looked(machine, **given):
    usual = {"provider": "kind", "name": "flux-local", "state_dir": "/state"}
    return look(Asked(**{**usual, **given}), machine)


@pytest.mark.parametrize(
    ("given", "answers", "engine", "asked"),
    [
        ({}, BOTH, "docker", [f"{DOCKER}host_info"]),
        (
            {},
            PODMAN_ANSWERS,
            "podman",
            [f"{DOCKER}host_info", f"{PODMAN}system_info", f"{PODMAN}container_info"],
        ),
        ({"engine": "podman"}, BOTH, "podman", [f"{PODMAN}system_info", f"{PODMAN}container_info"]),
        ({"engine": "docker"}, PODMAN_ANSWERS, "", [f"{DOCKER}host_info"]),
        ({"provider": "k3d"}, PODMAN_ANSWERS, "", [f"{DOCKER}host_info"]),
        ({"provider": "k3d", "engine": "podman"}, BOTH, "", [f"{PODMAN}system_info"]),
        ({"provider": "auto"}, NOBODY, "", [f"{DOCKER}host_info", f"{PODMAN}system_info"]),
        ({"provider": "embedded"}, BOTH, "", []),
        ({"provider": "existing"}, BOTH, "", []),
    ],
)
def test_which_engine_is_asked_and_has_the_nodes(given, answers, engine, asked):
    machine = RecordedMachine(answers)
    assert looked(machine, **given).engine == engine
    assert machine.modules == asked


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        ({}, {"label": "io.x-k8s.kind.cluster=flux-local"}),
        ({"provider": "k3d"}, {"label": "k3d.cluster=flux-local"}),
        ({"provider": "existing", "kubernetes_nodes": {}}, {}),
    ],
)
def test_docker_is_asked_for_the_cluster_s_nodes(given, filters):
    machine = RecordedMachine(DOCKER_ANSWERS)
    looked(machine, **given)
    assert machine.asked[0][1]["containers_filters"] == filters
    assert machine.asked[0][1]["containers_all"] is True


@pytest.mark.parametrize(
    ("given", "answers", "expected"),
    [
        ({}, DOCKER_ANSWERS, ""),
        (
            {"name": "Größer_"},
            DOCKER_ANSWERS,
            (
                "cluster_name: Größer_: kind allows lower-case letters, digits and hyphens, at most "
                "32. Give the loop such a name, or use the provider embedded."
            ),
        ),
        (
            {},
            NOBODY,
            (
                "cluster_provider: kind: no Docker answers at unix:///var/run/docker.sock (Error "
                "connecting: Error while fetching server API version: ('Connection aborted.', "
                "FileNotFoundError(2, 'No such file or directory'))). Start it, name its socket with "
                f"DOCKER_HOST or docker context use, {OTHERWISE}"
            ),
        ),
        (
            {"engine": "podman"},
            NOBODY,
            (
                'cluster_provider: kind: no Podman answers (Failed to find required executable "podman" in '
                f"paths: /usr/bin:/bin). Install it, {OTHERWISE}"
            ),
        ),
        (
            {"provider": "k3d", "engine": "podman"},
            PODMAN_ANSWERS,
            f"cluster_provider: k3d: no Podman answers (no reason given). Install it, {OTHERWISE}",
        ),
        (
            {},
            {f"{DOCKER}host_info": {"host_info": {"ServerVersion": "19.03.15"}}},
            (
                "cluster_provider: kind: docker 19.03.15 answers, and version 20.10 or later is needed. "
                f"Upgrade it, {OTHERWISE}"
            ),
        ),
        ({"provider": "auto"}, NOBODY, ""),
    ],
)
def test_what_is_refused(given, answers, expected):
    assert looked(RecordedMachine(answers), **given).refused == expected


@pytest.mark.parametrize(
    ("provider", "answer", "expected"),
    [
        ("kind", {"stdout": "kind v0.33.0 go1.26.8 linux/amd64"}, ""),
        ("k3d", {"stdout": "k3d version v5.9.0\nk3s version v1.33.6-k3s1 (default)"}, ""),
        (
            "kind",
            {"stdout": "kind v0.26.0 go1.23.4 linux/amd64"},
            (
                "cluster_kind_program: /bin/x is version 0.26.0, and version 0.27.0 or later is "
                "needed. Upgrade it, or name another one."
            ),
        ),
        (
            "k3d",
            {"failed": True, "msg": "[Errno 2] No such file or directory: b'/bin/x'"},
            (
                "cluster_k3d_program: /bin/x cannot be run ([Errno 2] No such file or directory: "
                "b'/bin/x'). Install k3d, name it with this option, or have the role binaries install "
                "it."
            ),
        ),
        (
            "kind",
            {"rc": 1, "stdout": "", "stderr": "broken", "msg": "non-zero return code"},
            (
                "cluster_kind_program: /bin/x cannot be run (broken). Install kind, name it with this "
                "option, or have the role binaries install it."
            ),
        ),
    ],
)
def test_the_program_is_new_enough(provider, answer, expected):
    machine = RecordedMachine({**DOCKER_ANSWERS, COMMAND: answer})
    assert looked(machine, provider=provider, program="/bin/x").refused == expected
    assert machine.asked[-1] == (COMMAND, {"argv": ["/bin/x", "version"]})


def test_the_program_is_not_asked_where_no_engine_answers():
    machine = RecordedMachine(NOBODY)
    looked(machine, program="/bin/x")
    assert COMMAND not in machine.modules


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ({}, {}, "kind"),
        ({}, {"KIND_EXPERIMENTAL_DOCKER_NETWORK": "mine"}, "mine"),
        ({}, {"KIND_EXPERIMENTAL_PODMAN_NETWORK": "other"}, "kind"),
        ({"provider": "k3d"}, {}, "k3d"),
        ({"provider": "k3d", "k3d_config": {"network": "mine"}}, {}, "mine"),
    ],
)
def test_the_network_of_the_nodes(given, environment, expected):
    found = looked(RecordedMachine(DOCKER_ANSWERS, environment=environment), **given)
    assert found.network == expected
    assert found.choice == Choice(found.choice.provider, "docker", expected)


@pytest.mark.parametrize(
    ("given", "answers", "with_image", "without"),
    [
        (
            {},
            DOCKER_ANSWERS,
            Choice("kind", "docker", "kind", "Docker 28.2.2 answers"),
            Choice(
                "embedded",
                why="Docker 28.2.2 answers, and it lacks the image node:1, which cannot be pulled",
            ),
        ),
        (
            {},
            PODMAN_ANSWERS,
            Choice("kind", "podman", "kind", "Podman 4.3.1 answers"),
            Choice(
                "embedded", why="Podman 4.3.1 answers, and it lacks the image node:1, which cannot be pulled"
            ),
        ),
        ({}, NOBODY, *[Choice("embedded", why="no container engine answers")] * 2),
        (
            {"name": "Größer"},
            DOCKER_ANSWERS,
            *[Choice("embedded", why="containers cannot have the name Größer")] * 2,
        ),
    ],
)
def test_what_a_cluster_will_be_where_that_is_open(given, answers, with_image, without):
    found = looked(RecordedMachine(answers), provider="auto", node_image="node:1", **given)
    assert (found.choice, found.choice_without_image) == (with_image, without)


@pytest.mark.parametrize("provider", ["embedded", "existing"])
def test_what_is_asked_for_is_the_choice(provider):
    found = looked(RecordedMachine(), provider=provider)
    assert found.choice == found.choice_without_image == Choice(provider)


def test_a_cluster_that_exists_is_chosen_with_the_network_of_its_nodes():
    known = {
        "metadata": {"name": "flux-local-control-plane"},
        "status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.2"}]},
    }
    found = looked(
        RecordedMachine(DOCKER_ANSWERS), provider="existing", kubernetes_nodes={"resources": [known]}
    )
    assert found.attachment
    assert found.attachment.nodes == ("flux-local-control-plane",)
    assert found.choice == Choice("existing", "docker", "kind")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "kind"),
        ({"provider": "k3d"}, "k3d"),
        ({"provider": "auto"}, ""),
        ({"state": "absent"}, ""),
        ({"state": "stopped", "provider": "k3d"}, ""),
    ],
)
def test_only_what_is_to_be_present_is_compared(given, expected):
    found = as_dict(looked(RecordedMachine(DOCKER_ANSWERS), **given))
    compared = [provider for provider in ("kind", "k3d", "attachment") if found[provider]]
    assert compared == ([expected] if expected else [])
    assert json.loads(json.dumps(found))["nodes"][0]["name"] == "flux-local-control-plane"


def test_a_cluster_that_this_loop_has_not_made_is_refused_by_its_provider():
    assert "this loop has not made it" in as_dict(looked(RecordedMachine(DOCKER_ANSWERS)))["kind"]["refused"]
