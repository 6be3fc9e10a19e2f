# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The manifests of a program as an OCI artifact, as mirrors have them: its name, packing and unpacking."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    Entry,
    compressed,
    decompressed,
    read_tar,
    write_tar,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONTENT_DIGEST,
    LAYER_TYPE,
    Descriptor,
    Manifest,
    flux_config,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    ImageReference,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Found
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import Place, Program

# Manifests of programs are no images: only mirrors have them, as artifacts of this name.
MANIFESTS_REPOSITORY = "flux-local/manifests"


def manifests_artifact(program: Program) -> ImageReference:
    """What mirrors call the artifact with the manifests of a program."""
    return ImageReference("", f"{MANIFESTS_REPOSITORY}/{program.name}", program.version)


def pack_manifests(folder: Path, program: Program, into: Repository) -> Manifest:
    """Put a program's manifests into a repository as an artifact, which is the same for the same files."""
    entries: list[Entry] = []
    for target in sorted(program.targets):
        entries.append(Entry(target, is_folder=True))
        entries += [
            Entry(f"{target}/{path.name}", is_folder=False, source=str(path))
            for path in sorted((folder / target).glob("*.yaml"))
        ]
    with tempfile.TemporaryFile() as archive:
        content_digest = write_tar(entries, archive)
        config_blob, config = flux_config(content_digest)
        with compressed(archive) as packed:
            layer = Descriptor(LAYER_TYPE, packed.digest, packed.size)
            into.put_blob(layer, packed.content)
        into.put_blob(config_blob, config)
    notes = {
        CONTENT_DIGEST: content_digest,
        "org.opencontainers.image.title": f"manifests of {program.name}",
        "org.opencontainers.image.version": program.version,
    }
    manifest = Manifest(manifest_bytes(config_blob, layer, notes))
    into.put_manifest(program.version, manifest)
    return manifest


def unpack_manifests(found: Found, program: Program, into: Place) -> None:
    """Write the YAML files of an artifact into the folders that a program's manifests have, and no others."""
    if into.manifests is None:
        return
    for layer in found.manifest.layers[:1]:
        with tempfile.TemporaryFile() as blob:
            found.repository.fetch_blob(layer, blob)
            with decompressed(blob) as archive:
                for entry, blocks in read_tar(archive):
                    folder, _slash, name = entry.name.partition("/")
                    if blocks is None or folder not in program.targets or "/" in name:
                        continue
                    target = into.manifests / folder / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as file:
                        file.writelines(blocks)
