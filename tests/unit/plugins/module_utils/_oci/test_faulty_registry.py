# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Registries and networks that fail in the middle of something."""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import pull as artifact_pull
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushRequest, push
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import Pack, pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import blobs as registry_blobs
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import request as registry_requests
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CREATED,
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.unit.fakes.faulty_registry import JSON, Registry, line
from ansible_collections.gitops.flux_local.tests.unit.fakes.http_server import Answer, Request, serving

REQUEST = PushRequest(("latest",), annotations={CREATED: "2026-11-24T00:00:00Z"})
Fault: TypeAlias = "Callable[[Request, int], Answer | None]"
EVERY = 89  # bytes; a prime, so that nothing is always at the same place of a line
BIG = os.urandom(1_000_000)
BLOB = Descriptor("application/octet-stream", digest_of(BIG), len(BIG))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pack, Pack]]:
    """What the tag holds, and what is pushed."""
    folder = tmp_path_factory.mktemp("packs")
    (folder / "a.yaml").write_text("a: 1\n")
    old = pack(str(folder))
    (folder / "a.yaml").write_text("a: 2\n")
    with old, pack(str(folder)) as new:
        yield old, new


def repository(port: int, timeout: float = 5, **options: Any) -> RegistryRepository:
    return RegistryRepository(Reference(f"127.0.0.1:{port}", "shop"), Connection(timeout=timeout, **options))


@dataclass(frozen=True)
class Prepared:
    """Registries with the old artifact under the tag, the digests of both, and the requests of a push."""

    state: Registry
    old: str
    new: str
    steps: int

    def registry(self, fault: Fault | None = None) -> Registry:
        state = self.state
        copied = Registry(manifests=dict(state.manifests), tags=dict(state.tags), blobs=dict(state.blobs))
        copied.fault = fault or copied.fault
        return copied


@pytest.fixture(scope="module")
def prepared(packs: tuple[Pack, Pack]) -> Prepared:
    known = Registry()
    with serving(known.answer) as server:
        old = str(push(packs[0], REQUEST, repository(server.port)).digest)
    first = Prepared(known, old, "", 0)
    other = first.registry()
    with serving(other.answer) as server:
        new = str(push(packs[1], REQUEST, repository(server.port)).digest)
    return Prepared(known, old, new, other.number)


FAULTS = {
    "429": Answer(429, headers={"Retry-After": "1"}),
    "500": Answer(500),
    "502": Answer(502, b"<html>"),
    "503": Answer(503),
    "hangs up": Answer(hangs_up=True),
    "breaks off": Answer(200, b"x", {"Content-Length": "1000", "Connection": "close"}),
}


def outcome(call: Callable[[], object]) -> str | None:
    """What a call fails with, None if it does not."""
    try:
        call()
    except LoopError as error:
        return error.message
    return None


def at_step(step: int, answer: Answer, *, and_after: bool = False) -> Fault:
    return lambda request, number: answer if number == step or (and_after and number > step) else None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_push_survives_a_fault_at_each_step(packs, prepared, fault):
    assert prepared.steps >= 7
    for step in range(1, prepared.steps + 1):
        known = prepared.registry(at_step(step, FAULTS[fault]))
        with serving(known.answer) as server:
            assert push(packs[1], REQUEST, repository(server.port)).digest == prepared.new
        assert known.tags == {"latest": prepared.new}


def test_a_push_that_fails_leaves_the_tag_and_the_next_one_completes(packs, prepared):
    for step in range(1, prepared.steps + 1):
        known = prepared.registry(at_step(step, Answer(500), and_after=True))
        with serving(known.answer) as server:
            with pytest.raises(LoopError, match=r"fails: 500 .* was tried 4 times"):
                push(packs[1], REQUEST, repository(server.port))
            assert known.tags == {"latest": prepared.old}
            known.fault = lambda request, number: None
            push(packs[1], REQUEST, repository(server.port))
        assert known.tags == {"latest": prepared.new}


