# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Images with programs of ours in the shapes that the official ones have, and a registry to push them to."""

from __future__ import annotations

import gzip
import io
import json
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    ImageReference,
    Reference,
    digest_of,
    parse_image,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import this_platform

ROLE = Path(__file__).parents[2] / "roles/binaries"
TABLES = yaml.safe_load((ROLE / "vars/main.yml").read_text())
TABLE: list[dict[str, Any]] = TABLES["__binaries_programs"]
MANIFESTS: list[dict[str, Any]] = TABLES["__binaries_manifests"]  # without a program
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
PLATFORM = this_platform()


@dataclass(frozen=True)
class Member:
    """Something in a layer: a folder by a trailing slash, a link by ``to``, else a file with this content."""

    name: str
    content: bytes | Path = b""
    to: str = ""
    is_hard: bool = False


Layer = Sequence[Member]


def shape(name: str, path: str, program: bytes | Path) -> list[Layer]:
    """The layers of an image that has ``program`` at ``path``."""
    file = path.removeprefix("/")
    folder, base = file.rsplit("/", 1)
    system = [
        Member("etc/"),
        Member("etc/os-release", b"ID=test\n"),
        Member("bin/"),
        Member("bin/sh", b"shell"),
    ]
    layers: dict[str, list[Layer]] = {
        "static": [[Member(file, program)]],
        "layered": [
            system,
            [Member(f"{folder}/other", b"tool")],
            [Member(file, program)],
            [Member("go-runner", b"")],
        ],
        "whiteouts": [
            [*system, Member(file, b"of a former version"), Member("opt/old/lib", b"old")],
            [Member(f"{folder}/.wh.{base}"), Member("opt/old/.wh..wh..opq")],
            [Member(file, program), Member("opt/.wh.old")],
        ],
        "opaque": [
            [*system, Member(f"{folder}/{base}", b"of a former version")],
            [Member(f"{folder}/"), Member(f"{folder}/.wh..wh..opq"), Member(file, program)],
        ],
        # Alpine and Debian with a merged /usr.
        "symlink": [
            [Member("opt/programs/"), Member("opt/programs/sh", b"shell")],
            [Member(folder, to="/opt/programs")],
            [Member(f"opt/programs/{base}", program)],
        ],
        "symlink of the program": [
            [Member(f"{folder}/{base}-3.6", program)],
            [Member(file, to=f"{base}-3.6")],
        ],
        "hardlink": [[Member("opt/program", program), Member(file, to="opt/program", is_hard=True)]],
    }
    return layers[name]


SHAPES = ["static", "layered", "whiteouts", "opaque", "symlink", "symlink of the program", "hardlink"]


def push_image(
    repository: Repository,
    tag: str,
    layers: Sequence[Layer],
    *,
    platforms: Sequence[str] = (PLATFORM,),
    has_index: bool = True,
    compression: str = "gzip",
) -> Manifest:
    """Push an image, by default with an index of its platforms and their attestations, as BuildKit does."""
    blobs = [_push_layer(repository, layer, compression) for layer in layers]
    entries: list[dict[str, Any]] = []
    for platform in platforms:
        system, machine = platform.split("-")
        config = {"os": system, "architecture": machine, "rootfs": {"type": "layers", "diff_ids": []}}
        manifest = _push_manifest(repository, config, blobs, "" if has_index else tag)
        if not has_index:
            return manifest
        entries.append(_entry(manifest, {"os": system, "architecture": machine}))
        attestation = _push_manifest(
            repository, {"os": "unknown", "architecture": "unknown", "of": platform}, []
        )
        notes = {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": manifest.digest,
        }
        unknown = {"os": "unknown", "architecture": "unknown"}
        entries.append(_entry(attestation, unknown) | {"annotations": notes})
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
    pushed = Manifest(json.dumps(index).encode(), INDEX_TYPE)
    repository.put_manifest(tag, pushed)
    return pushed


def located(host: str, image: str | ImageReference) -> RegistryRepository:
    """The repository of an official image in a registry that stands in for its own."""
    image = parse_image(image) if isinstance(image, str) else image
    return RegistryRepository(Reference(host, image.repository))


def push_official(
    host: str, row: Mapping[str, Any], program: bytes | Path, shaped: str = "layered"
) -> Manifest:
    """Push the official image of a program of the table."""
    image = parse_image(row["image"].replace("{version}", row["version"]))
    return push_image(located(host, image), image.tag, shape(shaped, row["path"], program))


def stand_in(row: Mapping[str, Any], version: str = "") -> bytes:
    """A script that answers as a program of the table does."""
    text = row["check_text"].replace("{version}", version or row["version"])
    return f"#!/bin/sh\necho '{text}'\n".encode()


def _push_layer(repository: Repository, layer: Layer, compression: str) -> Descriptor:
    with tempfile.TemporaryFile() as blob:
        if compression == "gzip":
            with gzip.GzipFile(filename="", fileobj=blob, mode="wb", compresslevel=1, mtime=0) as packed:
                _write(layer, packed)
        else:
            _write(layer, blob)
        blob.seek(0)
        body = blob.read()
    if compression == "zstd":  # only its beginning: what cannot read it gets no further
        body = b"\x28\xb5\x2f\xfd" + body
    suffix = "" if compression == "none" else f"+{compression}"
    descriptor = Descriptor(f"{LAYER_TYPE}{suffix}", digest_of(body), len(body))
    repository.put_blob(descriptor, body)
    return descriptor


def _write(layer: Layer, into: Any) -> None:
    with tarfile.open(fileobj=into, mode="w") as tar:
        for member in layer:
            info = tarfile.TarInfo(member.name.rstrip("/"))
            info.mode = 0o755
            if member.to:
                info.type, info.linkname = tarfile.LNKTYPE if member.is_hard else tarfile.SYMTYPE, member.to
            elif member.name.endswith("/"):
                info.type = tarfile.DIRTYPE
            elif isinstance(member.content, Path):
                info.size = member.content.stat().st_size
                with member.content.open("rb") as file:
                    tar.addfile(info, file)
                continue
            else:
                info.size = len(member.content)
            tar.addfile(info, io.BytesIO(member.content if isinstance(member.content, bytes) else b""))


def _push_manifest(
    repository: Repository, config: Mapping[str, Any], blobs: Sequence[Descriptor], tag: str = ""
) -> Manifest:
    body = json.dumps(config).encode()
    held = Descriptor(CONFIG_TYPE, digest_of(body), len(body))
    repository.put_blob(held, body)
    manifest = Manifest(
        json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _written(held),
                "layers": [_written(blob) for blob in blobs],
            }
        ).encode()
    )
    repository.put_manifest(tag or manifest.digest, manifest)
    return manifest


def _entry(manifest: Manifest, platform: Mapping[str, str]) -> dict[str, Any]:
    described = Descriptor(manifest.media_type, manifest.digest, len(manifest.body))
    return _written(described) | {"platform": dict(platform)}


def _written(blob: Descriptor) -> dict[str, Any]:
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}


@contextmanager
def registry(program: str | Path, folder: Path) -> Iterator[str]:
    """A registry of our own, as ``host:port``; its data stay in ``folder``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}},
        "http": {"addr": host},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "registry.log").open("w") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            _await(host, process)
            yield host
        finally:
            process.kill()
            process.wait()


def _await(host: str, process: subprocess.Popen[bytes]) -> None:
    address, port = host.split(":")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((address, int(port))) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the registry did not start: {process.args!r}")
