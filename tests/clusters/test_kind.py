# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The loop on kind as a user lives with it: real nodes, real Pods, and the registry beside them."""

from __future__ import annotations

import datetime
import json
import os
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.tests.clusters import lab
from ansible_collections.gitops.flux_local.tests.clusters.lab import KindLoop
from ansible_collections.gitops.flux_local.tests.integration.loops import ROOT, Run, config_map, until, write

pytestmark = pytest.mark.xdist_group("the loop on kind")
NODE_LABEL = "io.x-k8s.kind.cluster"
NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": "/usr/bin:/bin"}


def states(loop: KindLoop) -> set[str]:
    """How the containers of the nodes are."""
    return set(
        lab.docker(
            "ps", "--all", "--filter", f"label={NODE_LABEL}={loop.name}", "--format", "{{.State}}"
        ).split()
    )


def pod(name: str, image: str) -> dict[str, Any]:
    container = {"name": "web", "image": image, "imagePullPolicy": "Always"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


def is_running(loop: KindLoop, name: str) -> bool:
    found = loop.get(f"/api/v1/namespaces/default/pods/{name}")
    return found is not None and found["status"]["phase"] == "Running"


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def after_a_restart(loop: KindLoop, since: str) -> Run:
    """A run once Flux runs anew, after ``since``; until then the API server has what was true before.

    What its controllers could not fetch from one another while they started, they would try again only later.
    """

    def flux_runs_again() -> bool:
        listed = loop.get("/api/v1/namespaces/flux-system/pods") or {"items": []}
        containers = [each for pod in listed["items"] for each in pod["status"]["containerStatuses"]]
        are_new = (each["state"].get("running", {}).get("startedAt", "") > since for each in containers)
        return len(containers) >= 2 and all(each["ready"] for each in containers) and all(are_new)

    until(flux_runs_again, "Flux in its Pods", seconds=400)
    return loop.up()


def without_flux(loop: KindLoop, *arguments: str, **options: Any) -> Run:
    """The loop's registry and cluster, and nothing in it."""
    registry = {"registry_engine": "docker", "registry_network": "kind"}
    return loop.tasks(
        [
            {"ansible.builtin.include_role": {"name": "gitops.flux_local.registry"}, "vars": registry},
            {
                "ansible.builtin.include_role": {"name": "gitops.flux_local.cluster"},
                "vars": {"cluster_provider": "kind"},
            },
        ],
        *arguments,
        **options,
    )


def test_from_nothing_to_everything_ready(kind_loop):
    first = kind_loop.runs[0].succeeded()
    assert sorted(first.receipts) == ["backend", "base", "frontend"]
    for name, receipt in first.receipts.items():
        assert receipt["ready"], receipt
        assert receipt["applied_revision"] == f"latest@{kind_loop.digest(name)}"
    deployments = kind_loop.get("/apis/apps/v1/deployments")["items"]
    assert {item["metadata"]["name"] for item in deployments} >= {"backend", "frontend"}
    for item in deployments:
        assert item["status"]["availableReplicas"] == item["spec"]["replicas"]
    assert f"cluster     kind, context kind-{kind_loop.name}" in first.text
    assert "simulated" not in first.text


def test_tools_are_told_of_the_registry(kind_loop):
    told = kind_loop.config_map("local-registry-hosting", "kube-public")
    assert f'host: "{kind_loop.registry}"' in told["data"]["localRegistryHosting.v1"]


@pytest.mark.parametrize("playbook", ["site", "push", "status"])
def test_a_second_run_changes_nothing(kind_loop, playbook):
    assert kind_loop.play(playbook).succeeded().changed == []


def test_check_mode_of_a_loop_that_is_as_it_should_be_foretells_nothing(kind_loop):
    assert kind_loop.play("site", "--check", "--diff").succeeded().changed == []


def test_an_edit_is_pushed_and_applied(kind_loop, tmp_path):
    workload = {"name": "edited", "path": str(write(tmp_path, greeting=config_map("greeting", text="hello")))}
    assert kind_loop.push(workload).succeeded().receipts["edited"]["ready"]
    write(tmp_path, greeting=config_map("greeting", text="hello, world"))
    receipt = kind_loop.push(workload).succeeded().receipts["edited"]
    assert receipt["applied_revision"] == f"latest@{kind_loop.digest('edited')}"
    assert kind_loop.config_map("greeting")["data"] == {"text": "hello, world"}
    kind_loop.remove("edited")


def test_a_pod_runs_an_image_of_the_registry_under_the_name_it_was_pushed_by(kind_loop, tmp_path):
    image = kind_loop.push_image("web:1")
    other = pod("by-name", image.replace("127.0.0.1", "localhost"))
    workload = {"name": "web", "path": str(write(tmp_path, web=pod("web", image), other=other))}
    assert kind_loop.push(workload).succeeded().receipts["web"]["ready"]
    assert is_running(kind_loop, "web")
    assert is_running(kind_loop, "by-name")
    kind_loop.remove("web")


def test_its_context_is_in_the_users_kubeconfig_as_long_as_that_is_asked_for(kind_loop, tmp_path):
    theirs = tmp_path / "config"
    theirs.write_text(
        "contexts:\n- {name: work, context: {cluster: work, user: me}}\ncurrent-context: work\n"
    )
    mine = {"environment": {"KUBECONFIG": str(theirs)}}
    kind_loop.up(cluster_merge_kubeconfig=True, **mine)
    context = f"kind-{kind_loop.name}"
    nodes = [
        lab.kubectl(),
        "--kubeconfig",
        str(theirs),
        "--context",
        context,
        "get",
        "nodes",
        "--output",
        "name",
    ]
    said = subprocess.run(nodes, capture_output=True, text=True, check=True).stdout
    assert said == f"node/{kind_loop.name}-control-plane\n"
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o600
    kind_loop.up(**mine)
    left = yaml.safe_load(theirs.read_text())
    assert (left["contexts"], left["clusters"], left["users"]) == (
        [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
        [],
        [],
    )
    assert left["current-context"] == "work"


def test_what_tells_the_nodes_of_the_registry_is_repaired(kind_loop):
    hosts = kind_loop.state_dir / "kind" / "certs.d" / kind_loop.registry / "hosts.toml"
    kept = hosts.read_text()
    hosts.write_text("")
    assert kind_loop.up().changed
    assert hosts.read_text() == kept
    (node,) = kind_loop.nodes
    assert (
        lab.docker("exec", node, "cat", f"/etc/containerd/certs.d/{kind_loop.registry}/hosts.toml")
        == kept.strip()
    )


def test_stopped_and_started_it_has_everything_back(kind_loop, tmp_path):
    workload = {"name": "kept", "path": str(write(tmp_path, kept=config_map("kept", text="still here")))}
    digest = kind_loop.push(workload).succeeded().receipts["kept"]["pushed_digest"]
    uid = kind_loop.config_map("kept")["metadata"]["uid"]
    kind_loop.play("stop").succeeded()
    assert states(kind_loop) == {"exited"}
    assert kind_loop.play("stop").succeeded().changed == []

    kind_loop.up()
    assert kind_loop.config_map("kept")["metadata"]["uid"] == uid
    assert kind_loop.digest("kept") == digest
    kind_loop.remove("kept")


@pytest.mark.parametrize("harm", ["kill", "pause"])
def test_a_node_that_was_harmed_runs_again(kind_loop, harm):
    (node,) = kind_loop.nodes
    since = now()
    lab.docker(harm, node)
    assert kind_loop.up().changed
    assert states(kind_loop) == {"running"}
    if harm == "kill":
        after_a_restart(kind_loop, since)
    assert kind_loop.up().changed == []


def test_another_configuration_is_refused_since_kind_cannot_change_a_cluster(kind_loop):
    (node,) = kind_loop.nodes
    asked = {
        **kind_loop.variables["cluster_kind_config"],
        "nodes": [{"role": "control-plane"}, {"role": "worker"}],
    }
    kind_loop.play("site", cluster_kind_config=asked).refused(
        "cluster_kind_config",
        str(kind_loop.state_dir / "kind" / "config.yaml"),
        "kind cannot change a cluster",
    )
    kind_loop.play("site", flux_local_provider="embedded").refused("has a cluster of the provider kind")
    assert kind_loop.nodes == [node]


def test_another_cluster_of_that_name_is_left_alone(new_kind_loop):
    loop = new_kind_loop()
    lab.docker(
        "create",
        "--name",
        f"{loop.name}-control-plane",
        "--label",
        f"{NODE_LABEL}={loop.name}",
        lab.REGISTRY_IMAGE,
    )
    loop.play("site").refused(
        f"there is a cluster {loop.name} of kind already, and this loop has not made it"
    )
    for playbook in ("stop", "destroy"):
        loop.play(playbook).succeeded()
        assert loop.nodes == [f"{loop.name}-control-plane"]


def test_a_second_cluster_with_a_registry_of_its_own_heals_and_keeps_its_content(kind_loop, new_kind_loop):
    """Interrupted while it is created, then made whole, then destroyed; the first one does not notice."""
    second = new_kind_loop(cluster_kind_program=lab.kind())
    begun = second.start_tasks(
        [
            {
                "ansible.builtin.include_role": {"name": "gitops.flux_local.cluster"},
                "vars": {"cluster_provider": "kind"},
            }
        ]
    )
    until(lambda: states(second) == {"running"}, "the node of the second cluster")
    os.kill(begun.process.pid, signal.SIGKILL)
    begun.finish()
    assert not second.kubeconfig.exists()

    facts = without_flux(second).succeeded().facts
    assert without_flux(second).succeeded().changed == []
    registry = facts["registry_endpoint"]["host"]
    assert registry != kind_loop.registry
    assert second.core.list_node().items[0].metadata.name == f"{second.name}-control-plane"

    second.kubeconfig.unlink()  # as if kind had not come to its end
    assert without_flux(second).succeeded().changed
    assert len(second.core.list_node().items) == 1

    push_by_hand(registry, "kept:1")
    second.play("destroy").succeeded()
    assert second.nodes == []
    assert volumes(second) == [f"{second.name}-registry"]
    second.play("destroy", flux_local_purge=True).succeeded()
    assert volumes(second) == []
    assert not second.state_dir.exists()
    assert kind_loop.play("push").succeeded().changed == []


def push_by_hand(registry: str, name: str) -> None:
    image = f"{registry}/{name}"
    lab.docker("tag", lab.REGISTRY_IMAGE, image)
    try:
        lab.docker("push", "--quiet", image)
    finally:
        lab.docker("rmi", image)


def volumes(loop: KindLoop) -> list[str]:
    return [name for name in lab.docker("volume", "ls", "--quiet").split() if name.startswith(loop.name)]


# --- what is chosen


def chosen(loop: KindLoop, **options: Any) -> dict[str, Any]:
    role = {"name": "gitops.flux_local.cluster", "tasks_from": "choose"}
    tasks = [{"ansible.builtin.include_role": role, "vars": {"cluster_provider": "auto"}}]
    choice: dict[str, Any] = loop.tasks(tasks, **options).succeeded().facts["cluster_choice"]
    return choice


@pytest.fixture
def undecided(home: Path, kind_options: dict[str, Any]) -> KindLoop:
    """A loop that is not there yet, on a machine that has the image of kind's nodes."""
    image = kind_options.get("cluster_kind_image", "")
    return KindLoop(lab.new_name(), home, {"flux_local_provider": "auto", "cluster_kind_image": image})


def test_kind_is_chosen_where_an_engine_answers_and_has_the_image(undecided):
    choice = chosen(undecided)
    assert (choice["provider"], choice["engine"], choice["network"]) == ("kind", "docker", "kind")
    assert choice["why"].startswith("Docker ")
    assert choice["why"].endswith(" answers")


def test_embedded_is_chosen_where_no_engine_answers(undecided):
    choice = chosen(undecided, environment=NOWHERE, cluster_engine="docker")
    assert (choice["provider"], choice["engine"]) == ("embedded", "")
    assert choice["why"] == "no container engine answers"


def test_embedded_is_chosen_where_the_image_cannot_be_had(undecided):
    choice = chosen(undecided, cluster_kind_image="127.0.0.1:9/none:1")
    assert choice["provider"] == "embedded"
    assert "it lacks the image 127.0.0.1:9/none:1, which cannot be pulled" in choice["why"]


def test_embedded_is_chosen_for_a_name_that_containers_cannot_have(home, kind_options):
    choice = chosen(
        KindLoop("prüf stand", home, {"cluster_kind_image": kind_options.get("cluster_kind_image", "")})
    )
    assert choice["provider"] == "embedded"
    assert "prüf stand" in choice["why"]


def test_a_loop_stays_what_it_is_when_an_engine_appears(undecided):
    undecided.state_dir.mkdir(parents=True)
    kept = {"provider": "embedded", "engine": "", "network": "", "why": "no container engine answers"}
    (undecided.state_dir / "provider.json").write_text(json.dumps(kept))
    run = undecided.play("site", "--check").succeeded()
    assert run.facts["loop_choice"] == kept
    assert "chosen because no container engine answers" in run.text


def test_a_loop_whose_registry_is_a_process_is_not_moved_into_containers(undecided):
    (undecided.state_dir / "registry" / "storage").mkdir(parents=True)
    assert undecided.play("site", "--check").succeeded().facts["loop_choice"]["provider"] == "embedded"
    undecided.play("site", flux_local_provider="kind").refused(
        "is a process on 127.0.0.1, which the nodes of kind do not reach", "flux_local_provider=embedded"
    )


# --- bad input: nothing is begun


def test_no_engine_where_one_is_asked_for(new_kind_loop):
    loop = new_kind_loop()
    loop.play("site", environment=NOWHERE, cluster_engine="docker").refused(
        "no Docker answers at unix:///nowhere/docker.sock", "provider embedded"
    )
    assert not (loop.state_dir / "kind").exists()


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (
            "echo kind v0.20.0 go1.20.4 linux/amd64",
            "is version 0.20.0, and version 0.27.0 or later is needed",
        ),
        ("echo broken >&2; exit 1", "cannot be run (broken)"),
    ],
)
def test_a_kind_that_will_not_do(new_kind_loop, tmp_path, said, refused):
    program = tmp_path / "kind"
    program.write_text(f"#!/bin/sh\n{said}\n")
    program.chmod(0o755)
    loop = new_kind_loop(cluster_kind_program=str(program))
    loop.play("site").refused("cluster_kind_program", str(program), refused)
    assert not (loop.state_dir / "kind").exists()


def test_a_creation_that_fails_says_what_kind_says(new_kind_loop):
    loop = new_kind_loop(cluster_kind_image="127.0.0.1:9/none:1")
    loop.play("site").refused("could not create the cluster", "127.0.0.1:9/none:1")
    assert loop.nodes == []


# --- by itself, since the engine is that of all tests


@pytest.mark.alone
def test_the_engine_restarts_and_everything_is_back(kind_loop):
    pidfile = lab.FOLDER / "dockerd.pid"
    if not pidfile.exists():
        pytest.skip("the engine is not the lab's own: only that one may be restarted")
    uid = kind_loop.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    since = now()
    for target in ("lab-down", "lab"):
        subprocess.run(["make", target], cwd=ROOT, check=True, capture_output=True, timeout=300)
    kind_loop.up()
    after_a_restart(kind_loop, since)
    assert kind_loop.get("/api/v1/namespaces/kube-system")["metadata"]["uid"] == uid
    assert kind_loop.up().changed == []
