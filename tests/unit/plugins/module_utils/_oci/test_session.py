# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where requests lead to, and what is shown there: credentials are for one scheme, host and port."""

from __future__ import annotations

import base64
import io
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    MANIFEST_TYPE,
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.unit.fakes.faulty_registry import JSON
from ansible_collections.gitops.flux_local.tests.unit.fakes.http_server import (
    Answer,
    Request,
    Server,
    serving,
)

BLOB = Descriptor("application/octet-stream", digest_of(b"content"), 7)
BASIC = "Basic " + base64.b64encode(b"ci:s3cret").decode()
PULLS: dict[str, Callable[[RegistryRepository], object]] = {
    "manifest": lambda known: known.manifest("latest"),
    "blob": lambda known: known.fetch_blob(BLOB, io.BytesIO()),
    "tags": lambda known: known.tags(),
    "push": lambda known: known.put_blob(BLOB, b"content"),
}


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user with credentials for any host."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("default login netrc password netrc\n")
    (tmp_path / ".netrc").chmod(0o600)


@dataclass(frozen=True)
class Pair:
    """A registry, and another server, which answers all with what a registry would."""

    registry: Server
    other: Server
    scheme: str

    def repository(self, **options: Any) -> RegistryRepository:
        reference = Reference(f"127.0.0.1:{self.registry.port}", "shop")
        return RegistryRepository(reference, Connection(username="ci", password="s3cret", **options))


@pytest.fixture
def pair_with(certificate: Path) -> Iterator[Callable[..., Pair]]:
    """A registry that has all at another server, whose scheme can be chosen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ExitStack() as stack:

        def start(scheme: str, *, is_upload: bool = False) -> Pair:
            other = stack.enter_context(serving(content, context if scheme == "https" else None))
            where = {"Location": f"{scheme}://127.0.0.1:{other.port}/there"}

            def answer(request: Request) -> Answer:
                if request.headers.get("Authorization") != BASIC:
                    return Answer(401, headers={"Www-Authenticate": "Basic"})
                if request.method == "HEAD":
                    return Answer(404)
                return Answer(202 if is_upload else 307, headers=where)

            registry = stack.enter_context(serving(answer, context))
            return Pair(registry, other, scheme)

        yield start


def content(request: Request) -> Answer:
    if request.method in ("PUT", "POST"):
        return Answer(201)
    accepted = request.headers.get("Accept", "")
    if MANIFEST_TYPE in accepted:
        return Answer(200, b"{}", {"Content-Type": MANIFEST_TYPE})
    if "Accept-Encoding" in request.headers and request.headers["Accept-Encoding"] == "identity":
        return Answer(200, b"content")
    return Answer(200, json.dumps({"tags": ["a"]}).encode(), JSON)


@pytest.mark.parametrize("is_upload", [False, True])
@pytest.mark.parametrize("call", PULLS)
def test_credentials_are_shown_to_the_registry_alone(pair_with, call, is_upload):
    pair = pair_with("https", is_upload=is_upload and call == "push")
    PULLS[call](pair.repository(validate_certs=False))
    assert any(request.headers.get("Authorization") == BASIC for request in pair.registry.requests)
    assert pair.other.requests
    assert all("Authorization" not in request.headers for request in pair.other.requests)


@pytest.mark.parametrize("is_upload", [False, True])
@pytest.mark.parametrize("call", PULLS)
def test_nothing_leaves_https(pair_with, call, is_upload):
    pair = pair_with("http", is_upload=is_upload and call == "push")
    known = pair.repository(validate_certs=False)
    with pytest.raises(LoopError) as caught:
        PULLS[call](known)
    assert caught.value.message == (
        f"url: the registry 127.0.0.1:{pair.registry.port} speaks https, and refers to "
        f"http://127.0.0.1:{pair.other.port}, where nothing is encrypted. Correct its settings (behind a "
        "proxy: X-Forwarded-Proto), or set `insecure`."
    )
    assert pair.other.requests == []


@pytest.mark.parametrize("call", PULLS)
def test_content_leaves_https_where_that_is_allowed_and_credentials_never(pair_with, call):
    pair = pair_with("http", is_upload=call == "push")
    PULLS[call](pair.repository(validate_certs=False, insecure=True))
    assert pair.other.requests
    assert all("Authorization" not in request.headers for request in pair.other.requests)


def test_a_page_of_tags_that_leads_out_of_https_is_not_asked_for(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def answer(request: Request) -> Answer:
        link = {"Link": f'<http://{request.headers["Host"]}/v2/shop/tags/list?last=a>; rel="next"'}
        return Answer(200, b'{"tags":["a"]}', JSON | link)

    with serving(answer, context) as server:
        reference = Reference(f"127.0.0.1:{server.port}", "shop")
        with pytest.raises(LoopError, match="where nothing is encrypted"):
            RegistryRepository(reference, Connection(validate_certs=False)).tags()


def test_what_is_sent_in_a_body_does_not_become_a_question():
    """Or nothing would be stored, and nobody would know."""
    with serving(lambda _request: Answer(302, headers={"Location": "/login"})) as server:
        known = RegistryRepository(Reference(f"127.0.0.1:{server.port}", "shop"))
        with pytest.raises(LoopError):
            known.put_manifest("latest", Manifest(b"{}"))
        assert server.asked[0] == "PUT /v2/shop/manifests/latest"
        assert "GET /login" not in server.asked[:2]
