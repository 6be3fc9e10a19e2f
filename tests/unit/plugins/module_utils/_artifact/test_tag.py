# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.tag import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

OLD, NEW = Manifest(b'{"v":1}'), Manifest(b'{"v":2}')
DEFAULTS: dict[str, Any] = {
    "tags": ["stable"],
    "state": "present",
    "tag": None,
    "digest": None,
    "semver": None,
    "semver_filter": None,
    "immutable": False,
}


@pytest.fixture
def repository() -> MemoryRepository:
    return MemoryRepository(manifests={"1.0.0": OLD, "stable": OLD, "1.1.0": NEW})


def tagged(repository: MemoryRepository, **params: Any) -> dict[str, Any]:
    modes = {mode: params.pop(mode) for mode in ("check_mode", "with_diff") if mode in params}
    return run(DEFAULTS | params, connect=lambda _params: repository, **modes)


@pytest.mark.parametrize("how", [{"tag": "1.1.0"}, {"digest": NEW.digest}, {"semver": "1.x"}])
def test_a_tag_moves_and_another_is_added(repository, how):
    predicted = tagged(repository, tags=["stable", "new"], check_mode=True, **how)
    assert repository.manifests["stable"] == OLD
    result = tagged(repository, tags=["stable", "new"], **how)
    assert (
        result
        == predicted
        == {
            "changed": True,
            "url": "oci://localhost:5050/shop",
            "digest": NEW.digest,
            "tags": ["stable", "new"],
            "previous": {"stable": OLD.digest, "new": None},
        }
    )
    assert repository.manifests == {"1.0.0": OLD, "stable": NEW, "1.1.0": NEW, "new": NEW}
    assert not tagged(repository, tags=["stable", "new"], **how)["changed"]


def test_tags_are_removed_and_nothing_else(repository):
    removal = {"state": "absent", "tags": ["stable", "never", "stable"]}
    assert tagged(repository, check_mode=True, **removal)["previous"] == {"stable": OLD.digest}
    assert "stable" in repository.manifests
    assert tagged(repository, **removal)["changed"]
    assert repository.manifests == {"1.0.0": OLD, "1.1.0": NEW}
    assert not tagged(repository, **removal)["changed"]
    assert [asked for asked in repository.asked if asked.startswith(("delete", "untag"))] == ["untag stable"]


def test_a_registry_that_cannot_remove_tags(repository):
    repository.deletes_tags = False
    with pytest.raises(LoopError, match=r"to remove the tag stable\. Allow it in its settings"):
        tagged(repository, state="absent")


def test_immutable_tags_are_not_moved(repository):
    with pytest.raises(LoopError, match=r"immutable: stable of .* already names something else"):
        tagged(repository, tags=["stable", "new"], tag="1.1.0", immutable=True)
    assert "new" not in repository.manifests
    assert not tagged(repository, tag="1.0.0", immutable=True)["changed"]
    assert tagged(repository, tags=["new"], tag="1.0.0", immutable=True)["changed"]


def test_the_difference(repository):
    diff = tagged(repository, tags=["stable", "new"], tag="1.1.0", with_diff=True)["diff"]
    assert diff == {
        "before": f"stable: {OLD.digest}\n",
        "after": f"new: {NEW.digest}\nstable: {NEW.digest}\n",
    }


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "which version gets the tags is not said"),
        ({"tags": []}, "tags: it is empty"),
        ({"tags": ["not a tag"], "tag": "1.0.0"}, "is no tag"),
        ({"state": "absent", "tag": "1.0.0"}, "Leave `tag` out"),
        ({"tag": "2.0.0"}, "has no tag 2.0.0"),
    ],
)
def test_what_cannot_be_done(repository, params, said):
    with pytest.raises(LoopError) as caught:
        tagged(repository, **params)
    assert said in caught.value.message
    assert repository.manifests == {"1.0.0": OLD, "stable": OLD, "1.1.0": NEW}
