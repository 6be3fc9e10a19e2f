# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Registries that never come to an end: each of these would be waited for for hours, or for good."""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import registry as oci_registry
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Descriptor
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.unit.fakes.faulty_registry import JSON
from ansible_collections.gitops.flux_local.tests.unit.fakes.http_server import Answer, Request, serving
from ansible_collections.gitops.flux_local.tests.unit.fakes.slow_server import dripping, taking_nothing

LARGE = Descriptor("application/octet-stream", digest_of(b""), 10**12)
SHORT = 0.2  # seconds
AMPLE = 3.0  # for what has to be answered first, on a machine that is busy


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def repository(port: int, timeout: float = SHORT, host: str = "127.0.0.1") -> RegistryRepository:
    return RegistryRepository(Reference(f"{host}:{port}", "shop"), Connection(timeout=timeout))


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(LoopError) as caught:
        call()
    return caught.value.message


OK = b"HTTP/1.1 200 OK\r\n"
CALLS: dict[str, Callable[[RegistryRepository], object]] = {
    "manifest": lambda known: known.manifest("latest"),
    "tags": lambda known: known.tags(),
    "deletion": lambda known: known.delete_manifest(LARGE.digest),
    "question": lambda known: known.has_blob(LARGE),
    "upload": lambda known: known.put_blob(LARGE, b""),
}
HEADERS = {
    "status": (b"H", b" "),
    "header": (OK, b"X"),
    "headers": (OK, b"X-A: b\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
BODIES = {
    "body": (OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "size of a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}
ERROR = (b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n", b"x")


@pytest.mark.parametrize(
    ("call", "drops"),
    [
        *(("manifest", drops) for drops in (*HEADERS.values(), *BODIES.values(), ERROR)),
        *((call, HEADERS["header"]) for call in CALLS),
        ("tags", BODIES["body"]),
        ("deletion", BODIES["body"]),
    ],
)
def test_an_answer_that_drips_is_given_up(call, drops):
    with dripping(*drops) as port:
        message = failure(lambda: CALLS[call](repository(port)))
    assert f"127.0.0.1:{port} " in message
    assert " was tried " in message


@pytest.mark.parametrize(("begin", "drop"), [BODIES["body"], BODIES["chunks"]])
def test_a_blob_that_drips_is_given_up(begin, drop):
    with dripping(begin, drop) as port:
        message = failure(lambda: repository(port, AMPLE).fetch_blob(LARGE, io.BytesIO()))
    assert "broke off" in message
    assert "it sent less than 16 KiB a second" in message


def test_what_was_awaited_is_said():
    with dripping(OK, b"X") as port:
        message = failure(lambda: repository(port, AMPLE).manifest("latest"))
    begin = (
        f"url: the registry 127.0.0.1:{port} is too slow: its answer did not end within 3 seconds. GET "
        "/v2/shop/manifests/latest was tried once in "
    )
    assert message.startswith(begin)
    assert message.endswith(" seconds. Set a longer `timeout`, or find out what slows it down.")


def test_a_registry_that_takes_no_content_is_given_up():
    content = bytes(20_000_000)
    blob = Descriptor("application/octet-stream", digest_of(content), 7)
    with taking_nothing(b"Location: /upload\r\nContent-Length: 0\r\n\r\n") as port:
        message = failure(lambda: repository(port, AMPLE).put_blob(blob, content))
    assert "cannot be reached: no answer within 3 seconds" in message
    assert "POST /v2/shop/blobs/uploads/ was tried once" in message


def test_a_token_server_that_drips_is_given_up():
    with dripping(OK, b"X") as drips:
        challenge = {"Www-Authenticate": f'Bearer realm="http://127.0.0.1:{drips}/token"'}
        with serving(lambda _request: Answer(401, headers=challenge)) as server:
            message = failure(lambda: repository(server.port, AMPLE).manifest("latest"))
    assert f"127.0.0.1:{drips}, to which the registry 127.0.0.1:{server.port} refers, is too slow" in message


def test_a_proxy_that_drips_is_given_up(monkeypatch):
    with dripping(b"H", b" ") as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{port}")
        message = failure(lambda: repository(5000, host="registry.example.com").manifest("latest"))
    assert "registry.example.com:5000" in message
    assert "s3cret" not in message


def test_redirects_without_end_are_given_up():
    turns = itertools.count()
    with serving(lambda _request: Answer(307, headers={"Location": f"/{next(turns)}"})) as server:
        message = failure(lambda: repository(server.port, 10).manifest("latest"))
        assert len(server.asked) == 11
    assert "GET /v2/shop/manifests/latest failed: it redirects more than 10 times" in message


def pages() -> Callable[[Request], Answer]:
    numbers = itertools.count()

    def answer(_request: Request) -> Answer:
        number = next(numbers)
        link = {"Link": f'</v2/shop/tags/list?last={number}>; rel="next"'}
        return Answer(200, json.dumps({"tags": [f"v{number}"]}).encode(), JSON | link)

    return answer


def test_a_list_of_tags_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(oci_registry, "MOST_LISTING", 0.1)
    with serving(pages()) as server:
        message = failure(lambda: repository(server.port, 10).tags())
    assert f"the registry 127.0.0.1:{server.port} has listed " in message
    assert " tags of shop in 1 seconds, and has not come to the end" in message


def test_a_list_of_more_tags_than_anybody_has_is_given_up(monkeypatch):
    monkeypatch.setattr(oci_registry, "MOST_TAGS", 5)
    with serving(pages()) as server:
        assert "has listed 6 tags of shop" in failure(lambda: repository(server.port, 10).tags())


def test_a_transfer_may_take_as_long_as_it_needs_but_not_fall_silent(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    known = Deadline.after(10, rate=100)
    for second in range(1000):
        now = float(second)
        known.carried(100)
    assert known.at == now + 10  # whatever has come before
    for _second in range(25):
        now += 1
        known.carried(50)
    assert known.is_over
