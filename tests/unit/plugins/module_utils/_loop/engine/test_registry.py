# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What runs a loop's registry, what there is of it, and what is refused, each by what was recorded."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.registry import (
    Asked,
    as_dict,
    look,
)
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    DOCKER,
    DOCKER_CONTAINER,
    DOCKER_INFO,
    DOCKER_SILENT,
    PODMAN,
    PODMAN_CONTAINER,
    PODMAN_INFO,
    PODMAN_SILENT,
    VOLUME,
    RecordedMachine,
)

KEPT = "/state/registry.json"
STORAGE = "/state/registry/storage"


def asked(**given):
    usual = {
        "state": "present",
        "engine": "docker",
        "name": "flux-local",
        "state_dir": "/state",
        "container_name": "flux-local-registry",
        "program": "/cache/registry",
        "address": "registry.example.com",
    }
    return Asked(**{**usual, **given})


def kept(engine, storage="flux-local-registry"):
    return {KEPT: json.dumps({"engine": engine, "storage": storage})}


USUAL = "as it was recorded"


def docker(container=USUAL, volumes=(VOLUME,), info=None):
    container = DOCKER_CONTAINER if container == USUAL else container
    return {
        f"{DOCKER}host_info": {**(info or DOCKER_INFO), "volumes": list(volumes)},
        f"{DOCKER}container_info": {"exists": bool(container), "container": container or None},
    }


def podman(container=USUAL, volumes=(VOLUME,)):
    container = PODMAN_CONTAINER if container == USUAL else container
    return {
        f"{DOCKER}host_info": DOCKER_SILENT,
        f"{PODMAN}system_info": PODMAN_INFO,
        f"{PODMAN}container_info": {"containers": [container] if container else []},
        f"{PODMAN}volume_info": {"volumes": list(volumes)},
    }


def looked(machine, **given):
    question = asked(**given)
    return as_dict(look(question, machine), question)


def of_loop(loop, answer):
    """The container or volume with the label of another loop, or with none."""
    changed = deepcopy(answer)
    labels = {"gitops.flux-local.loop": loop} if loop else None
    changed.get("Config", changed)["Labels"] = labels
    return changed


NOBODY = {f"{DOCKER}host_info": DOCKER_SILENT, f"{PODMAN}system_info": PODMAN_SILENT}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engine": "process", "program": ""}, "registry_program is missing"),
        ({"engine": "auto", "program": ""}, "registry_program is missing"),
        ({"engine": "existing", "address": ""}, "registry_address is missing"),
        ({"engine": "process", "program": "", "state": "stopped"}, ""),
        ({"engine": "existing", "address": "", "state": "absent"}, ""),
    ],
)
def test_what_a_process_or_an_existing_registry_needs_is_named(given, said):
    refused = looked(RecordedMachine(NOBODY, {}), **given)["refused"]
    assert refused.startswith(said)
    assert bool(refused) == bool(said)


@pytest.mark.parametrize(
    ("given", "files", "answers", "expected"),
    [
        # the choice is open: Docker where it answers, else Podman where it does, else a process
        ({"engine": "auto"}, {}, docker(), "docker"),
        ({"engine": "auto"}, {}, podman(container=None, volumes=()), "podman"),
        ({"engine": "auto"}, {}, NOBODY, "process"),
        # a loop keeps what it has
        ({"engine": "auto"}, kept("podman"), podman(of_loop("flux-local", PODMAN_CONTAINER)), "podman"),
        ({"engine": "auto"}, {STORAGE: ""}, docker(), "process"),
        # what is asked for
        ({"engine": "process"}, {}, {}, "process"),
        ({"engine": "existing"}, kept("docker"), {}, "existing"),
        # what is stopped or removed is what there is
        ({"engine": "process", "state": "stopped"}, kept("docker"), docker(), "docker"),
        ({"engine": "auto", "state": "absent"}, {}, {}, "process"),
        ({"engine": "docker", "state": "absent"}, {STORAGE: ""}, {}, "process"),
        ({"engine": "existing", "state": "absent"}, kept("docker"), {}, "existing"),
    ],
)
def test_what_runs_the_registry(given, files, answers, expected):
    found = looked(RecordedMachine(answers, files), **given)
    assert (found["engine"], found["refused"]) == (expected, "")


@pytest.mark.parametrize("engine", ["process", "existing"])
def test_no_engine_is_asked_where_none_is_needed(engine):
    machine = RecordedMachine()
    looked(machine, engine=engine)
    assert machine.asked == []


def test_docker_is_asked_once_although_the_choice_is_open():
    machine = RecordedMachine(docker())
    looked(machine, engine="auto")
    assert machine.modules == [f"{DOCKER}host_info", f"{DOCKER}container_info"]