def test_a_line_that_breaks_once_at_any_byte(packs, prepared):
    known = prepared.registry()
    with serving(known.answer) as server, line(server.port) as whole:
        push(packs[1], REQUEST, repository(whole.port))
    for at in range(0, whole.carried, EVERY):
        known = prepared.registry()
        with serving(known.answer) as server, line(server.port, at) as broken:
            assert push(packs[1], REQUEST, repository(broken.port)).digest == prepared.new
        assert known.tags == {"latest": prepared.new}


def test_a_line_that_is_cut_at_any_byte(packs, prepared):
    completed = 0
    for at in range(0, 20_000, EVERY):
        known = prepared.registry()
        with serving(known.answer) as server:
            with line(server.port, at, stays_broken=True) as broken:
                failure = outcome(lambda port=broken.port: push(packs[1], REQUEST, repository(port)))  # type: ignore[misc]  # mypy knows no default of a lambda
            assert known.tags["latest"] in {prepared.old, prepared.new}
            assert failure is None or "cannot be reached" in failure
            assert push(packs[1], REQUEST, repository(server.port)).digest == prepared.new
        assert known.tags == {"latest": prepared.new}
        completed += failure is None
        if completed == 2:
            return
    pytest.fail("it was never long enough")


def test_a_pull_over_a_line_that_breaks_at_any_byte(prepared, tmp_path):
    request = artifact_pull.PullRequest()
    for at in range(0, 1500, EVERY):
        with serving(prepared.registry().answer) as server, line(server.port, at) as broken:
            repo = repository(broken.port)
            manifest = repo.manifest(prepared.old)
            assert manifest
            artifact_pull.pull(repo, manifest, request, str(tmp_path / f"{at}"))
        assert (tmp_path / f"{at}/a.yaml").read_text() == "a: 1\n"


class Guard:
    """Wants tokens, which are good for some requests only."""

    def __init__(self, uses: int) -> None:
        self.uses, self.left, self.fetched = uses, 0, 0
        self.authorizations: list[str] = []

    def __call__(self, request: Request, number: int) -> Answer | None:
        if request.path.startswith("/token"):
            self.fetched += 1
            self.left = self.uses
            self.authorizations.append(request.headers.get("Authorization", "") or request.body.decode())
            return Answer(200, json.dumps({"access_token": f"t{self.fetched}"}).encode(), JSON)
        if self.left and request.headers.get("Authorization") == f"Bearer t{self.fetched}":
            self.left -= 1
            return None
        realm = f"http://{request.headers['Host']}/token"
        return Answer(401, headers={"Www-Authenticate": f'Bearer realm="{realm}",service="a b"'})


@pytest.mark.parametrize("uses", [1, 2, 3, 5])
def test_a_token_that_expires_in_the_middle_is_replaced(packs, prepared, uses):
    known = prepared.registry(Guard(uses))
    with serving(known.answer) as server:
        assert push(packs[1], REQUEST, repository(server.port)).digest == prepared.new
    assert known.tags == {"latest": prepared.new}


