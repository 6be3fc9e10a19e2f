# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The role registry in containers of the real Docker and Podman, which `make lab` prepares."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.clusters import lab, oci

IMAGE = "docker.io/library/registry:3"
LABEL = "gitops.flux-local.loop"
PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  roles:
    - gitops.flux_local.registry
  tasks:
    - ansible.builtin.copy:
        content: "{{ registry_endpoint | to_json }}"
        dest: "{{ flux_local_state_dir }}/endpoint.json"
        mode: "0600"
      when: registry_endpoint is defined and not ansible_check_mode
      changed_when: false
"""


class Loop:
    """A registry in a container, with a name and a state folder of its own."""

    def __init__(self, engine: str, root: Path, environment: dict[str, str] | None = None):
        self.engine, self.root = engine, root
        self.name = lab.new_name()
        self.container = self.volume = f"{self.name}-registry"
        self.state_dir = root / "state"
        self.state_dir.mkdir(parents=True)
        # Pipelining needs no programs of the PATH, which some tests empty.
        self.environment = {**os.environ, "ANSIBLE_PIPELINING": "true", **(environment or {})}
        self.prefix: list[str] = []
        self.extra_vars: dict[str, Any] = {}
        (root / "playbook.yml").write_text(PLAYBOOK)

    def run(self, *arguments: str, **options: Any) -> str:
        extra_vars = {
            "flux_local_name": self.name,
            "flux_local_state_dir": str(self.state_dir),
            "registry_engine": self.engine,
            "registry_timeout": 400,
            **self.extra_vars,
            **{f"registry_{name}": value for name, value in options.items()},
        }
        return subprocess.run(
            [
                *self.prefix,
                Path(sys.executable).with_name("ansible-playbook"),
                self.root / "playbook.yml",
                "--extra-vars",
                json.dumps(extra_vars),
                *arguments,
            ],
            env=self.environment,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        ).stdout

    def collect_garbage(self, *arguments: str) -> str:
        """As the playbook prune.yml does it."""
        tasks = {
            "ansible.builtin.include_role": {"name": "gitops.flux_local.registry", "tasks_from": "garbage"}
        }
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [tasks]}
        play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        (self.root / "playbook.yml").write_text(json.dumps([play]))
        try:
            return self.run(*arguments, engine="auto")
        finally:
            (self.root / "playbook.yml").write_text(PLAYBOOK)

    def cli(self, *arguments: str) -> str:
        """What the engine's own command line says, which knows nothing of the role."""
        return subprocess.run([self.engine, *arguments], capture_output=True, text=True, check=True).stdout

    def inspect(self) -> Any:
        return json.loads(self.cli("container", "inspect", self.container))[0]

    def published(self) -> dict[str, Any]:
        ports: dict[str, Any] = self.inspect()["HostConfig"]["PortBindings"]
        return ports

    def containers(self) -> list[str]:
        return self.cli("ps", "--all", "--format", "{{.Names}}").split()

    def volumes(self) -> list[str]:
        return self.cli("volume", "ls", "--format", "{{.Name}}").split()

    @property
    def endpoint(self) -> dict[str, Any]:
        fact: dict[str, Any] = json.loads((self.state_dir / "endpoint.json").read_text())
        return fact

    @property
    def host(self) -> str:
        return str(self.endpoint["host"])

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    def start_by_hand(self, *options: str, port: int = 0, image: str = IMAGE) -> str:
        """A container of that name that the role did not make; returns where it answers."""
        port = port or free_port()
        self.cli(
            "run", "--detach", "--name", self.container, f"--publish=127.0.0.1:{port}:5000", *options, image
        )
        wait_for(f"127.0.0.1:{port}")
        return f"127.0.0.1:{port}"

    def clean(self) -> None:
        volumes = {self.volume}
        with contextlib.suppress(subprocess.CalledProcessError):
            volumes |= {mount["Name"] for mount in self.inspect()["Mounts"] if mount.get("Name")}
        for arguments in (["rm", "--force", self.container], ["volume", "rm", *sorted(volumes)]):
            subprocess.run([self.engine, *arguments], capture_output=True, check=False)


