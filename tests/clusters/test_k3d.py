# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The provider k3d with the real program k3d, up to where it needs the image of k3s.

No image can be pulled in the lab, so that no cluster of k3d comes up there. These tests name an image that
cannot be had, and read what k3d made of its configuration until then. Where nodes are needed, containers with
their labels, a shell and the configuration of containerd stand in for them.
The scenario molecule/k3d runs the whole loop where images can be pulled.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.tests.clusters import lab
from ansible_collections.gitops.flux_local.tests.integration.loops import Loop

pytestmark = pytest.mark.xdist_group("k3d")
NO_IMAGE = "127.0.0.1:9/k3s:1"
HIS_OWN: dict[str, Any] = {
    "image": NO_IMAGE,
    "servers": 1,
    "agents": 2,
    "ports": [{"port": "8080:80", "nodeFilters": ["loadbalancer"]}],
    "options": {
        "kubeconfig": {"updateDefaultKubeconfig": False},
        "k3s": {"nodeLabels": [{"label": "mine=yes", "nodeFilters": ["agent:*"]}]},
    },
    "registries": {"config": 'mirrors:\n  "localhost:1":\n    endpoint: ["http://elsewhere:1"]\n'},
}


class K3dLoop(lab.LabLoop):
    """A loop on k3d, as far as it comes."""

    @property
    def configuration(self) -> dict[str, Any]:
        made: dict[str, Any] = yaml.safe_load((self.state_dir / "k3d" / "config.yaml").read_text())
        return made

    @property
    def containers(self) -> list[str]:
        return lab.docker(
            "ps", "--all", "--filter", f"label=k3d.cluster={self.name}", "--format", "{{.Names}}"
        ).split()

    def stand_in(self, role: str) -> str:
        """A container that k3d and the role take for a node."""
        name = f"k3d-{self.name}-{role}-0"
        labels = [f"--label=k3d.cluster={self.name}", f"--label=k3d.role={role}", "--label=app=k3d"]
        # It has a shell, and containerd's configuration.
        image = lab.docker("images", "--quiet", lab.NODE_IMAGE).split()[0]
        lab.docker("run", "--detach", "--name", name, *labels, "--entrypoint", "sleep", image, "infinity")
        lab.docker("exec", name, "mkdir", "-p", "/etc/rancher/k3s")
        return name


@pytest.fixture(scope="session")
def k3d(home: Path) -> str:
    """The program k3d, as the role binaries has it."""
    role = {"name": "gitops.flux_local.binaries"}
    tasks = [{"ansible.builtin.include_role": role, "vars": {"binaries_programs": ["k3d"]}}]
    run = Loop("programs", home).tasks(tasks)
    return str(run.succeeded().facts["binaries_paths"]["k3d"]["program"])


@pytest.fixture
def new_loop(home: Path, k3d: str) -> Iterator[Callable[..., K3dLoop]]:
    made: list[K3dLoop] = []

    def make(**variables: Any) -> K3dLoop:
        options = {"flux_local_provider": "k3d", "cluster_k3d_program": k3d, "cluster_k3d_config": HIS_OWN}
        made.append(K3dLoop(lab.new_name(), home, options | variables))
        return made[-1]

    yield make
    for loop in made:
        for container in loop.containers:
            lab.docker("rm", "--force", container)
        loop.end()


def recording(folder: Path, k3d: str) -> Path:
    """A k3d that writes down what it is called with, and is k3d itself otherwise."""
    program = folder / "k3d"
    program.write_text(f'#!/bin/sh\necho "$@" >>{folder}/calls\nexec {k3d} "$@"\n')
    program.chmod(0o755)
    return program


