# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A machine that answers what was recorded, and answers of engines, less what nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import json_object
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.state_files import FILES

DOCKER = "community.docker.docker_"
PODMAN = "containers.podman.podman_"


class RecordedMachine:
    """Fulfils the Protocol ``Machine``; ``asked`` are the modules that were asked, in their order."""

    def __init__(
        self,
        answers: Mapping[str, Any] | None = None,
        files: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.answers = answers or {}
        self.files = files or {}
        self.environment: Mapping[str, str] = {"HOME": "/home/dev", "USER": "dev", **(environment or {})}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def ask(self, module: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((module, options))
        answer = self.answers.get(module, {"failed": True, "msg": "nobody is there"})
        given: Mapping[str, Any] = answer(options) if callable(answer) else answer
        return given

    def text(self, path: str) -> str:
        return self.files.get(path, "")

    def kept(self, state_dir: str, name: str) -> Mapping[str, Any]:
        file = FILES[name]
        path = f"{state_dir}/{file.name}"
        if path not in self.files:
            return {}
        return json_object(self.files[path].encode(), path=path, what=file.what, remedy=file.remedy)

    def exists(self, path: str) -> bool:
        return path in self.files

    @property
    def modules(self) -> list[str]:
        """The modules that were asked."""
        return [module for module, _options in self.asked]


DOCKER_INFO = {
    "changed": False,
    "can_talk_to_docker": True,
    "host_info": {"ServerVersion": "28.2.2", "OperatingSystem": "Debian GNU/Linux 13 (trixie)", "NCPU": 2},
}
DOCKER_SILENT = {
    "failed": True,
    "can_talk_to_docker": False,
    "msg": "Error connecting: Error while fetching server API version: ('Connection aborted.', "
    "FileNotFoundError(2, 'No such file or directory'))",
}
DOCKER_FORBIDDEN = {
    "failed": True,
    "can_talk_to_docker": False,
    "msg": "Error connecting: Error while fetching server API version: ('Connection aborted.', "
    "PermissionError(13, 'Permission denied'))",
}
PODMAN_INFO = {
    "changed": False,
    "podman_system_info": {"host": {"arch": "amd64"}, "version": {"APIVersion": "4.3.1", "Version": "4.3.1"}},
}
PODMAN_SILENT = {
    "failed": True,
    "msg": 'Failed to find required executable "podman" in paths: /usr/bin:/bin',
}

# docker container inspect, registry:3
DOCKER_CONTAINER: dict[str, Any] = {
    "Id": "a3f1d3f56f4c2b3ad0cf1f1a1bb1b3c0bbf2bba0d2b3fd0a1b3f4c5d6e7f8091",
    "Name": "/flux-local-registry",
    "Image": "sha256:3dec7d02aaeac5c9ed2a2ee6fe5f1b0c4b1dc3a0b9e6e1fd6d3e6a0f3f5ed0a7",
    "State": {"Status": "running", "Running": True, "Paused": False, "ExitCode": 0},
    "HostConfig": {
        "Binds": ["flux-local-registry:/var/lib/registry:rw"],
        "PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5001"}]},
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
    },
    "Mounts": [
        {
            "Type": "volume",
            "Name": "flux-local-registry",
            "Source": "/var/lib/docker/volumes/flux-local-registry/_data",
            "Destination": "/var/lib/registry",
            "Driver": "local",
            "Mode": "rw",
            "RW": True,
        }
    ],
    "Config": {
        "Image": "docker.io/library/registry:3",
        "Cmd": ["/etc/distribution/config.yml"],
        "Entrypoint": ["/entrypoint.sh"],
        "Labels": {"gitops.flux-local.loop": "flux-local"},
    },
    "NetworkSettings": {
        "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "kind": {"IPAddress": "172.18.0.3"}}
    },
}
# podman container inspect, of one that was started by hand with a folder and without labels
PODMAN_CONTAINER: dict[str, Any] = {
    "Id": "5c1fca5ee6a9e8d2b3b3bde4c7f5b7d6e1c2d3f4a5b6c7d8e9f0a1b2c3d4e5f6",
    "Name": "flux-local-registry",
    "Image": "3dec7d02aaeac5c9ed2a2ee6fe5f1b0c4b1dc3a0b9e6e1fd6d3e6a0f3f5ed0a7",
    "ImageName": "docker.io/library/registry:3",
    "State": {"OciVersion": "1.0.2-dev", "Status": "exited", "Running": False, "Paused": False},
    "HostConfig": {"PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5005"}]}},
    "Mounts": [
        {
            "Type": "bind",
            "Source": "/srv/registry",
            "Destination": "/var/lib/registry",
            "Driver": "",
            "Mode": "",
            "RW": True,
        }
    ],
    "Config": {"Image": "docker.io/library/registry:3", "Cmd": None, "Labels": None},
    "NetworkSettings": {"Networks": {"podman": {"IPAddress": ""}}},
}
VOLUME = {
    "Name": "flux-local-registry",
    "Driver": "local",
    "Mountpoint": "/var/lib/docker/volumes/flux-local-registry/_data",
    "Labels": {"gitops.flux-local.loop": "flux-local"},
    "Options": None,
    "Scope": "local",
}

# docker_host_info with containers and verbose_output: what the API lists
DOCKER_NODES: list[dict[str, Any]] = [
    {
        "Id": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "Names": ["/flux-local-control-plane"],
        "Image": "kindest/node:v1.37.0",
        "State": "running",
        "Status": "Up 3 minutes",
        "Labels": {
            "io.x-k8s.kind.cluster": "flux-local",
            "io.x-k8s.kind.role": "control-plane",
            "desktop.docker.io/ports.scheme": "v2",
        },
        "NetworkSettings": {"Networks": {"kind": {"IPAddress": "172.18.0.2"}}},
        "Mounts": [
            {"Type": "volume", "Destination": "/var", "Mode": "", "RW": True},
            {"Type": "bind", "Destination": "/etc/containerd/certs.d", "Mode": "", "RW": True},
        ],
    },
    {
        "Id": "1f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "Names": ["/flux-local-worker"],
        "Image": "kindest/node:v1.37.0",
        "State": "exited",
        "Status": "Exited (137) 2 minutes ago",
        "Labels": {"io.x-k8s.kind.cluster": "flux-local", "io.x-k8s.kind.role": "worker"},
        "NetworkSettings": {"Networks": {"kind": {"IPAddress": ""}}},
        "Mounts": [{"Type": "volume", "Destination": "/var", "Mode": "", "RW": True}],
    },
]
# podman container inspect
PODMAN_NODES: list[dict[str, Any]] = [
    {
        "Id": "2f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "Name": "flux-local-control-plane",
        "State": {"OciVersion": "1.0.2-dev", "Status": "running", "Running": True},
        "Config": {"Labels": {"io.x-k8s.kind.cluster": "flux-local", "io.x-k8s.kind.role": "control-plane"}},
        "NetworkSettings": {"Networks": {"kind": {"IPAddress": "10.89.0.2"}}},
        "Mounts": [{"Type": "bind", "Destination": "/etc/containerd/certs.d"}],
    },
    {
        "Id": "3f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "Name": "elsewhere",
        "State": {"Status": "paused"},
        "Config": {"Labels": None},
        "NetworkSettings": {"Networks": {"podman": {"IPAddress": "10.88.0.5"}}},
        "Mounts": [],
    },
]
# containerd's config.toml in a node of kind 0.33
CONTAINERD_CONFIG = """version = 3
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/containerd/certs.d"
"""
