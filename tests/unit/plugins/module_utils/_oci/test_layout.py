# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of


def blob(content: bytes, media_type: str = LAYER_TYPE) -> Descriptor:
    return Descriptor(media_type, digest_of(content), len(content))


def pushed(layout: LayoutRepository, content: bytes, *tags: str) -> Manifest:
    layout.put_blob(blob(b"{}", CONFIG_TYPE), b"{}")
    layout.put_blob(blob(content), io.BytesIO(content))
    manifest = Manifest(manifest_bytes(blob(b"{}", CONFIG_TYPE), blob(content), {}))
    for tag in tags or (manifest.digest,):
        layout.put_manifest(tag, manifest)
    return manifest


@pytest.fixture
def layout(tmp_path: Path) -> LayoutRepository:
    return LayoutRepository(str(tmp_path / "layout"))


def test_what_is_put_is_there(layout):
    assert layout.tags() == []
    assert layout.manifest("v1") is None
    manifest = pushed(layout, b"content", "v1", "stable")
    assert layout.tags() == ["stable", "v1"]
    assert layout.manifest("v1") == layout.manifest(manifest.digest) == manifest
    into = io.BytesIO()
    layout.fetch_blob(manifest.layers[0], into)
    assert into.getvalue() == b"content"
    assert layout.put_blob(manifest.layers[0], b"content") is False


def test_it_is_a_layout_as_the_specification_says(layout):
    manifest = pushed(layout, b"content", "v1")
    root = Path(layout.path)
    assert json.loads((root / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((root / "index.json").read_text())["manifests"] == [
        {
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": len(manifest.body),
            "annotations": {"org.opencontainers.image.ref.name": "v1"},
        }
    ]
    assert sorted(os.listdir(root)) == ["blobs", "index.json", "oci-layout"]
    assert {path.name for path in (root / "blobs/sha256").iterdir()} == {
        digest[7:] for digest in (manifest.digest, digest_of(b"{}"), digest_of(b"content"))
    }
    assert (root / "index.json").stat().st_mode & 0o777 == 0o644


def test_a_tag_moves(layout):
    old = pushed(layout, b"old", "v1")
    new = pushed(layout, b"new", "v1")
    assert layout.manifest("v1") == new
    assert layout.manifest(old.digest) == old
    assert layout.tags() == ["v1"]


def test_a_removed_tag_leaves_the_manifest(layout):
    manifest = pushed(layout, b"content", "v1", "stable")
    assert layout.delete_tag("v1") is True
    assert layout.tags() == ["stable"]
    layout.delete_tag("stable")
    layout.delete_tag("never")
    assert layout.tags() == []
    assert layout.manifest(manifest.digest) == manifest
    assert len(json.loads((Path(layout.path) / "index.json").read_text())["manifests"]) == 1


def test_a_deleted_manifest_takes_what_only_it_had(layout):
    old = pushed(layout, b"old", "v1", "v1.0")
    new = pushed(layout, b"new", "v2")
    layout.delete_manifest(old.digest)
    layout.delete_manifest(old.digest)
    assert layout.tags() == ["v2"]
    assert layout.manifest(old.digest) is None
    left = {path.name for path in (Path(layout.path) / "blobs/sha256").iterdir()}
    assert left == {digest[7:] for digest in (new.digest, digest_of(b"{}"), digest_of(b"new"))}


def test_what_an_index_names_is_found_and_kept(layout):
    part = pushed(layout, b"content")
    nested = {"digest": part.digest, "mediaType": part.media_type, "size": len(part.body)}
    index = Manifest(json.dumps({"schemaVersion": 2, "manifests": [nested]}).encode(), INDEX_TYPE)
    layout.put_manifest("all", index)
    other = pushed(layout, b"other", "other")
    layout.delete_manifest(other.digest)
    assert layout.manifest("all") == index
    assert layout.manifest(part.digest) == part
    layout.delete_manifest(part.digest)
    layout.fetch_blob(part.layers[0], io.BytesIO())


def test_other_producers_annotations_stay(layout):
    pushed(layout, b"content", "v1")
    path = Path(layout.path) / "index.json"
    index = json.loads(path.read_text())
    index["manifests"][0]["annotations"]["team"] = "shop"
    path.write_text(json.dumps(index))
    layout.delete_tag("v1")
    assert json.loads(path.read_text())["manifests"][0]["annotations"] == {"team": "shop"}


@pytest.mark.parametrize("content", [b"c0ntent", b"cont", b"content and more"])
def test_what_is_not_what_it_should_be_is_not_stored(layout, content):
    for source in (content, io.BytesIO(content)):
        with pytest.raises(LoopError, match="should have 7 bytes"):
            layout.put_blob(blob(b"content"), source)
    assert os.listdir(Path(layout.path) / "blobs/sha256") == []


@pytest.mark.parametrize("content", [b"c0ntent", b"cont", b"content and more" * 100_000])
def test_a_damaged_blob_is_found(layout, content):
    manifest = pushed(layout, b"content", "v1")
    (Path(layout.path) / "blobs/sha256" / manifest.layers[0].digest[7:]).write_bytes(content)
    into = io.BytesIO()
    with pytest.raises(LoopError, match="damaged"):
        layout.fetch_blob(manifest.layers[0], into)
    assert len(into.getvalue()) < 300_000


def test_a_damaged_manifest_is_found(layout):
    manifest = pushed(layout, b"content", "v1")
    path = Path(layout.path) / "blobs/sha256" / manifest.digest[7:]
    path.write_bytes(manifest.body + b" ")
    with pytest.raises(LoopError, match="damaged"):
        layout.manifest("v1")
    path.unlink()
    with pytest.raises(LoopError, match="missing"):
        layout.manifest("v1")


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"manifests":[{"digest":"sha256:../../x"}]}'])
def test_a_damaged_index_is_found(layout, index):
    pushed(layout, b"content", "v1")
    (Path(layout.path) / "index.json").write_text(index)
    with pytest.raises(LoopError, match=r"index\.json"):
        layout.tags()


def test_a_missing_blob_is_said_so(layout):
    with pytest.raises(LoopError, match="cannot be read: No such file"):
        layout.fetch_blob(blob(b"content"), io.BytesIO())


def test_another_folder_is_left_alone(layout):
    folder = Path(layout.path)
    folder.mkdir()
    (folder / ".partial-1").write_text("of a writer that was killed")
    assert layout.tags() == []
    (folder / "notes.txt").write_text("mine")
    for call in (layout.tags, lambda: layout.put_manifest("v1", Manifest(b"{}"))):
        with pytest.raises(LoopError, match="no OCI image layout"):
            call()
    assert sorted(os.listdir(folder)) == [".partial-1", "notes.txt"]


def test_a_file_is_no_layout(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LoopError):
        LayoutRepository(str(tmp_path / "file")).tags()


def test_writers_at_once_lose_nothing(layout):
    names = [f"v{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: pushed(LayoutRepository(layout.path), name.encode(), name), names))
    assert sorted(layout.tags()) == sorted(names)
    assert not [name for name in os.listdir(layout.path) if name.startswith(".")]


def test_a_url_names_a_layout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url in (f"oci-layout://{tmp_path}/shop", "oci-layout://shop", "oci-layout://./shop"):
        opened = open_repository({"url": url})
        assert isinstance(opened, LayoutRepository)
        assert opened.reference.url == f"oci-layout://{tmp_path}/shop"
    with pytest.raises(LoopError, match="names no folder"):
        open_repository({"url": "oci-layout://"})
