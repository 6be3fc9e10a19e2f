# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Artifacts in the real registry from push to garbage collection: against a model, and with the flux CLI."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff_module import run as diff
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.garbage_collection import execute
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.garbage_collection import (
    run as collect,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.pull import PullRequest, pull
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushRequest, push
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import CREATED
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prune import run as prune
from ansible_collections.gitops.flux_local.tests.integration.registries import DELETES, Program, serving

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONNECTION: dict[str, Any] = {"insecure": False, "validate_certs": True, "timeout": 10}
PRUNE: dict[str, Any] = CONNECTION | {
    "keep_last": None,
    "order": "created",
    "keep_newer_than": None,
    "keep_tags": [],
    "keep_latest_of": None,
    "keep_digests": [],
    "clusters": [],
    "storage_dir": None,
}
TAGS = ["latest", "stable", "1.0.0", "v2", "a_b.c-D"]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def host(binary: Program, storage: Path) -> Iterator[str]:
    with serving(binary, storage, storage=DELETES["storage"]) as address:
        yield address


def pruned(url: str, **params: Any) -> dict[str, Any]:
    return prune(
        PRUNE | {"url": url} | params,
        connect=open_repository,
        connect_cluster=lambda _params: pytest.fail("no cluster was named"),
        now=NOW,
    )


def pushed(repository: Repository, content: str, *tags: str, age: int = 0) -> str:
    """Push a folder with one file, and return the digest under the tags."""
    created = (NOW - timedelta(hours=age)).isoformat()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(content)
        with pack(folder) as packed:
            digest = push(packed, PushRequest(tags, annotations={CREATED: created}), repository).digest
    assert digest
    return digest


class Lifecycle(RuleBasedStateMachine):
    """A repository, and what it has to hold."""

    host: str
    count = 0

    @initialize()
    def begin(self) -> None:
        Lifecycle.count += 1
        self.url = f"oci://{self.host}/lifecycle-{Lifecycle.count}"
        self.repository = open_repository(CONNECTION | {"url": self.url})
        self.tags: dict[str, str] = {}
        self.contents: dict[str, str] = {}
        self.born: dict[str, int] = {}  # what is created within the same hour does not occur

    @rule(content=st.sampled_from("abcd"), tags=st.lists(st.sampled_from(TAGS), min_size=1, unique=True))
    def push(self, content: str, tags: list[str]) -> None:
        order = len(self.born)
        as_wanted = [tag for tag in tags if self.contents.get(self.tags.get(tag, "")) == content]
        digest = pushed(self.repository, content, *tags, age=1000 - order)
        self.contents[digest] = content
        self.born.setdefault(digest, order)
        if as_wanted:
            assert digest == self.tags[as_wanted[0]]
        for tag in tags:
            self.tags[tag] = self.tags[tag] if tag in as_wanted else digest

    @rule(source=st.sampled_from(TAGS), tag=st.sampled_from(TAGS))
    def tag(self, source: str, tag: str) -> None:
        held = self.repository.manifest(source)
        assert (held and held.digest) == self.tags.get(source)
        if held:
            self.repository.put_manifest(tag, held)
            self.tags[tag] = held.digest

    @rule(tag=st.sampled_from(TAGS))
    def untag(self, tag: str) -> None:
        assert self.repository.delete_tag(tag)
        self.tags.pop(tag, None)

    @rule(keep_last=st.integers(0, 3), chance=st.randoms(use_true_random=False))
    def prune(self, keep_last: int, chance: Any) -> None:
        protected = [digest for digest in sorted(self.contents) if chance.random() < 0.3]
        outcome = pruned(self.url, keep_last=keep_last, keep_digests=protected)
        kept = {version["digest"] for version in outcome["versions"] if version["kept"]}
        named = set(self.tags.values())
        newest = sorted(named, key=self.born.__getitem__, reverse=True)[:keep_last]
        assert kept == set(newest) | (named & set(protected))
        for digest in named - kept:
            assert self.repository.manifest(digest) is None
        self.tags = {tag: digest for tag, digest in self.tags.items() if digest in kept}

    @rule(tag=st.sampled_from(TAGS))
    def pull(self, tag: str) -> None:
        held = self.repository.manifest(tag)
        if held is None:
            assert tag not in self.tags
            return
        with tempfile.TemporaryDirectory() as folder:
            pull(self.repository, held, PullRequest(), f"{folder}/out")
            assert (Path(folder) / "out" / "a.yaml").read_text() == self.contents[self.tags[tag]]

    @invariant()
    def tags_name_what_they_should(self) -> None:
        if not hasattr(self, "tags"):
            return
        assert sorted(self.repository.tags()) == sorted(self.tags)
        for tag, digest in self.tags.items():
            held = self.repository.manifest(tag)
            assert held
            assert held.digest == digest


def test_a_repository_holds_what_a_model_of_it_says(host):
    class Machine(Lifecycle):
        pass

    Machine.host = host
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=checks
        ),
    )


