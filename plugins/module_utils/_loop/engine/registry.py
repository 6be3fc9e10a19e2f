# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A loop's registry: what runs it, what a container engine has of it, and what forbids to have it so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.engines import (
    MINIMUM,
    Docker,
    Engine,
    ask_docker,
    ask_podman,
    is_at_least,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.machine import (
    Answer,
    Machine,
    complaint,
    first,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.needs import (
    no_registry_address,
    no_registry_program,
)

LABEL = "gitops.flux-local.loop"
CONTENT = "/var/lib/registry"  # of the official image
# Networks that an engine has by itself. Others that the container is in are those of clusters.
OWN_NETWORKS = ("bridge", "podman", "slirp4netns", "pasta", "host", "none")
OTHERWISE = "registry_engine=process"
_BLOB = re.compile(r"blob eligible for deletion: (sha256:[a-f0-9]{64})")


@dataclass(frozen=True)
class Asked:
    """What the role is given. ``engine`` may be auto, docker, podman, process or existing.

    ``program`` and ``address`` are needed for the last two.
    """

    state: str
    engine: str
    name: str
    state_dir: str
    container_name: str
    volume: str = ""
    network: str = ""
    adopt: bool = False
    garbage: bool = False
    program: str = ""
    address: str = ""


@dataclass(frozen=True)
class Kept:
    """In what the content is, and there the volume or folder; nothing where there is no content yet."""

    engine: str = ""
    storage: str = ""


@dataclass(frozen=True)
class Container:
    """The registry's container as it is found."""

    state: str = "absent"
    loop: str = ""
    networks: tuple[str, ...] = ()
    port: str = ""
    image: str = ""
    image_id: str = ""
    configuration: str = ""
    storage: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self.state != "absent"


@dataclass(frozen=True)
class Volume:
    """The registry's volume as it is found."""

    exists: bool = False
    loop: str = ""


@dataclass(frozen=True)
class Found:
    """What runs the registry, and what there is of it. Where no container engine does, only that is said."""

    engine: str
    kept: Kept
    version: str = ""
    docker_host: str = ""
    container: Container = field(default_factory=Container)
    volume: Volume = field(default_factory=Volume)
    storage: str = ""
    garbage: tuple[str, ...] = ()
    refused: str = ""


def look(asked: Asked, machine: Machine) -> Found:
    """Look what there is of a registry. Raises LoopError."""
    kept = kept_of(asked, machine)
    if asked.garbage and not kept.engine:
        return Found("process", kept)  # there is no content
    known = _engines(asked, kept, machine)
    engine = chosen_engine(asked, kept, known)
    found = Found(engine, kept, refused=_left_behind(asked, kept, engine) or _missing(asked, engine))
    if found.refused or engine not in MINIMUM:
        return found
    return _look_into(known.get(engine) or _ask(engine, asked, kept, machine), asked, found, machine)


def kept_of(asked: Asked, machine: Machine) -> Kept:
    """What was chosen so far. Raises LoopError."""
    kept = machine.kept(asked.state_dir, "registry")
    if kept:
        return Kept(kept["engine"], kept["storage"])
    # Without this file it is a process, if there is content at all.
    return Kept("process" if machine.exists(f"{asked.state_dir}/registry/storage") else "")


def chosen_engine(asked: Asked, kept: Kept, known: Mapping[str, Engine]) -> str:
    """What runs the registry: docker, podman, process or existing."""
    # What is stopped or removed is what there is.
    if asked.state != "present" and asked.engine != "existing" and kept.engine:
        return kept.engine
    if asked.engine != "auto":
        return asked.engine
    if kept.engine:
        return kept.engine
    return next((name for name, engine in known.items() if engine.version), "process")


def as_dict(found: Found, asked: Asked) -> dict[str, Any]:
    """The return values of the module."""
    container = asdict(found.container)
    container["networks"] = list(found.container.networks)
    container["mount"] = f"{container.pop('storage')}:{CONTENT}"
    networks = {name for name in found.container.networks if name not in OWN_NETWORKS}
    return {
        "engine": found.engine,
        "version": found.version,
        "docker_host": found.docker_host,
        "refused": found.refused,
        "kept": asdict(found.kept),
        "keep": asdict(Kept(found.engine, found.storage)),
        "container": {**container, "is_ours": found.container.loop == asked.name},
        "volume": {"exists": found.volume.exists, "is_ours": found.volume.loop == asked.name},
        "storage": found.storage,
        "storage_is_folder": found.storage.startswith("/"),
        "networks": [
            {"name": name} for name in sorted(networks | ({asked.network} if asked.network else set()))
        ],
        "garbage": list(found.garbage),
    }


def _missing(asked: Asked, engine: str) -> str:
    """What the role needs to have a registry so, and is not given."""
    if asked.state != "present":
        return ""
    return no_registry_program(engine, asked.program) or no_registry_address(engine, asked.address)


def _engines(asked: Asked, kept: Kept, machine: Machine) -> dict[str, Engine]:
    """Those that were asked since the choice is open, up to the first one that answers."""
    known: dict[str, Engine] = {}
    if asked.engine == "auto" and not kept.engine and asked.state == "present":
        for name in ("docker", "podman"):
            known[name] = _ask(name, asked, kept, machine)
            if known[name].version:
                break
    return known


def _ask(name: str, asked: Asked, kept: Kept, machine: Machine) -> Engine:
    if name == "podman":
        return ask_podman(machine)
    # A container that is taken over may have another one, which is asked for when the container is known.
    storage = _storage(asked, kept, Container())
    question = {"volumes": not storage.startswith("/"), "volumes_filters": {"name": storage}}
    return ask_docker(machine, question, volume_asked=storage)


def _look_into(engine: Engine, asked: Asked, found: Found, machine: Machine) -> Found:
    host = engine.host if isinstance(engine, Docker) else ""
    found = replace(found, version=engine.version, docker_host=host, refused=_engine_refused(engine, asked))
    # Whose garbage is to go has been there: its own silence says why it is not found.
    if found.refused or not (engine.version or asked.garbage):
        return found
    container = container_of(engine.container(machine, asked.container_name))
    storage = _storage(asked, found.kept, container)
    volume = Volume() if storage.startswith("/") else volume_of(engine.volume(machine, storage))
    found = replace(found, container=container, storage=storage, volume=volume)
    if asked.garbage:
        return _with_garbage(found, engine, asked, machine)
    if asked.state == "present":
        return replace(found, refused=next(_foreign(asked, found), ""))
    return found


def container_of(answer: Answer) -> Container:
    """The container that an engine shows with ``inspect``; both engines show it alike."""
    if not answer:
        return Container()
    config = answer.get("Config") or {}
    mounts = [mount for mount in answer.get("Mounts") or [] if mount.get("Destination") == CONTENT]
    bound = ((answer.get("HostConfig") or {}).get("PortBindings") or {}).get("5000/tcp") or []
    return Container(
        state=(answer.get("State") or {}).get("Status", "absent"),
        loop=(config.get("Labels") or {}).get(LABEL) or "",
        networks=tuple((answer.get("NetworkSettings") or {}).get("Networks") or ()),
        port=str(first(bound).get("HostPort") or ""),
        image=config.get("Image") or "",
        image_id=answer.get("Image") or "",
        # The image's command ends with its configuration.
        configuration=(config.get("Cmd") or ["/etc/distribution/config.yml"])[-1],
        storage=first(mounts).get("Name") or first(mounts).get("Source") or "",
    )


def volume_of(answer: Answer) -> Volume:
    """The volume that an engine shows with ``inspect``."""
    return Volume(bool(answer), (answer.get("Labels") or {}).get(LABEL) or "")


def _storage(asked: Asked, kept: Kept, container: Container) -> str:
    """The volume or folder of the content. A container that is taken over keeps its content where it is."""
    taken_over = container.storage if asked.adopt and container.loop != asked.name else ""
    return asked.volume or kept.storage or taken_over or f"{asked.name}-registry"


# --- what is refused, in the words of the role's options


def _left_behind(asked: Asked, kept: Kept, engine: str) -> str:
    if asked.state != "present" or engine in ("existing", kept.engine or engine):
        return ""
    return (
        f"registry_engine: {asked.engine}: the content of the registry of loop {asked.name} is with "
        f"{kept.engine}, and it would be left behind. Use registry_engine={kept.engine}, or delete the "
        f"content first with registry_state=absent, registry_purge=true and registry_engine={kept.engine}."
    )


def _engine_refused(engine: Engine, asked: Asked) -> str:
    if asked.garbage:
        return ""
    if not engine.version:
        # What an engine that is not there would run does not run.
        is_needed = asked.state != "stopped"
        return f"registry_engine: {asked.engine}: {engine.silence(OTHERWISE)}" if is_needed else ""
    minimum = MINIMUM[engine.name]
    if is_at_least(engine.version, minimum):
        return ""
    return (
        f"registry_engine: {engine.name}: version {minimum} or later is needed, and {engine.version} "
        f"answers. Upgrade it, or use {OTHERWISE}."
    )


def _foreign(asked: Asked, found: Found) -> Iterator[str]:
    """What is another's. A container or volume of another loop is never taken over."""
    container, volume = found.container, found.volume
    if container.exists and container.loop != asked.name and (container.loop or not asked.adopt):
        otherwise = "registry_adopt=true takes it over with its content and its port; or "
        yield (
            f"registry_container_name: there is a container {asked.container_name} in {found.engine} "
            f"already, and {_owner(container.loop, otherwise)}Give another registry_container_name."
        )
    is_known = asked.adopt or found.kept.storage == found.storage
    if volume.exists and volume.loop != asked.name and (volume.loop or not is_known):
        otherwise = "registry_adopt=true uses it; or "
        yield (
            f"registry_volume: there is a volume {found.storage} in {found.engine} already, and "
            f"{_owner(volume.loop, otherwise)}Give another registry_volume."
        )


def _owner(loop: str, otherwise: str) -> str:
    return f"it belongs to the loop {loop}. " if loop else f"it was not made by this role. {otherwise}"


# --- garbage


def _with_garbage(found: Found, engine: Engine, asked: Asked, machine: Machine) -> Found:
    """With the blobs that nothing refers to, or with why the registry's program could not look for them."""
    container = found.container
    if container.loop != asked.name or container.state != "running":
        refused = (
            f"registry_container_name: {asked.container_name} in {engine.name} is {container.state}, or not "
            f"the registry of the loop {asked.name}: its garbage is not collected. Start it with "
            "registry_state=present."
        )
        return replace(found, refused=refused)
    command = ["registry", "garbage-collect", "--dry-run", container.configuration]
    said = engine.execute(machine, asked.container_name, command)
    stderr = said.get("stderr") or ""
    # Where nothing was ever pushed there is no folder to look into, which the program takes for an error.
    if said.get("rc", 1) != 0 and "Path not found" not in stderr:
        refused = (
            f"The garbage collection of {asked.container_name} failed, and the registry is as it was: "
            f"{complaint(said)}"
        )
        return replace(found, refused=refused)
    blobs = _BLOB.findall(f"{said.get('stdout') or ''}\n{stderr}")
    return replace(found, garbage=tuple(dict.fromkeys(blobs)))