def test_tokens_are_asked_for_with_the_rights_they_need(packs, prepared):
    known = prepared.registry(Guard(1000))
    with serving(known.answer) as server:
        repo = repository(server.port)
        push(packs[1], REQUEST, repo)
        repo.delete_tag("latest")
        asked = [path for path in server.asked if "/token" in path]
        refused = len(server.asked) - known.number
    assert [path.partition("scope=")[2] for path in asked] == [
        "repository%3Ashop%3Apull",
        "repository%3Ashop%3Apull%2Cpush",
        "repository%3Ashop%3Adelete",
    ]
    assert "service=a+b" in asked[0]
    assert refused == 0


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({"auth": base64.b64encode(b"ci:s3cret").decode()}, "Basic Y2k6czNjcmV0"),
        ({"username": "ci", "password": "s3cret"}, "Basic Y2k6czNjcmV0"),
        ({"identitytoken": "lasting"}, "grant_type=refresh_token&client_id=flux-local&refresh_token=lasting"),
    ],
)
def test_the_token_server_is_shown_what_docker_knows(packs, prepared, tmp_path, entry, shown):
    guard = Guard(1000)
    known = prepared.registry(guard)
    with serving(known.answer) as server:
        config = {"auths": {f"127.0.0.1:{server.port}": entry}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert repository(server.port).manifest("latest")
    assert guard.authorizations[0].startswith(shown)


def test_a_token_server_that_fails_is_named(packs, prepared):
    known = prepared.registry()
    with serving(lambda request: Answer(503)) as tokens:
        challenge = f'Bearer realm="http://127.0.0.1:{tokens.port}/token"'
        known.fault = lambda request, number: Answer(401, headers={"Www-Authenticate": challenge})
        with serving(known.answer) as server, pytest.raises(LoopError) as caught:
            repository(server.port).manifest("latest")
    assert (
        f"127.0.0.1:{tokens.port}, to which the registry 127.0.0.1:{server.port} refers, fails: 503"
        in caught.value.message
    )


def test_others_are_not_shown_the_credentials():
    """Neither where a blob is redirected to, nor where an upload goes."""
    foreign = Registry(blobs={BLOB.digest: BIG})
    own = Registry()
    with serving(foreign.answer) as elsewhere, serving(own.answer) as server:
        # Other names for this machine are other hosts.
        away = f"http://localhost:{elsewhere.port}"

        def fault(request: Request, number: int) -> Answer | None:
            if request.headers.get("Authorization") is None:
                return Answer(401, headers={"Www-Authenticate": 'Basic realm="x"'})
            if request.method == "GET":
                return Answer(307, headers={"Location": f"{away}/v2/shop/blobs/{BLOB.digest}"})
            return (
                Answer(202, headers={"Location": f"{away}/v2/shop/blobs/uploads/u"})
                if (request.method == "POST")
                else None
            )

        own.fault = fault
        foreign.uploads["u"] = b""
        repo = repository(server.port, username="ci", password="s3cret")
        into = io.BytesIO()
        repo.fetch_blob(BLOB, into)
        assert into.getvalue() == BIG
        assert repo.put_blob(BLOB, io.BytesIO(BIG))
        assert [request.method for request in elsewhere.requests] == ["GET", "PUT"]
        assert all("Authorization" not in request.headers for request in elsewhere.requests)


NO_ADDRESS = "https://[half"


@pytest.mark.parametrize(
    ("answer", "ask"),
    [
        (Answer(307, headers={"Location": NO_ADDRESS}), lambda repo: repo.fetch_blob(BLOB, io.BytesIO())),
        (Answer(202, headers={"Location": NO_ADDRESS}), lambda repo: repo.put_blob(BLOB, io.BytesIO(BIG))),
        (
            Answer(200, b'{"tags": ["a"]}', {"Link": f'<{NO_ADDRESS}>; rel="next"'}),
            lambda repo: repo.tags(),
        ),
    ],
)
def test_a_reference_to_what_is_no_address_is_told(answer, ask):
    own = Registry()
    own.fault = lambda request, _number: answer if request.method in ("GET", "POST") else None
    with serving(own.answer) as server, pytest.raises(LoopError, match="which is no address"):
        ask(repository(server.port))


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_blob_is_continued_where_it_broke_off(knows_ranges):
    known = Registry(blobs={BLOB.digest: BIG})

    def fault(request: Request, number: int) -> Answer | None:
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        start = start if knows_ranges else 0
        if number > 3:
            return None if knows_ranges else Answer(200, BIG)
        headers = {"Content-Length": str(len(BIG) - start), "Connection": "close"}
        return Answer(206 if start else 200, BIG[start : start + 300_000 * number], headers)

    known.fault = fault
    with serving(known.answer) as server:
        into = io.BytesIO()
        repository(server.port).fetch_blob(BLOB, into)
    assert into.getvalue() == BIG


def test_a_blob_that_keeps_breaking_off_is_given_up():
    headers = {"Content-Length": str(len(BIG)), "Connection": "close"}
    with serving(lambda request: Answer(200, BIG[:600_000], headers)) as server:
        with pytest.raises(LoopError, match="broke off 4 times, at last after 524288 of 1000000 bytes"):
            repository(server.port).fetch_blob(BLOB, io.BytesIO())
        assert len(server.asked) == registry_requests.MAX_ATTEMPTS


@pytest.mark.parametrize("broken", [None, "hangs up", "503"])
def test_a_registry_that_takes_no_large_requests_gets_parts(monkeypatch, broken):
    monkeypatch.setattr(registry_blobs, "UPLOAD_CHUNK", 300_000)
    known = Registry(largest_body=80_000)
    patches = []

    def fault(request: Request, number: int) -> Answer | None:
        if request.method != "PATCH" or len(request.body) > known.largest_body:
            return None
        patches.append(len(request.body))
        if len(patches) == 2 and broken == "hangs up":
            known.proper(request)  # it arrived, but the answer does not
        return FAULTS[broken] if len(patches) == 2 and broken else None

    known.fault = fault
    with serving(known.answer) as server:
        assert repository(server.port).put_blob(BLOB, io.BytesIO(BIG))
    assert known.blobs == {BLOB.digest: BIG}
    assert max(patches) <= 80_000


def test_a_manifest_without_end_is_not_read():
    def endless(request: Request) -> Answer:
        return Answer(200, b"x" * (registry_requests.LARGEST_BODY + 1), JSON)

    with serving(endless) as server, pytest.raises(LoopError, match="has more than 16777216 bytes"):
        repository(server.port).manifest("latest")


def test_tags_come_in_pages():
    known = Registry(page=3, tags={f"v{number}": "" for number in range(10)})
    with serving(known.answer) as server:
        assert repository(server.port).tags() == sorted(known.tags)
        assert len(server.asked) == 4


def test_pages_that_lead_in_circles_end():
    link = {"Link": '</v2/shop/tags/list?n=1>; rel="next"'}
    with serving(lambda request: Answer(200, b'{"tags":["a"]}', JSON | link)) as server:
        assert repository(server.port).tags() == ["a"]
        assert len(server.asked) == 2


def test_a_registry_with_smaller_pages_is_asked_for_those():
    known = Registry(tags={"a": ""})
    known.fault = lambda request, number: Answer(400) if "n=" in request.path else None
    with serving(known.answer) as server:
        assert repository(server.port).tags() == ["a"]


@pytest.mark.parametrize("body", [b"{}", b'{"tags":null}', b'{"tags":[]}'])
def test_no_tags(body):
    with serving(lambda request: Answer(200, body, JSON)) as server:
        assert repository(server.port).tags() == []
    with serving(Registry().answer) as server:
        assert repository(server.port).tags() == []


@pytest.mark.parametrize("body", [b"[]", b'{"tags":"a"}', b'{"tags":[1]}', b"no JSON", b"[" * 100_000])
def test_what_is_no_list_of_tags(body):
    with (
        serving(lambda request: Answer(200, body, JSON)) as server,
        pytest.raises(LoopError, match="no list"),
    ):
        repository(server.port).tags()


def test_a_tag_is_removed_where_only_manifests_can_be():
    body = Manifest(b'{"schemaVersion":2}')
    known = Registry(deletes_tags=False)
    with serving(known.answer) as server:
        repo = repository(server.port)
        for tag in ("v1", "stable"):
            repo.put_manifest(tag, body)
        assert repo.delete_tag("v1") is True
        assert repo.delete_tag("v1") is True
        assert (repo.tags(), repo.manifest("stable")) == (["stable"], body)
        known.deletes_manifests = False
        assert repo.delete_tag("stable") is False
        assert repo.manifest("stable") == body


def test_a_tag_is_put_back_when_its_removal_fails():
    body = Manifest(b'{"schemaVersion":2}')
    known = Registry(deletes_tags=False)
    deletions: list[str] = []

    def fault(request: Request, number: int) -> Answer | None:
        if request.method == "DELETE" and "sha256" in request.path:
            deletions.append(request.path)
            return Answer(405) if len(deletions) == 2 else None
        return None

    known.fault = fault
    with serving(known.answer) as server:
        repo = repository(server.port)
        repo.put_manifest("v1", body)
        with pytest.raises(LoopError, match="does not allow to delete"):
            repo.delete_tag("v1")
        assert repo.manifest("v1") == body