def test_untagged_versions_are_found_and_their_blobs_become_garbage(binary, tmp_path):
    where = tmp_path / "own"
    where.mkdir()
    with serving(binary, where, storage=DELETES["storage"]) as address:
        url = f"oci://{address}/team/shop"
        repository = open_repository(CONNECTION | {"url": url})
        digests = [pushed(repository, f"{number}" * 50_000, "latest", age=9 - number) for number in range(5)]
        assert [each["digest"] for each in pruned(url, keep_last=1)["versions"]] == digests[-1:]
        outcome = pruned(url, keep_last=2, keep_digests=digests[:1], storage_dir=str(where / "store"))
        assert [each["digest"] for each in outcome["versions"] if each["kept"]] == [
            *digests[:2:-1],
            digests[0],
        ]
        assert [repository.manifest(digest) is not None for digest in digests] == [
            True,
            False,
            False,
            True,
            True,
        ]
        params = {"program": binary("registry"), "config": str(where / "config.yml")}
        with pytest.raises(LoopError, match="stop it first"):
            collect(params, execute=execute, check_mode=False)
        predicted = collect(params, execute=execute, check_mode=True)
    collected = collect(params, execute=execute, check_mode=False)
    assert collected == predicted
    assert collected["won"] > outcome["released"] > 0
    assert collect(params, execute=execute, check_mode=False)["blobs"] == []
    with serving(binary, where, storage=DELETES["storage"]) as address:
        repository = open_repository(CONNECTION | {"url": f"oci://{address}/team/shop"})
        for digest, number in ((digests[0], "0"), (digests[4], "4")):
            held = repository.manifest(digest)
            assert held
            pull(repository, held, PullRequest(), str(tmp_path / number))
            assert (tmp_path / number / "a.yaml").read_text() == number * 50_000


def test_what_flux_pushed_is_compared_with_a_folder(binary, host, tmp_path):
    folder, url = tmp_path / "folder", f"oci://{host}/by-flux"
    folder.mkdir()
    (folder / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n")
    origin = ["--source", "https://example.com", "--revision", "main@sha1:abc"]
    command = [binary("flux"), "push", "artifact", f"{url}:v1", "--path", str(folder), *origin]
    subprocess.run(command, check=True, capture_output=True)
    side: dict[str, Any] = {"path": None, "tag": None, "digest": None, "url": None}
    params = CONNECTION | {"url": url, "ignore": [], "symlinks": "refuse"}
    params |= {"before": side | {"tag": "v1"}, "after": side | {"path": str(folder)}}
    assert not diff(params, connect=open_repository)["changed"]
    (folder / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '2'}\n")
    changed = diff(params, connect=open_repository)["resources"]
    assert [each["fields"] for each in changed] == [[{"field": "data.x", "before": '"1"', "after": '"2"'}]]


@pytest.mark.parametrize(
    "make",
    [lambda host, _folder: f"oci://{host}/many", lambda _host, folder: f"oci-layout://{folder}/layout"],
)
def test_many_small_files_and_odd_names_come_back(host, tmp_path, make: Callable[[str, Path], str]):
    folder = tmp_path / "in"
    for number in range(3000):
        path = folder / f"{number % 100}" / f"{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if number % 2 else f"{number}\r\n".encode())
    for name in (
        "-dash",
        ".dot",
        "with space",
        "\u00fc",
        "f" * 255,
        "\u65e5\u672c\u8a9e",
        "quote'\"",
    ):
        (folder / name).write_bytes(bytes(range(256)))
    (folder / "empty" / "folders").mkdir(parents=True)
    repository = open_repository(CONNECTION | {"url": make(host, tmp_path)})
    with pack(str(folder)) as packed:
        result = push(packed, PushRequest(("v1",)), repository)
    held = repository.manifest("v1")
    assert held
    pull(repository, held, PullRequest(), str(tmp_path / "out"))
    with pack(str(tmp_path / "out")) as packed:
        assert packed.content_digest == result.content_digest
    assert (tmp_path / "out" / "empty" / "folders").is_dir()


def test_json_that_is_returned_is_plain(host):
    url = f"oci://{host}/plain"
    pushed(open_repository(CONNECTION | {"url": url}), "x", "1.0.0", "latest", age=3)
    outcome = pruned(url, keep_last=1, keep_tags=["1.*"])
    assert json.loads(json.dumps(outcome)) == outcome
    assert outcome["versions"][0]["why"] == ["keep_last: number 1 of 1", "keep_tags: 1.0.0 is like 1.*"]