def test_what_is_found_in_docker():
    assert looked(RecordedMachine(docker(), kept("docker")), network="fluxnet") == {
        "engine": "docker",
        "version": "28.2.2",
        "docker_host": "unix:///var/run/docker.sock",
        "refused": "",
        "kept": {"engine": "docker", "storage": "flux-local-registry"},
        "keep": {"engine": "docker", "storage": "flux-local-registry"},
        "container": {
            "state": "running",
            "loop": "flux-local",
            "is_ours": True,
            "networks": ["bridge", "kind"],
            "port": "5001",
            "image": "docker.io/library/registry:3",
            "image_id": "sha256:3dec7d02aaeac5c9ed2a2ee6fe5f1b0c4b1dc3a0b9e6e1fd6d3e6a0f3f5ed0a7",
            "configuration": "/etc/distribution/config.yml",
            "mount": "flux-local-registry:/var/lib/registry",
        },
        "volume": {"exists": True, "is_ours": True},
        "storage": "flux-local-registry",
        "storage_is_folder": False,
        "networks": [{"name": "fluxnet"}, {"name": "kind"}],
        "garbage": [],
    }


def test_what_is_found_in_podman_of_a_container_that_is_taken_over():
    found = looked(RecordedMachine(podman()), engine="podman", adopt=True)
    assert found["refused"] == ""
    assert found["container"]["state"] == "exited"
    assert found["container"]["port"] == "5005"
    assert found["container"]["configuration"] == "/etc/distribution/config.yml"
    assert found["container"]["is_ours"] is False
    # Its content stays where it is.
    assert (found["storage"], found["storage_is_folder"]) == ("/srv/registry", True)
    assert found["keep"] == {"engine": "podman", "storage": "/srv/registry"}
    assert found["networks"] == []
    assert found["docker_host"] == ""


def test_nothing_is_there_yet():
    found = looked(RecordedMachine(docker(container=None, volumes=())))
    assert found["container"]["state"] == "absent"
    assert (found["container"]["is_ours"], found["volume"]) == (False, {"exists": False, "is_ours": False})
    assert found["kept"] == {"engine": "", "storage": ""}
    assert found["storage"] == "flux-local-registry"


@pytest.mark.parametrize(
    ("given", "files", "expected", "filtered"),
    [
        ({}, {}, "flux-local-registry", True),
        ({"volume": "other"}, kept("docker"), "other", True),
        ({"volume": "/srv/x"}, {}, "/srv/x", False),
        ({}, kept("docker", "/srv/kept"), "/srv/kept", False),
        ({}, kept("docker", "was"), "was", True),
    ],
)
def test_where_the_content_is(given, files, expected, filtered):
    machine = RecordedMachine(docker(container=None, volumes=()), files)
    assert looked(machine, **given)["storage"] == expected
    assert machine.asked[0][1]["volumes"] is filtered


BY_HAND = of_loop("", DOCKER_CONTAINER)
OF_ANOTHER = of_loop("shop", DOCKER_CONTAINER)


@pytest.mark.parametrize(
    ("given", "files", "answers", "expected"),
    [
        (
            {"engine": "process"},
            kept("docker"),
            {},
            (
                "registry_engine: process: the content of the registry of loop flux-local is with docker, "
                "and it would be left behind. Use registry_engine=docker, or delete the content first with "
                "registry_state=absent, registry_purge=true and registry_engine=docker."
            ),
        ),
        (
            {"engine": "podman"},
            {},
            {f"{PODMAN}system_info": PODMAN_SILENT},
            (
                'registry_engine: podman: no Podman answers (Failed to find required executable "podman" in '
                "paths: /usr/bin:/bin). Install it, or use registry_engine=process."
            ),
        ),
        ({"engine": "podman", "state": "stopped"}, {}, {f"{PODMAN}system_info": PODMAN_SILENT}, ""),
        (
            {"state": "absent"},
            {},
            {f"{DOCKER}host_info": {"failed": True}},
            (
                "registry_engine: docker: no Docker answers at unix:///var/run/docker.sock (no reason "
                "given). Start it, name its socket with DOCKER_HOST or docker context use, or use "
                "registry_engine=process."
            ),
        ),
        (
            {},
            {},
            docker(info={"host_info": {"ServerVersion": "19.03.15"}}),
            (
                "registry_engine: docker: version 20.10 or later is needed, and 19.03.15 answers. Upgrade "
                "it, or use registry_engine=process."
            ),
        ),
        (
            {},
            {},
            docker(BY_HAND),
            (
                "registry_container_name: there is a container flux-local-registry in docker already, and "
                "it was not made by this role. registry_adopt=true takes it over with its content and its "
                "port; or Give another registry_container_name."
            ),
        ),
        ({"adopt": True}, {}, docker(BY_HAND), ""),
        ({"state": "absent"}, {}, docker(BY_HAND), ""),
        (
            {"adopt": True},
            {},
            docker(OF_ANOTHER),
            (
                "registry_container_name: there is a container flux-local-registry in docker already, and "
                "it belongs to the loop shop. Give another registry_container_name."
            ),
        ),
        (
            {},
            {},
            docker(volumes=[of_loop("", VOLUME)]),
            (
                "registry_volume: there is a volume flux-local-registry in docker already, and it was not "
                "made by this role. registry_adopt=true uses it; or Give another registry_volume."
            ),
        ),
        ({"adopt": True}, {}, docker(volumes=[of_loop("", VOLUME)]), ""),
        ({}, kept("docker"), docker(volumes=[of_loop("", VOLUME)]), ""),
        (
            {"adopt": True},
            kept("docker"),
            docker(volumes=[of_loop("shop", VOLUME)]),
            (
                "registry_volume: there is a volume flux-local-registry in docker already, and it belongs "
                "to the loop shop. Give another registry_volume."
            ),
        ),
    ],
)
def test_what_is_refused(given, files, answers, expected):
    assert looked(RecordedMachine(answers, files), **given)["refused"] == expected


