# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import push as artifact_push
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.info import run
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CREATED,
    INDEX_TYPE,
    LAYER_TYPE,
    Manifest,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

DEFAULTS: dict[str, Any] = {
    "tag": None,
    "digest": None,
    "semver": None,
    "semver_filter": None,
    "limit": None,
    "contents": False,
}


@pytest.fixture
def repository(tmp_path: Path) -> MemoryRepository:
    known = MemoryRepository()
    for day, tags in enumerate((("1.0.0",), ("1.1.0", "latest"), ("2.0.0-rc.1",), ("1.0.1",)), start=1):
        (tmp_path / "run.sh").write_text(f"echo {day}\n")
        (tmp_path / "run.sh").chmod(0o755)
        with pack(str(tmp_path)) as packed:
            created = {CREATED: f"2026-11-0{day}T00:00:00Z"}
            request = artifact_push.PushRequest(tags, "here", f"main@sha1:{day}", created)
            artifact_push.push(packed, request, known)
    return known


def info(repository: MemoryRepository, **params: Any) -> dict[str, Any]:
    return run(DEFAULTS | params, connect=lambda _params: repository)


def tags(result: dict[str, Any]) -> list[list[str]]:
    return [version["tags"] for version in result["versions"]]


def test_versions_are_listed_once_the_newest_first(repository):
    result = info(repository)
    assert tags(result) == [["1.0.1"], ["2.0.0-rc.1"], ["1.1.0", "latest"], ["1.0.0"]]
    assert (result["total"], result["changed"]) == (4, False)
    newest = result["versions"][0]
    manifest = repository.manifests["1.0.1"]
    assert newest == {
        "digest": manifest.digest,
        "tags": ["1.0.1"],
        "created": "2026-11-04T00:00:00Z",
        "source": "here",
        "revision": "main@sha1:4",
        "content_digest": manifest.content_digest,
        "size": manifest.layers[0].size,
        "media_type": manifest.media_type,
        "config_media_type": "application/vnd.cncf.flux.config.v1+json",
        "layers": [
            {
                "media_type": LAYER_TYPE,
                "digest": manifest.layers[0].digest,
                "size": manifest.layers[0].size,
            }
        ],
        "annotations": manifest.annotations,
    }


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"tag": "latest"}, [["1.1.0", "latest"]]),
        ({"tag": "never"}, []),
        ({"semver": "1.x"}, [["1.1.0", "latest"], ["1.0.1"], ["1.0.0"]]),
        ({"semver": ">=1.0.1-0"}, [["2.0.0-rc.1"], ["1.1.0", "latest"], ["1.0.1"]]),
        ({"semver": "*", "semver_filter": r"\.0$"}, [["1.1.0", "latest"], ["1.0.0"]]),
        ({"limit": 1}, [["1.0.1"]]),
    ],
)
def test_some_versions(repository, params, expected):
    assert tags(info(repository, **params)) == expected


def test_a_version_is_found_by_its_digest(repository):
    found = info(repository, digest=repository.manifests["latest"].digest)
    assert tags(found) == [["1.1.0", "latest"]]
    assert info(repository, digest=f"sha256:{'0' * 64}")["versions"] == []


def test_the_files_of_a_version(repository):
    result = info(repository, tag="1.0.0", contents=True)
    files = result["versions"][0]["contents"]
    assert [(file["name"], file["size"], file["is_executable"]) for file in files] == [("run.sh", 7, True)]


def test_what_is_no_artifact_is_listed_too(repository):
    repository.manifests["index"] = Manifest(b'{"manifests":[]}', INDEX_TYPE)
    version = info(repository, tag="index", contents=True)["versions"][0]
    assert (version["media_type"], version["size"], version["layers"]) == (INDEX_TYPE, 0, [])
    assert (version["config_media_type"], version["contents"]) == (None, None)


def test_a_layer_that_is_no_archive_has_no_files(repository):
    layer = repository.manifests["1.0.0"].layers[0]
    repository.blobs[layer.digest] = b"plain"
    assert info(repository, tag="1.0.0", contents=True)["versions"][0]["contents"] is None


def test_an_empty_repository_has_no_versions():
    assert info(MemoryRepository(), semver="*") == {
        "changed": False,
        "url": "oci://localhost:5050/shop",
        "versions": [],
        "total": 0,
    }


def test_a_limit_that_shows_nothing(repository):
    with pytest.raises(LoopError, match="limit: 0 shows nothing"):
        info(repository, limit=0)
