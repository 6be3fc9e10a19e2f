# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which container engine answers, where, and what is said of one that does not."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.engines import (
    Docker,
    Podman,
    ask_docker,
    ask_podman,
    docker_host,
    is_at_least,
)
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    DOCKER,
    DOCKER_FORBIDDEN,
    DOCKER_INFO,
    DOCKER_SILENT,
    PODMAN,
    PODMAN_INFO,
    PODMAN_SILENT,
    RecordedMachine,
)

CONTEXT = {"contexts": [{"name": "desktop", "config": {"docker_host": "unix:///run/desktop.sock"}}]}


@pytest.mark.parametrize(
    ("environment", "files", "context", "expected"),
    [
        ({"DOCKER_HOST": "tcp://far:2375"}, ["/home/dev/.docker/config.json"], CONTEXT, "tcp://far:2375"),
        ({}, [], CONTEXT, "unix:///var/run/docker.sock"),
        ({"DOCKER_CONTEXT": "desktop"}, [], CONTEXT, "unix:///run/desktop.sock"),
        ({}, ["/home/dev/.docker/config.json"], CONTEXT, "unix:///run/desktop.sock"),
        ({"DOCKER_CONFIG": "/etc/d"}, ["/etc/d/config.json"], CONTEXT, "unix:///run/desktop.sock"),
        (
            {"DOCKER_CONFIG": "/etc/d"},
            ["/home/dev/.docker/config.json"],
            CONTEXT,
            "unix:///var/run/docker.sock",
        ),
        ({}, ["/home/dev/.docker/config.json"], {"failed": True}, "unix:///var/run/docker.sock"),
        ({}, ["/home/dev/.docker/config.json"], {"contexts": []}, "unix:///var/run/docker.sock"),
    ],
)
def test_docker_is_where_its_own_client_would_ask(environment, files, context, expected):
    machine = RecordedMachine({f"{DOCKER}context_info": context}, dict.fromkeys(files, "{}"), environment)
    assert docker_host(machine) == expected


def test_docker_is_asked_once_for_all_that_is_wanted():
    machine = RecordedMachine({f"{DOCKER}host_info": DOCKER_INFO})
    assert ask_docker(machine, {"containers": True}).version == "28.2.2"
    where = {"docker_host": "unix:///var/run/docker.sock", "containers": True, "verbose_output": True}
    assert machine.asked == [(f"{DOCKER}host_info", where)]


def test_podman_says_its_version():
    assert ask_podman(RecordedMachine({f"{PODMAN}system_info": PODMAN_INFO})).version == "4.3.1"
    assert Podman({"podman_system_info": None}).version == ""


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (
            Docker("unix:///x.sock", DOCKER_SILENT, "dev"),
            (
                "no Docker answers at unix:///x.sock (Error connecting: Error while fetching server "
                "API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or "
                "directory'))). Start it, name its socket with DOCKER_HOST or docker context use, or "
                "use registry_engine=process."
            ),
        ),
        (
            Docker("unix:///x.sock", DOCKER_FORBIDDEN, "dev"),
            (
                "Docker at unix:///x.sock refuses this user. Join the group that owns the socket (usually: "
                "sudo usermod -aG docker dev, then log in anew), or use registry_engine=process."
            ),
        ),
        (
            Docker("unix:///x.sock", {}, "dev"),
            (
                "no Docker answers at unix:///x.sock (no reason given). Start it, name its socket with "
                "DOCKER_HOST or docker context use, or use registry_engine=process."
            ),
        ),
        (
            Podman(PODMAN_SILENT),
            (
                'no Podman answers (Failed to find required executable "podman" in paths: '
                "/usr/bin:/bin). Install it, or use registry_engine=process."
            ),
        ),
    ],
)
def test_an_engine_that_does_not_answer_says_what_to_do(engine, expected):
    assert engine.version == ""
    assert engine.silence("registry_engine=process") == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("20.10", True), ("20.10.24+dfsg1", True), ("28.2.2", True), ("19.03.15", False), ("20.9.9", False)],
)
def test_versions_are_compared_by_their_numbers(version, expected):
    assert is_at_least(version, "20.10") is expected