@pytest.mark.parametrize(
    ("loop", "refused"),
    [
        (
            "shop",
            "registry_volume: there is a volume theirs in docker already, and it belongs to the loop shop",
        ),
        ("", ""),
    ],
)
def test_the_volume_of_a_container_that_is_taken_over_is_asked_for_its_loop(loop, refused):
    container = deepcopy(BY_HAND)
    container["Mounts"] = [{"Type": "volume", "Name": "theirs", "Destination": "/var/lib/registry"}]
    volume = {**of_loop(loop, VOLUME), "Name": "theirs"}
    answers = docker(container) | {f"{DOCKER}volume_info": {"exists": True, "volume": volume}}
    machine = RecordedMachine(answers)
    found = looked(machine, adopt=True)
    assert found["storage"] == "theirs"
    assert found["refused"].startswith(refused)
    assert bool(found["refused"]) is bool(refused)
    assert machine.asked[-1][1]["name"] == "theirs"


def test_a_container_that_cannot_be_looked_at_is_an_error():
    broken = docker() | {
        f"{DOCKER}container_info": {"failed": True, "msg": "Error inspecting container: oops"}
    }
    with pytest.raises(LoopError, match="Error inspecting container: oops"):
        looked(RecordedMachine(broken))


def test_a_file_that_is_no_choice_is_named():
    with pytest.raises(
        LoopError, match=r"/state/registry\.json cannot be read as what has the registry's content"
    ):
        looked(RecordedMachine({}, {KEPT: "no JSON"}))


# --- garbage

BLOBS = [f"sha256:{letter * 64}" for letter in "ab"]
DRY_RUN = "\n".join(f"blob eligible for deletion: {blob}" for blob in [*BLOBS, BLOBS[0]])


@pytest.mark.parametrize(
    ("said", "expected", "refused"),
    [
        ({"rc": 0, "stdout": DRY_RUN, "stderr": ""}, BLOBS, ""),
        ({"rc": 0, "stdout": "", "stderr": DRY_RUN}, BLOBS, ""),
        ({"rc": 1, "stdout": "", "stderr": "Path not found: /docker/registry/v2/repositories"}, [], ""),
        (
            {"rc": 1, "stdout": "", "stderr": "no space left"},
            [],
            (
                "The garbage collection of flux-local-registry failed, and the registry is as it was: no "
                "space left"
            ),
        ),
        (
            {"failed": True, "msg": "Error executing: gone"},
            [],
            (
                "The garbage collection of flux-local-registry failed, and the registry is as it was: "
                "Error executing: gone"
            ),
        ),
    ],
)
def test_garbage_is_what_the_registry_s_program_says(said, expected, refused):
    machine = RecordedMachine({**docker(), f"{DOCKER}container_exec": said}, kept("docker"))
    found = looked(machine, engine="auto", garbage=True)
    assert (found["garbage"], found["refused"]) == (expected, refused)
    assert machine.asked[-1][1]["argv"] == [
        "registry",
        "garbage-collect",
        "--dry-run",
        "/etc/distribution/config.yml",
    ]


@pytest.mark.parametrize(
    ("container", "state"),
    [(OF_ANOTHER, "running"), ({**DOCKER_CONTAINER, "State": {"Status": "exited"}}, "exited")],
)
def test_the_garbage_of_what_is_not_ours_or_does_not_run_stays(container, state):
    found = looked(RecordedMachine(docker(container), kept("docker")), engine="auto", garbage=True)
    assert found["refused"] == (
        f"registry_container_name: flux-local-registry in docker is {state}, or not the registry of the loop "
        "flux-local: its garbage is not collected. Start it with registry_state=present."
    )


def test_where_there_is_no_content_there_is_no_garbage():
    machine = RecordedMachine(docker())
    assert looked(machine, engine="auto", garbage=True)["kept"]["engine"] == ""
    assert machine.asked == []
