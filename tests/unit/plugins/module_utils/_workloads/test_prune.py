# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.stored import stored_digests
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CREATED,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prune import MOVED, run
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DEFAULTS: dict[str, Any] = {
    "url": "oci://localhost:5050/shop",
    "keep_last": None,
    "order": "created",
    "keep_newer_than": None,
    "keep_tags": [],
    "keep_latest_of": None,
    "keep_digests": [],
    "clusters": [],
    "storage_dir": None,
}


def manifest(age: int, layer: str = "") -> Manifest:
    """A manifest made ``age`` days before now, with a layer of 10 bytes."""
    created = (NOW - timedelta(days=age)).isoformat()
    blob = Descriptor("x.tar+gzip", f"sha256:{layer or age:0>64}", 10)
    return Manifest(manifest_bytes(blob, blob, {CREATED: created}))


@pytest.fixture
def repository() -> MemoryRepository:
    """Versions 1.0.0 (nine days old) to 1.9.0, of which the last is latest too."""
    held = {f"1.{9 - age}.0": manifest(age) for age in range(10)}
    return MemoryRepository(manifests=held | {"latest": held["1.9.0"]})


def prune(
    repository: MemoryRepository, *clusters: MemoryCluster, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    asked = iter(clusters)
    return run(
        DEFAULTS | {"clusters": [{} for _cluster in clusters]} | params,
        connect=lambda _params: repository,
        connect_cluster=lambda _params: next(asked),
        now=NOW,
        check_mode=check_mode,
        with_diff=True,
    )


def test_what_is_not_kept_goes_with_its_tags(repository):
    repository.manifests["old"] = repository.manifests["1.2.0"]
    digest = repository.manifests["1.2.0"].digest
    predicted = prune(repository, keep_last=3, keep_tags=["1.1.*"], check_mode=True)
    assert not any(word in asked for asked in repository.asked for word in ("untag", "delete"))
    result = prune(repository, keep_last=3, keep_tags=["1.1.*"])
    assert result == predicted
    assert sorted(repository.manifests) == ["1.1.0", "1.7.0", "1.8.0", "1.9.0", "latest"]
    assert (result["changed"], result["kept"], result["removed"], result["released"]) == (True, 4, 6, 60)
    assert {"digest": digest, "tags": ["1.2.0", "old"]}.items() <= result["versions"][7].items()
    assert result["versions"][7]["why"] == [
        "keep_last: number 8, 3 are kept",
        "keep_tags: none of its tags is like one of them",
    ]
    assert (
        f"latest  {repository.manifests['latest'].digest}  keep_last: number 1 of 10"
        in result["diff"]["after"]
    )
    assert digest in result["diff"]["before"]
    assert digest not in result["diff"]["after"]
    again = prune(repository, keep_last=3, keep_tags=["1.1.*"])
    assert (again["changed"], again["removed"]) == (False, 0)


def test_tags_go_before_manifests(repository):
    prune(repository, keep_last=9)
    digest = manifest(9).digest
    assert repository.asked.index("untag 1.0.0") < repository.asked.index(f"delete {digest}")


def test_what_a_cluster_refers_to_stays(repository):
    clusters = [MemoryCluster(origin=name) for name in ("staging", "production")]
    for cluster, tag in zip(clusters, ("1.3.0", "1.5.0"), strict=True):
        cluster.objects[ObjectRef(KUSTOMIZATION, "apps", "shop")] = {
            "metadata": {"namespace": "apps", "name": "shop"},
            "status": {"lastAppliedRevision": f"{tag}@{repository.manifests[tag].digest}"},
        }
    other = repository.manifests["1.1.0"].digest
    result = prune(repository, *clusters, keep_last=0, keep_digests=[other])
    assert sorted(repository.manifests) == ["1.1.0", "1.3.0", "1.5.0"]
    assert result["clusters"] == ["staging", "production"]
    why = {each["tags"][0]: each["why"] for each in result["versions"] if each["kept"]}
    assert why == {
        "1.5.0": ["Kustomization apps/shop: applied"],
        "1.3.0": ["Kustomization apps/shop: applied"],
        "1.1.0": ["keep_digests"],
    }


def test_a_cluster_that_cannot_be_asked_stops_everything(repository):
    class Unreachable(MemoryCluster):
        def list(self, *_args: Any, **_options: Any) -> Any:
            raise ClusterError("does not answer")

    with pytest.raises(LoopError, match="does not answer"):
        prune(repository, Unreachable(), keep_last=0)
    assert len(repository.manifests) == 11


@pytest.mark.parametrize("deletes_tags", [True, False])
def test_what_is_tagged_meanwhile_stays(repository, deletes_tags):
    class Busy(MemoryCluster):
        """A cluster that is asked while somebody rolls back."""

        def list(self, *args: Any, **options: Any) -> Any:
            repository.manifests["latest"] = kept
            return super().list(*args, **options)

    repository.deletes_tags = deletes_tags
    kept = repository.manifests["1.0.0"]
    result = prune(repository, Busy(), keep_last=1)
    assert repository.manifests["latest"] == kept
    assert [each["tags"] for each in result["versions"] if each["why"] == [MOVED]] == [["1.0.0"]]
    assert result["kept"] == 2


def test_a_tag_that_moved_meanwhile_stays(repository):
    class Busy(MemoryRepository):
        def delete_tag(self, tag: str) -> bool:
            self.manifests.setdefault("1.1.0", moved)
            self.manifests["1.1.0"] = moved
            return super().delete_tag(tag)

    moved = manifest(0, "b")
    busy = Busy(manifests=repository.manifests)
    prune(busy, keep_last=8)
    assert busy.manifests["1.1.0"] == moved
    assert "1.0.0" not in busy.manifests


def test_layers_that_are_shared_are_not_released():
    held = {"1": manifest(1, "a"), "2": manifest(2, "a"), "3": manifest(3, "b")}
    assert prune(MemoryRepository(manifests=held), keep_last=1)["released"] == 10


def test_versions_without_a_tag_are_found_in_the_folder_of_the_registry(repository, tmp_path):
    revisions = tmp_path / "docker/registry/v2/repositories/shop/_manifests/revisions/sha256"
    untagged, deleted = manifest(20), manifest(21)
    for one, names in ((untagged, ["link"]), (deleted, [])):
        folder = revisions / one.digest.removeprefix("sha256:")
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(one.digest)
    repository.manifests[untagged.digest] = untagged
    result = prune(repository, keep_last=5, storage_dir=str(tmp_path))
    assert untagged.digest not in repository.manifests
    assert result["versions"][-1] | {"why": []} == {
        "digest": untagged.digest,
        "tags": [],
        "created": "2026-05-12T00:00:00Z",
        "kept": False,
        "why": [],
    }
    assert stored_digests(str(tmp_path), Reference("localhost", "none")) == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "Nothing says what to keep"),
        ({"keep_last": -1}, "keep_last"),
        ({"keep_newer_than": "soon"}, "keep_newer_than"),
        ({"keep_last": 1, "keep_digests": ["latest"]}, "keep_digests"),
        ({"keep_last": 1, "storage_dir": "/none"}, "storage_dir"),
    ],
)
def test_bad_input_is_an_error_before_anything_is_asked(repository, params, said):
    with pytest.raises(LoopError, match=said):
        prune(repository, **params)
    assert repository.asked == []
