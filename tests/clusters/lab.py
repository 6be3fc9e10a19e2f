# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What `make lab` has prepared: engines, images, programs; and loops on kind, of which nothing is left."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.tests.integration.loops import Loop, Run, kill_all_below

REGISTRY_IMAGE = "registry:3"
NODE_IMAGE = "kindest/node"
ROOTLESS_USER = "flux-lab"
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flux-local" / "lab"
SESSION = f"test-{uuid.uuid4().hex[:6]}"


def new_name() -> str:
    """A name for a loop, cluster or container of this session; none is the beginning of another."""
    return f"{SESSION}-{uuid.uuid4().hex[:6]}"


def docker(*arguments: str) -> str:
    """What the Docker client prints; one that fails raises CalledProcessError."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def kubectl() -> str:
    """The program kubectl: the user's, or the one of the lab's nodes."""
    found = shutil.which("kubectl") or shutil.which("kubectl", path=str(FOLDER / "programs"))
    if not found:
        raise FileNotFoundError("There is no kubectl in PATH. `make lab` prepares one (docs/clusters.md).")
    return found


def kind() -> str:
    """The program kind: the user's, or the newest one that the role binaries has put into the cache."""
    cached = sorted(FOLDER.parent.glob("kind/*/*/kind"), key=lambda program: program.stat().st_mtime)
    found = shutil.which("kind") or (str(cached[-1]) if cached else None)
    if not found:
        raise FileNotFoundError("There is no kind in PATH. `make lab` prepares one (docs/clusters.md).")
    return found


def lacking(*images: str) -> str:
    """What is not there, of Docker and the images, in a sentence; empty when all is."""
    prepare = "`make lab` prepares what the tests in tests/clusters need (docs/clusters.md)."
    try:
        docker("version", "--format", "{{.Server.Version}}")
    except (OSError, subprocess.CalledProcessError):
        return f"No Docker answers. {prepare}"
    return "".join(
        f"Docker does not have the image {image}. {prepare}"
        for image in images
        if not docker("images", "--quiet", image)
    )


def kind_options() -> dict[str, Any]:
    """The options of roles and playbooks for a loop on kind here.

    The node image that `make lab` makes has a network of its own, since kind's cannot be had without pulling.
    On a machine with version 1 of cgroups, kubelet runs when it is told that this is known.
    """
    config: dict[str, Any] = {}
    options: dict[str, Any] = {"flux_local_provider": "kind", "cluster_kind_config": config}
    named = ["--format", "{{.Repository}}:{{.Tag}}", NODE_IMAGE]
    made = docker("images", "--filter", "label=lab.recipe", *named)
    if made:
        options["cluster_kind_image"] = made.splitlines()[0]
        config["networking"] = {"disableDefaultCNI": True}
    if docker("info", "--format", "{{.CgroupVersion}}") == "1":
        config["kubeadmConfigPatches"] = ["kind: KubeletConfiguration\nfailCgroupV1: false\n"]
    return options


class LabLoop(Loop):
    """A loop in the lab's container engines."""

    def purge(self) -> Run:
        """Destroy it with all it holds. Whatever happens, none of its containers is left."""
        try:
            return super().purge()
        finally:
            remove_all(self.name)

    def end(self) -> None:
        """Remove what there may be of it: if it was refused before it began, it has nothing to destroy."""
        if any((self.state_dir / part).exists() for part in ("kind", "k3d", "ports.json")):
            self.purge()
        else:
            remove_all(self.name)
        shutil.rmtree(self.state_dir, ignore_errors=True)


@dataclass(frozen=True)
class KindLoop(LabLoop):
    """A loop on kind, driven by ``ansible-playbook`` as a user does."""

    @property
    def kubeconfig(self) -> Path:
        return self.state_dir / "kind" / "kubeconfig"

    @property
    def facts(self) -> dict[str, Any]:
        """What the roles said when it was last brought up."""
        kept: dict[str, Any] = json.loads((self.state_dir / "loop.json").read_text())
        return kept

    @property
    def registry(self) -> str:
        return str(self.facts["registry_endpoint"]["host"])

    @property
    def nodes(self) -> list[str]:
        """The names of the nodes' containers, running or not."""
        label = f"label=io.x-k8s.kind.cluster={self.name}"
        return docker("ps", "--all", "--filter", label, "--format", "{{.Names}}").split()

    def push_image(self, repository: str) -> str:
        """Push an image that runs to its registry; returns the name by which Pods have it."""
        image = f"{self.registry}/{repository}"
        docker("tag", REGISTRY_IMAGE, image)
        try:
            docker("push", "--quiet", image)
        finally:
            docker("rmi", image)
        return image


@contextlib.contextmanager
def alone_with_kind(folder: Path) -> Iterator[None]:
    """Make a cluster while no other process of these tests does, which share ``folder``.

    Two that find no network of the name kind would make two of it.
    """
    with (folder / "kind.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- nothing is left


def engines() -> list[list[str]]:
    """The client of each container engine that a test may have used."""
    found = [[name] for name in ("docker", "podman") if shutil.which(name)]
    if os.geteuid() == 0 and Path("/home", ROOTLESS_USER).is_dir():
        user = [f"--reuid={ROOTLESS_USER}", f"--regid={ROOTLESS_USER}", "--init-groups", "--reset-env"]
        found.append(["setpriv", *user, "podman"])
    return found


def remove_all(prefix: str) -> None:
    """Remove the containers, volumes and networks whose names begin so."""
    for client in engines():
        for kind, listed, removed, field in (
            ("container", ["ls", "--all"], ["rm", "--force", "--volumes"], "Names"),
            ("volume", ["ls"], ["rm"], "Name"),
            ("network", ["ls"], ["rm"], "Name"),
        ):
            there = _said([*client, kind, *listed, "--format", f"{{{{.{field}}}}}"])
            names = [name for name in there.split() if name.startswith(prefix)]
            if names:
                _said([*client, kind, *removed, *names])


def _said(command: list[str]) -> str:
    """What a client prints; an engine that does not answer has nothing to be removed."""
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False).stdout


@contextlib.contextmanager
def nothing_left(prefix: str, folder: Path) -> Iterator[None]:
    """When this ends, also by SIGKILL, so does all of these names, and every process of the folder.

    A process of its own sees to that: it waits for the end of its input, which is the end of this process.
    """
    command = [sys.executable, __file__, prefix, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


if __name__ == "__main__":
    sys.stdin.read()
    kill_all_below(Path(sys.argv[2]))
    remove_all(sys.argv[1])
