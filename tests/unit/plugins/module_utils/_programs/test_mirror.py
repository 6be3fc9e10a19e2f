# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.commands import LocalCommands
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.mirror import Mirror, platforms
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import parse_program
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import ETCD

IMAGE = "registry.k8s.io/etcd:3.6.8-0"
PROGRAM = parse_program({**ETCD, "image": IMAGE, "path": "/etcd"})


def blob_of(text: str, into: LayoutRepository) -> Descriptor:
    content = text.encode()
    blob = Descriptor("application/octet-stream", digest_of(content), len(content))
    into.put_blob(blob, content)
    return blob


def image_for(*architectures: str, into: LayoutRepository) -> Manifest:
    """An index with an image for each architecture, in a layout under the name IMAGE; they share a layer."""
    entries = []
    for architecture in architectures:
        config, layer = blob_of(f"config for {architecture}", into), blob_of("certificates", into)
        part = Manifest(manifest_bytes(config, layer, {}))
        into.put_blob(Descriptor(MANIFEST_TYPE, part.digest, len(part.body)), part.body)
        entries.append(
            {
                "mediaType": MANIFEST_TYPE,
                "digest": part.digest,
                "size": len(part.body),
                "platform": {"os": "linux", "architecture": architecture},
            }
        )
    index = Manifest(json.dumps({"schemaVersion": 2, "manifests": entries}).encode(), INDEX_TYPE)
    into.put_manifest(IMAGE, index)
    return index


def mirror(tmp_path: Path, *only: str, check_mode: bool = False) -> Mirror:
    return Mirror(
        source=Images(str(tmp_path / "source")),
        target=Images(str(tmp_path / "target")),
        platforms=only,
        cache=tmp_path / "cache",
        modules=tmp_path / "modules",
        commands=LocalCommands(),
        check_mode=check_mode,
    )


def test_a_mirror_is_filled_once_and_check_mode_says_what_with(tmp_path):
    index = image_for("amd64", "arm64", into=LayoutRepository(str(tmp_path / "source")))
    (foretold,) = mirror(tmp_path, check_mode=True).fill([PROGRAM])
    assert not (tmp_path / "target").exists()
    (copied,) = mirror(tmp_path).fill([PROGRAM])
    assert foretold == copied
    assert copied.changed
    assert copied.digest == index.digest
    (again,) = mirror(tmp_path).fill([PROGRAM])
    assert (again.changed, again.blobs, again.bytes) == (False, 0, 0)


def test_a_mirror_has_the_platforms_that_are_wanted(tmp_path):
    image_for("amd64", "arm64", into=LayoutRepository(str(tmp_path / "source")))
    mirror(tmp_path, "linux-arm64").fill([PROGRAM])
    held = LayoutRepository(str(tmp_path / "target")).manifest(IMAGE)
    assert held is not None
    (entry,) = json.loads(held.body)["manifests"]
    assert entry["platform"]["architecture"] == "arm64"


def test_nothing_is_copied_when_an_image_is_not_there(tmp_path):
    image_for("amd64", into=LayoutRepository(str(tmp_path / "source")))
    other = parse_program({**ETCD, "name": "other", "image": "registry.k8s.io/other:1"})
    with pytest.raises(LoopError, match="These images cannot be copied, and nothing has been") as caught:
        mirror(tmp_path).fill([PROGRAM, other])
    assert caught.value.details == {"lacking": ["other"]}
    assert not (tmp_path / "target").exists()


def test_platforms_are_written_in_either_way():
    assert platforms(["linux/arm64", "linux-amd64", "linux-arm64"]) == ("linux-arm64", "linux-amd64")
    assert platforms(["this", "all"]) == ()
    assert len(platforms(["this"])) == 1