def test_k3d_takes_the_configuration_and_fails_for_want_of_its_image_alone(new_loop, k3d, tmp_path):
    loop = new_loop(cluster_k3d_program=str(recording(tmp_path, k3d)))
    loop.play("site").refused("could not create the cluster", NO_IMAGE)
    assert loop.containers == []
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["version", f"cluster create --config {loop.state_dir}/k3d/config.yaml"]

    made = loop.configuration
    assert {key: made[key] for key in ("image", "servers", "agents", "ports")} == {
        key: HIS_OWN[key] for key in ("image", "servers", "agents", "ports")
    }
    assert made["options"]["k3s"] == HIS_OWN["options"]["k3s"]
    assert made["options"]["kubeconfig"] == {"switchCurrentContext": False, "updateDefaultKubeconfig": False}
    assert made["kubeAPI"]["hostIP"] == "127.0.0.1"
    assert made["network"] == "k3d"
    port = json.loads((loop.state_dir / "ports.json").read_text())["registry"]
    here = {"endpoint": [f"http://{loop.name}-registry:5000"]}
    assert yaml.safe_load(made["registries"]["config"]) == {
        "mirrors": {
            f"127.0.0.1:{port}": here,
            f"localhost:{port}": here,
            "localhost:1": {"endpoint": ["http://elsewhere:1"]},
        }
    }
    assert stat.S_IMODE((loop.state_dir / "k3d" / "config.yaml").stat().st_mode) == 0o600
    assert "k3d" in json.loads(
        lab.docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", f"{loop.name}-registry")
    )

    # The failure is the image's: k3d refuses what is none of its configuration by another name.
    loop.play("site", cluster_k3d_config=HIS_OWN | {"servants": 1}).refused("servants")
    # What k3d has left behind goes with the loop.
    loop.play("destroy", flux_local_purge=True).succeeded()
    assert [name for name in lab.docker("volume", "ls", "--quiet").split() if loop.name in name] == []
    assert not loop.state_dir.exists()


def test_nodes_that_run_are_told_of_the_registry_and_started_and_stopped(new_loop):
    loop = new_loop()
    loop.play("site").refused(NO_IMAGE)
    # As if k3d had come to its end, with a registry at another address.
    made = loop.configuration
    made["registries"]["config"] = "mirrors: {}\n"
    (loop.state_dir / "k3d" / "config.yaml").write_text(yaml.safe_dump(made))
    (loop.state_dir / "k3d" / "kubeconfig").write_text("")
    nodes = [loop.stand_in("server"), loop.stand_in("agent")]
    loop.play("site", cluster_k3d_config=HIS_OWN | {"agents": 3}).refused(
        "cluster_k3d_config", "was made with another agents", str(loop.state_dir / "k3d" / "config.yaml")
    )

    loop.play("site", cluster_timeout=1).refused("the API server of")
    here = {"endpoint": [f"http://{loop.name}-registry:5000"]}
    for node in nodes:
        told = yaml.safe_load(lab.docker("exec", node, "cat", "/etc/rancher/k3s/registries.yaml"))
        names = [name for name, mirror in told["mirrors"].items() if mirror == here]
        assert len(names) == 2
        for name in names:
            hosts = lab.docker("exec", node, "cat", f"/etc/containerd/certs.d/{name}/hosts.toml")
            assert hosts == f'[host."{here["endpoint"][0]}"]'
    loop.play("stop").succeeded()
    assert {lab.docker("inspect", "--format", "{{.State.Status}}", node) for node in nodes} == {"exited"}


def test_another_cluster_of_that_name_is_left_alone(new_loop):
    loop = new_loop()
    node = loop.stand_in("server")
    loop.play("site").refused(f"there is a cluster {loop.name} of k3d already, and this loop has not made it")
    for playbook in ("stop", "destroy"):
        loop.play(playbook).succeeded()
        assert lab.docker("inspect", "--format", "{{.State.Status}}", node) == "running"


def test_a_k3d_that_is_too_old_is_named(new_loop, tmp_path):
    program = tmp_path / "k3d"
    program.write_text("#!/bin/sh\necho k3d version v5.4.0\necho 'k3s version v1.22.6-k3s1 (default)'\n")
    program.chmod(0o755)
    new_loop(cluster_k3d_program=str(program)).play("site").refused(
        "cluster_k3d_program", "is version 5.4.0, and version 5.6.0 or later is needed"
    )


def test_k3d_needs_docker(new_loop):
    new_loop().play("site", environment={"DOCKER_HOST": "unix:///nowhere/docker.sock"}).refused(
        "no Docker answers at unix:///nowhere/docker.sock"
    )