def free_port() -> int:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(host: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if oci.answers(host):
            return
        time.sleep(0.1)
    pytest.fail(f"no registry at {host}")


def recap(output: str) -> tuple[int, int]:
    """How many tasks changed something, and how many failed."""
    found = re.search(r"changed=(\d+) .*failed=(\d+)", output)
    assert found, output
    return int(found[1]), int(found[2])


def succeeded(output: str) -> int:
    """How many tasks of a run without failures changed something."""
    changed, failed = recap(output)
    assert not failed, output
    return changed


def sentences(output: str) -> str:
    """The output without the line breaks that Ansible puts into messages."""
    return " ".join(output.split())


@pytest.fixture(params=["docker", "podman"])
def loop(request, tmp_path):
    answer = subprocess.run([request.param, "info"], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"make lab starts the engine: {answer.stderr}"
    found = Loop(request.param, tmp_path)
    yield found
    found.clean()


@pytest.fixture
def docker(tmp_path):
    found = Loop("docker", tmp_path)
    yield found
    found.clean()


def test_from_nothing_to_nothing(loop):
    assert succeeded(loop.run("--check")) > 0
    assert loop.container not in loop.containers()
    assert loop.volume not in loop.volumes()

    assert succeeded(loop.run()) > 0
    assert loop.endpoint == {
        "host": f"127.0.0.1:{loop.port}",
        "cluster": f"127.0.0.1:{loop.port}",
        "insecure": True,
    }
    digest = oci.push(loop.host)
    assert loop.published() == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(loop.port)}]}
    assert loop.inspect()["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert loop.inspect()["Config"]["Labels"][LABEL] == loop.name
    before = loop.inspect()["Id"]
    assert succeeded(loop.run()) == 0
    assert succeeded(loop.run("--check")) == 0
    assert loop.inspect()["Id"] == before

    # Which engine has it is known, whatever is asked for.
    assert succeeded(loop.run(state="stopped", engine="process")) > 0
    assert not oci.answers(loop.host)
    assert succeeded(loop.run(state="stopped")) == 0
    assert succeeded(loop.run()) > 0
    assert oci.holds(loop.host, digest)

    assert succeeded(loop.run(state="absent")) > 0
    assert loop.container not in loop.containers()
    assert succeeded(loop.run(engine="auto")) > 0
    assert oci.holds(loop.host, digest)

    assert succeeded(loop.run(state="absent", purge=True)) > 0
    assert loop.container not in loop.containers()
    assert loop.volume not in loop.volumes()
    assert succeeded(loop.run(state="absent", purge=True)) == 0


def test_what_differs_is_made_anew_with_its_content(loop):
    loop.run()
    digest = oci.push(loop.host)
    kept = loop.host

    loop.cli("rm", "--force", loop.container)
    loop.start_by_hand("--volume", "elsewhere:/var/lib/registry", "--label", f"{LABEL}={loop.name}")
    assert succeeded(loop.run("--check", "--diff")) > 0
    assert not oci.answers(kept)
    assert succeeded(loop.run()) > 0
    assert loop.host == kept
    assert oci.holds(kept, digest)
    loop.cli("volume", "rm", "elsewhere")

    port = free_port()
    assert succeeded(loop.run(port=str(port))) > 0
    assert loop.port == port
    assert oci.holds(loop.host, digest)
    assert succeeded(loop.run()) == 0

    other = f"localhost/{loop.name}:3"
    container = loop.cli("create", IMAGE).strip()
    loop.cli("commit", "--change", "LABEL other=yes", container, other)
    try:
        loop.cli("rm", container)
        image = json.loads(loop.cli("image", "inspect", other))[0]["Id"]
        assert succeeded(loop.run(image=other)) > 0
        assert loop.inspect()["Image"] == image
        assert oci.holds(loop.host, digest)
        assert succeeded(loop.run(image=other)) == 0
    finally:
        loop.clean()
        loop.cli("image", "rm", other)


def test_what_was_killed_paused_or_removed_runs_again_with_its_content(loop):
    loop.run()
    digest = oci.push(loop.host)
    for harm in (["kill"], ["pause"], ["rm", "--force"]):
        loop.cli(*harm, loop.container)
        assert succeeded(loop.run()) > 0, harm
        assert oci.holds(loop.host, digest), harm
    loop.cli("pause", loop.container)
    assert succeeded(loop.run(state="stopped")) > 0
    assert succeeded(loop.run()) > 0
    assert oci.holds(loop.host, digest)


def test_garbage_is_collected_while_nothing_can_be_pushed(loop):
    loop.run()
    assert succeeded(loop.collect_garbage()) == 0
    doomed, kept = oci.push(loop.host, b"doomed"), oci.push(loop.host, b"kept")
    oci.delete(loop.host, doomed)
    before = loop.inspect()
    assert oci.holds_blob(loop.host, b"doomed")

    assert succeeded(loop.collect_garbage("--check")) == 0
    assert loop.inspect()["State"] == before["State"]
    assert succeeded(loop.collect_garbage()) > 0
    assert not oci.holds_blob(loop.host, b"doomed")
    assert oci.holds(loop.host, kept)
    assert oci.holds_blob(loop.host, b"kept")
    assert loop.inspect()["Id"] == before["Id"]
    assert [name for name in loop.containers() if name.startswith(loop.name)] == [loop.container]
    assert succeeded(loop.collect_garbage()) == 0


def test_garbage_of_a_container_that_is_not_ours_is_left(loop):
    loop.run()
    loop.cli("rm", "--force", loop.container)
    loop.start_by_hand()
    output = loop.collect_garbage()
    assert recap(output) == (0, 1)
    assert "its garbage is not collected" in sentences(output)


def test_a_foreign_container_is_left_alone_unless_it_is_adopted(loop):
    host = loop.start_by_hand()
    digest = oci.push(host)
    before = loop.inspect()["Id"]

    output = loop.run()
    assert recap(output) == (0, 1)
    assert f"there is a container {loop.container} in {loop.engine} already" in sentences(output)
    assert "registry_adopt=true takes it over" in sentences(output)
    assert succeeded(loop.run(state="stopped")) == 0
    assert succeeded(loop.run(state="absent", purge=True)) == 0
    assert loop.inspect()["Id"] == before
    assert oci.holds(host, digest)

    assert succeeded(loop.run(adopt=True)) > 0
    assert loop.host == host
    assert oci.holds(host, digest)
    assert succeeded(loop.run()) == 0


def test_what_belongs_to_another_loop_is_never_taken(loop):
    loop.start_by_hand("--label", f"{LABEL}=another")
    output = loop.run(adopt=True)
    assert recap(output) == (0, 1)
    assert "it belongs to the loop another. Give another registry_container_name." in sentences(output)
    loop.cli("rm", "--force", "--volumes", loop.container)

    loop.cli("volume", "create", "--label", f"{LABEL}=another", loop.volume)
    output = loop.run(adopt=True)
    assert recap(output) == (0, 1)
    assert "it belongs to the loop another. Give another registry_volume." in sentences(output)
    assert loop.container not in loop.containers()


def test_the_content_can_be_in_a_folder(loop):
    folder = loop.root / "content"
    assert succeeded(loop.run(volume=str(folder))) > 0
    oci.push(loop.host)
    assert (folder / "docker/registry/v2/repositories/kept").is_dir()
    assert succeeded(loop.run()) == 0
    assert succeeded(loop.run(state="absent", purge=True)) > 0
    assert (folder / "docker/registry/v2/repositories/kept").is_dir()


def test_in_a_network_of_the_engine_it_has_its_name(loop):
    try:
        assert succeeded(loop.run(network=loop.name)) > 0
        assert loop.endpoint["cluster"] == f"{loop.container}:5000"
        assert loop.name in loop.inspect()["NetworkSettings"]["Networks"]
        oci.push(loop.host)
        assert succeeded(loop.run(network=loop.name)) == 0
    finally:
        loop.clean()
        loop.cli("network", "rm", loop.name)


def test_a_port_that_is_taken_is_named_and_nothing_is_made(loop):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        output = loop.run(port=str(port))
        assert recap(output) == (0, 1)
        assert f"registry_port: port {port} on 127.0.0.1 is taken" in sentences(output)

        (loop.state_dir / "ports.json").write_text(json.dumps({"registry": port}))
        output = loop.run()
        assert recap(output) == (0, 1)
        assert f"registry_port: port {port} on 127.0.0.1 is taken by another program" in sentences(output)
    assert loop.container not in loop.containers()
    assert loop.volume not in loop.volumes()


def test_an_image_that_cannot_be_had_is_named_and_nothing_is_made(loop):
    output = loop.run(image="127.0.0.1:9/none:1")
    assert recap(output)[1] == 1
    assert f"registry_image: 127.0.0.1:9/none:1 is not in {loop.engine}" in sentences(output)
    assert loop.container not in loop.containers()
    assert loop.volume not in loop.volumes()


def test_the_content_is_not_left_behind_in_another_engine(docker):
    docker.run()
    output = docker.run(engine="podman")
    assert recap(output) == (0, 1)
    assert "the content of the registry of loop" in sentences(output)
    assert "Use registry_engine=docker" in sentences(output)


def test_no_docker_is_an_error_that_names_its_socket(docker):
    docker.environment["DOCKER_HOST"] = f"unix://{docker.root}/none.sock"
    output = docker.run()
    assert recap(output) == (0, 1)
    assert f"no Docker answers at unix://{docker.root}/none.sock" in sentences(output)
    assert "use registry_engine=process" in sentences(output)
    assert succeeded(docker.run(state="stopped")) == 0


def test_the_socket_of_the_current_context_is_used(docker):
    """As Docker Desktop, which has its socket in the user's home."""
    docker.environment["DOCKER_CONFIG"] = str(docker.root / "config")
    there = f"host=unix://{docker.root}/desktop.sock"
    for arguments in (["create", "desktop", "--docker", there], ["use", "desktop"]):
        subprocess.run(["docker", "context", *arguments], env=docker.environment, check=True)
    assert f"no Docker answers at unix://{docker.root}/desktop.sock" in sentences(docker.run())
    (docker.root / "desktop.sock").symlink_to("/var/run/docker.sock")
    assert succeeded(docker.run()) > 0


def test_docker_without_permission_says_which_group_is_needed(docker):
    path = docker.root / "docker.sock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        listener.listen()
        shutil.chown(path, "nobody")
        path.chmod(0o600)
        docker.environment |= {"DOCKER_HOST": f"unix://{path}", "USER": "dev"}
        lacking = "-dac_override,-dac_read_search"  # what lets root open every file
        docker.prefix = ["setpriv", f"--bounding-set={lacking}", f"--inh-caps={lacking}"]
        output = docker.run()
    assert recap(output) == (0, 1)
    assert f"Docker at unix://{path} refuses this user." in sentences(output)
    assert "sudo usermod -aG docker dev" in sentences(output)


def test_no_podman_is_an_error_that_says_so(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    loop = Loop("podman", tmp_path, {"PATH": str(programs)})
    output = loop.run()
    assert recap(output) == (0, 1)
    assert "registry_engine: podman: no Podman answers" in sentences(output)


def test_auto_is_docker_then_podman_then_a_process(docker):
    def chosen() -> str:
        output = docker.run("--check", engine="auto", program="/bin/true")
        found = re.findall(r"roles/registry/tasks/(docker|podman)_present\.yml|tasks/(process)\.yml", output)
        return "".join(found[-1]) if found else output

    assert chosen() == "docker"
    docker.environment["DOCKER_HOST"] = f"unix://{docker.root}/none.sock"
    assert chosen() == "podman"
    (docker.root / "bin").mkdir()
    docker.environment["PATH"] = str(docker.root / "bin")
    assert chosen() == "process"


def test_podman_is_rootless_for_a_user_who_is_not_root(tmp_path):
    user = lab.ROOTLESS_USER
    home = Path(f"/home/{user}")

    class Rootless(Loop):
        def cli(self, *arguments: str) -> str:
            command = ["su", user, "-s", "/bin/sh", "-c", " ".join(["podman", *arguments])]
            return subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout

    loop = Rootless("podman", tmp_path)
    loop.state_dir = home / loop.name
    loop.extra_vars = {
        "ansible_become": True,
        "ansible_become_user": user,
        "ansible_become_method": "ansible.builtin.su",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    subprocess.run(["install", "--directory", "--owner", user, loop.state_dir], check=True)
    try:
        assert succeeded(loop.run()) > 0
        digest = oci.push(loop.host)
        assert loop.container in loop.containers()
        assert succeeded(loop.run()) == 0
        loop.cli("kill", loop.container)
        assert succeeded(loop.run()) > 0
        assert oci.holds(loop.host, digest)
        assert succeeded(loop.run(state="absent", purge=True)) > 0
        assert loop.container not in loop.containers()
        assert loop.volume not in loop.volumes()
    finally:
        shutil.rmtree(loop.state_dir)
