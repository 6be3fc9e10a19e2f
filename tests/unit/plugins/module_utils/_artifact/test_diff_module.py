# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff_module import run
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushRequest, push
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

SIDE: dict[str, Any] = {"path": None, "tag": None, "digest": None, "url": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("one\n")
    return tmp_path


@pytest.fixture
def repository(folder: Path) -> MemoryRepository:
    """Its tag v1 holds the folder."""
    held = MemoryRepository()
    with pack(str(folder)) as packed:
        push(packed, PushRequest(("v1",), source="https://example.com"), held)
    held.asked.clear()
    return held


def diff(repository: MemoryRepository, before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    params = {"url": repository.reference.url, "ignore": [], "symlinks": "refuse"}
    sides = {"before": SIDE | before, "after": SIDE | after}
    return run(params | sides, connect=lambda _params: repository, with_diff=True)


def test_a_tag_and_a_folder(folder, repository):
    same = diff(repository, {"tag": "v1"}, {"path": str(folder)})
    assert (same["changed"], same["files"], same["diff"]) == (False, [], [])
    assert same["before"] == {
        "name": "oci://localhost:5050/shop:v1",
        "digest": repository.manifests["v1"].digest,
    }
    assert same["after"] == {"name": str(folder), "digest": None}
    (folder / "a.txt").write_text("two\n")
    other = diff(repository, {"tag": "v1"}, {"path": str(folder)})
    assert other["changed"]
    assert [each["name"] for each in other["files"]] == ["a.txt"]
    assert (other["diff"][1]["before"], other["diff"][1]["after"]) == ("one\n", "two\n")
    assert not any(word in asked for asked in repository.asked for word in ("tag", "blob", "delete"))


def test_a_digest_and_two_folders(folder, repository, tmp_path_factory):
    digest = repository.manifests["v1"].digest
    assert not diff(repository, {"digest": digest}, {"tag": "v1"})["changed"]
    other = tmp_path_factory.mktemp("other")
    (other / "b.txt").write_text("one\n")
    result = diff(repository, {"path": str(folder)}, {"path": str(other)})
    assert [(each["name"], each["change"]) for each in result["files"]] == [
        ("a.txt", "removed"),
        ("b.txt", "added"),
    ]


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ({"tag": "none"}, "before: oci://localhost:5050/shop:none does not exist"),
        ({"tag": "a/b"}, "is no tag"),
        ({"digest": "sha256:abc"}, "before: 'sha256:abc' is no digest"),
        ({"path": "/none"}, "/none does not exist"),
    ],
)
def test_a_side_that_is_not_there_is_an_error(repository, side, said):
    with pytest.raises(LoopError, match=said):
        diff(repository, side, {"tag": "v1"})
