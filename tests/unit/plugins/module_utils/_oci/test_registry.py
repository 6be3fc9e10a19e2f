# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a real registry does not do on demand; what it does is tested against one in tests/integration."""

from __future__ import annotations

import base64
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import request as registry_requests
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import (
    Connection,
    schemes_to_try,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    MANIFEST_TYPE,
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.unit.fakes.http_server import Answer, Request, serving

BODY = b'{"schemaVersion":2}'
MANIFEST = Answer(200, BODY, {"Content-Type": MANIFEST_TYPE})
MISSING = Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', {"Content-Type": "application/json"})


def error(status: int, *words: str) -> Answer:
    """What a registry says: a message, and its detail."""
    told = dict(zip(("message", "detail"), words, strict=False))
    return Answer(
        status,
        json.dumps({"errors": [{"code": "UNKNOWN", **told}]}).encode(),
        {"Content-Type": "application/json"},
    )


HTML = {"Content-Type": "text/html", "Server": "nginx"}
BLOB = Descriptor("application/octet-stream", digest_of(b"content"), 7)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which are not waited for."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


def repository(port: int, **options: Any) -> RegistryRepository:
    return RegistryRepository(Reference(f"127.0.0.1:{port}", "shop"), Connection(**options))


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    left = list(answers)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(LoopError) as caught:
        call()
    return caught.value.message


def test_one_question_for_a_manifest():
    with serving(in_turn(MANIFEST)) as server:
        assert repository(server.port).manifest("latest") == Manifest(BODY)
        assert server.asked == ["GET /v2/shop/manifests/latest"]


def test_a_missing_manifest_is_none():
    with serving(in_turn(MISSING)) as server:
        assert repository(server.port).manifest("latest") is None
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status, pauses):
    with serving(in_turn(Answer(status), Answer(status), MANIFEST)) as server:
        assert repository(server.port).manifest("latest")
        assert len(server.asked) == 3
    assert 0 < pauses[0] < 0.3 < pauses[1] * 2 < 1


def test_a_connection_that_breaks_is_tried_again():
    with serving(in_turn(Answer(hangs_up=True), MANIFEST)) as server:
        assert repository(server.port).manifest("latest")


def test_retry_after_is_heeded(pauses):
    with serving(in_turn(Answer(429, headers={"Retry-After": "2"}), MANIFEST)) as server:
        assert repository(server.port).manifest("latest")
    assert pauses == [2.0]


def test_a_longer_retry_after_than_there_is_time_is_not_waited_for(pauses):
    with serving(in_turn(Answer(429, headers={"Retry-After": "60"}))) as server:
        message = failure(lambda: repository(server.port).manifest("latest"))
    assert "429 Too Many Requests" in message
    assert pauses == []


def test_errors_that_stay_are_reported_with_the_last_answer():
    body = b'{"errors":[{"code":"UNKNOWN","message":"disk full"}]}'
    with serving(in_turn(Answer(500, body, {"Content-Type": "application/json"}))) as server:
        message = failure(lambda: repository(server.port).manifest("latest"))
        assert len(server.asked) == registry_requests.MAX_ATTEMPTS
    assert f"127.0.0.1:{server.port} fails: 500 Internal Server Error (disk full)" in message
    assert "GET /v2/shop/manifests/latest was tried 4 times" in message


FULL = "write /var/lib/registry/docker/registry/v2/_uploads/1/data: no space left on device"


@pytest.mark.parametrize(
    ("answer", "said", "remedy"),
    [
        (
            error(500, "unknown error", FULL),
            f"500 Internal Server Error (unknown error; {FULL})",
            "Its disk is full: ",
        ),
        (Answer(507), "507 Insufficient Storage", "Its disk is full: "),
        (error(500, "mkdir /v: read-only file system"), "read-only file system", "make it writable"),
        (error(500, "panic"), "500 Internal Server Error (panic)", "Look at its log."),
        (Answer(429, headers={"Retry-After": "60"}), "429", "It asks to wait for 60 seconds: run this again"),
        (Answer(429), "429 Too Many Requests", "It limits how often it is asked"),
        (Answer(413), "413", "client_max_body_size"),
        (error(405, "The operation is unsupported."), "405", "It may be read-only"),
    ],
)
def test_what_a_registry_lacks_is_told_with_what_to_do(answer, said, remedy):
    def refuse(request: Request) -> Answer:
        if request.path == "/v2/":
            return Answer(200, b"{}", {"Content-Type": "application/json"})
        return Answer(404) if request.method == "HEAD" else answer

    with serving(refuse) as server:
        known = repository(server.port)
        message = failure(lambda: known.put_blob(BLOB, b"content"))
    assert said in message
    assert remedy in message
    assert "address is right" not in message


def test_a_dead_proxy_is_named(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{free_port()}")
    known = RegistryRepository(Reference("registry.example.com", "shop"))
    message = failure(lambda: known.manifest("latest"))
    assert "registry.example.com cannot be reached by way of the proxy http://127.0.0.1:" in message
    assert "connection refused" in message
    assert "Correct HTTPS_PROXY" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("status", [400, 405, 409, 418])
def test_what_will_not_pass_is_not_tried_again(status):
    answer = Answer(status, b'{"errors":[{"code":"NO"}]}', {"Content-Type": "application/json"})
    with serving(in_turn(answer)) as server:
        assert f"refuses to read the manifest of latest (shop): {status}" in failure(
            lambda: repository(server.port).manifest("latest")
        )
        assert len(server.asked) == 1


def test_a_registry_that_hangs_is_given_up_in_time():
    over = threading.Event()

    def hang(_request):
        over.wait()
        return MANIFEST

    with serving(hang) as server:
        message = failure(lambda: repository(server.port, timeout=0.4).manifest("latest"))
        over.set()
    assert "cannot be reached: no answer within 0.4 seconds" in message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_without_a_registry_is_reported():
    port = free_port()
    message = failure(lambda: repository(port).manifest("latest"))
    assert f"the registry 127.0.0.1:{port} cannot be reached: connection refused" in message


def test_another_protocol_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                connection.recv(100)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.close()

        threading.Thread(target=greet, daemon=True).start()
        message = failure(lambda: repository(listener.getsockname()[1]).manifest("latest"))
        listener.shutdown(socket.SHUT_RDWR)
    assert "what listens there does not speak HTTP" in message


@pytest.mark.parametrize(
    "answer", [Answer(404, b"not here", HTML), Answer(200, b"<html>", HTML), Answer(403, b"no", HTML)]
)
def test_another_server_is_said_to_be_no_registry(answer):
    with serving(in_turn(answer)) as server:
        message = failure(lambda: repository(server.port).manifest("latest"))
    assert f"127.0.0.1:{server.port} is no registry: GET /v2/ was answered with {answer.status}" in message
    assert "nginx" in message


def test_a_registry_without_bodies_in_its_errors_is_recognised():
    def answer(request):
        return (
            Answer(200, b"{}", {"Content-Type": "application/json"})
            if request.path == "/v2/"
            else Answer(404)
        )

    with serving(answer) as server:
        assert repository(server.port).manifest("latest") is None


def test_a_tag_that_holds_no_manifest_is_said_so():
    def answer(request):
        return Answer(200, b"{}", {"Content-Type": "application/json"})

    with serving(answer) as server:
        assert "no manifest" in failure(lambda: repository(server.port).manifest("latest"))


LIE = {"Docker-Content-Digest": digest_of(b"other")}


def test_a_manifest_that_is_not_what_its_digest_says():
    with serving(in_turn(Answer(200, BODY, {"Content-Type": MANIFEST_TYPE} | LIE))) as server:
        assert "damaged" in failure(lambda: repository(server.port).manifest("latest"))
        assert "damaged" in failure(lambda: repository(server.port).manifest(digest_of(b"other")))


def test_a_manifest_that_was_stored_differently():
    with serving(in_turn(Answer(201, headers=LIE))) as server:
        assert "damaged" in failure(lambda: repository(server.port).put_manifest("latest", Manifest(BODY)))


def test_a_blob_is_fetched():
    into = io.BytesIO()
    with serving(in_turn(Answer(200, b"content"))) as server:
        repository(server.port).fetch_blob(BLOB, into)
    assert into.getvalue() == b"content"


@pytest.mark.parametrize("body", [b"c0ntent", b"content and more", b"cont", b""])
def test_a_blob_that_is_not_what_it_should_be(body):
    with serving(in_turn(Answer(200, body))) as server:
        assert "damaged" in failure(lambda: repository(server.port).fetch_blob(BLOB, io.BytesIO()))


def test_a_blob_that_breaks_off():
    with serving(in_turn(Answer(200, b"cont", {"Content-Length": "7"}))) as server:
        assert "broke off" in failure(
            lambda: repository(server.port, timeout=0.5).fetch_blob(BLOB, io.BytesIO())
        )


def test_a_blob_that_is_missing():
    with serving(in_turn(MISSING)) as server:
        assert "404" in failure(lambda: repository(server.port).fetch_blob(BLOB, io.BytesIO()))


def uploads(location: str, put: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    def answer(request):
        if request.method == "HEAD":
            return Answer(404)
        if request.method == "POST":
            return Answer(202, headers={"Location": location})
        return put(request)

    return answer


@pytest.mark.parametrize("content", [b"content", io.BytesIO(b"content")])
@pytest.mark.parametrize("location", ["/v2/shop/blobs/uploads/id?state=a%3D", "id?state=a%3D"])
def test_a_blob_is_uploaded_whole(content, location):
    with serving(uploads(location, in_turn(Answer(201)))) as server:
        assert repository(server.port).put_blob(BLOB, content) is True
    assert [request.method for request in server.requests] == ["HEAD", "POST", "PUT"]
    put = server.requests[-1]
    assert put.body == b"content"
    assert put.path == f"/v2/shop/blobs/uploads/id?state=a%3D&digest=sha256%3A{BLOB.digest[7:]}"
    assert put.headers["Content-Length"] == "7"


def test_a_blob_that_exists_is_not_sent():
    with serving(in_turn(Answer(200))) as server:
        assert repository(server.port).put_blob(BLOB, b"content") is False
    assert server.asked == [f"HEAD /v2/shop/blobs/{BLOB.digest}"]


def test_an_upload_that_fails_is_sent_again_from_its_beginning():
    answers = in_turn(Answer(503), Answer(hangs_up=True), Answer(201))
    with serving(uploads("/upload", answers)) as server:
        assert repository(server.port).put_blob(BLOB, io.BytesIO(b"content"))
    assert [request.body for request in server.requests if request.method == "PUT"] == [b"content"] * 3


def test_an_upload_that_is_refused_is_an_error():
    refused = Answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}', {"Content-Type": "application/json"})
    with serving(uploads("/upload", in_turn(refused))) as server:
        message = failure(lambda: repository(server.port).put_blob(BLOB, b"content"))
    assert "DIGEST_INVALID" in message


BASIC = "Basic " + base64.b64encode(b"ci:s3cret").decode()


def guarded(challenge: str, expected: str) -> Callable[[Request], Answer]:
    def answers(request):
        if request.headers.get("Authorization") == expected:
            return MANIFEST
        return Answer(401, headers={"Www-Authenticate": challenge})

    return answers


def test_basic_credentials_are_given_when_asked_for_and_then_at_once():
    with serving(guarded('Basic realm="r"', BASIC)) as server:
        known = repository(server.port, username="ci", password="s3cret")
        assert known.manifest("one")
        assert known.manifest("two")
    shown = [request.headers.get("Authorization") for request in server.requests]
    assert shown == [None, BASIC, BASIC]


@pytest.mark.parametrize("challenge", ['Basic realm="r"', "Negotiate"])
def test_missing_credentials_are_asked_for(challenge):
    with serving(guarded(challenge, BASIC)) as server:
        message = failure(lambda: repository(server.port).manifest("one"))
    assert "401 Unauthorized. It asks for credentials: set `username` and `password`" in message
    assert len(server.asked) == 1


def test_wrong_credentials_are_not_tried_twice_nor_repeated():
    with serving(guarded('Basic realm="r"', BASIC)) as server:
        message = failure(lambda: repository(server.port, username="ci", password="wr0ng").manifest("one"))
    assert "Check `username`, `password`" in message
    assert "wr0ng" not in message
    assert len(server.asked) == 2
    assert "wr0ng" not in repr(Connection(username="ci", password="wr0ng"))


class TokenRegistry:
    """Gives tokens for the scope that is asked for, and wants the right one."""

    def __init__(self) -> None:
        self.tokens: list[tuple[str, str | None]] = []

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/token"):
            scope = "push" if "push" in request.path else "pull"
            self.tokens.append((scope, request.headers.get("Authorization")))
            return Answer(200, json.dumps({"token": scope}).encode(), {"Content-Type": "application/json"})
        needed = "pull" if request.method in ("GET", "HEAD") else "push"
        if request.headers.get("Authorization") in (f"Bearer {needed}", "Bearer push"):
            return {
                "GET": MANIFEST,
                "HEAD": Answer(404),
                "POST": Answer(202, headers={"Location": "/u"}),
            }.get(request.method, Answer(201))
        scope = "pull,push" if needed == "push" else "pull"
        host = request.headers["Host"]
        challenge = f'Bearer realm="http://{host}/token",service="s",scope="repository:shop:{scope}"'
        return Answer(401, headers={"Www-Authenticate": challenge})


@pytest.mark.parametrize(
    ("options", "authorization"), [({}, None), ({"username": "ci", "password": "s3cret"}, BASIC)]
)
def test_a_token_is_replaced_when_more_is_needed(options, authorization, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    tokens = TokenRegistry()
    with serving(tokens.answer) as server:
        known = repository(server.port, **options)
        assert known.manifest("latest")
        assert known.put_blob(BLOB, io.BytesIO(b"content"))
        known.put_manifest("latest", Manifest(BODY))
    assert tokens.tokens == [("pull", authorization), ("push", authorization)]
    assert [request.body for request in server.requests if request.path.startswith("/u")] == [b"content"]


@pytest.fixture
def netrc(tmp_path, monkeypatch):
    """Credentials for any host, as curl and requests read them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("default login other password other\n")


@pytest.mark.usefixtures("netrc")
def test_a_remote_registry_and_what_it_refers_to_are_reached_through_the_proxy(monkeypatch):
    def answer(request):
        if request.path == f"http://registry.invalid/v2/shop/blobs/{BLOB.digest}":
            return Answer(307, headers={"Location": "http://storage.invalid/blob"})
        if request.path == "http://storage.invalid/blob":
            return Answer(400 if "Authorization" in request.headers else 200, b"content")
        return Answer(502)

    with serving(answer) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        remote = RegistryRepository(Reference("registry.invalid", "shop"), Connection(insecure=True))
        content = io.BytesIO()
        remote.fetch_blob(BLOB, content)
        assert content.getvalue() == b"content"
        assert all("Authorization" not in request.headers for request in proxy.requests)


@pytest.mark.usefixtures("netrc")
def test_a_registry_of_this_machine_is_reached_directly(monkeypatch):
    with serving(in_turn(MANIFEST)) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
        assert repository(server.port).manifest("latest")


def test_a_token_that_never_suffices_ends():
    def answer(request):
        if request.path.startswith("/token"):
            return Answer(200, b'{"token":"t"}', {"Content-Type": "application/json"})
        challenge = f'Bearer realm="http://{request.headers["Host"]}/token",service="s"'
        return Answer(401, headers={"Www-Authenticate": challenge})

    with serving(answer) as server:
        assert "401" in failure(lambda: repository(server.port).manifest("latest"))
        assert len(server.asked) == 3


def test_a_token_server_that_refuses_is_a_refusal():
    def answer(request):
        if request.path.startswith("/token"):
            return Answer(403)
        return Answer(
            401, headers={"Www-Authenticate": f'Bearer realm="http://{request.headers["Host"]}/token"'}
        )

    with serving(answer) as server:
        message = failure(lambda: repository(server.port, username="a", password="b").manifest("latest"))
    assert "Check `username`, `password`" in message


@pytest.mark.parametrize(
    ("host", "options", "schemes"),
    [
        ("localhost:5050", {}, ("http", "https")),
        ("localhost:5050", {"ca_cert": "ca.pem"}, ("https",)),
        ("localhost:5050", {"client_cert": "me.pem"}, ("https",)),
        ("registry.example.com", {}, ("https",)),
        ("10.0.0.1:5000", {}, ("https",)),
        ("registry.example.com", {"insecure": True}, ("https", "http")),
        ("registry.example.com", {"insecure": True, "ca_cert": "ca.pem"}, ("https",)),
    ],
)
def test_plain_http_is_for_loopback_or_when_allowed(host, options, schemes):
    assert schemes_to_try(Reference(host, "shop"), Connection(**options)) == schemes


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(in_turn(MANIFEST), context) as server:
        yield server


@pytest.mark.parametrize("trust", ["ca_cert", "validate_certs"])
def test_https_is_found_and_spoken(tls_server, certificate, trust):
    options = {"ca_cert": str(certificate)} if trust == "ca_cert" else {"validate_certs": False}
    assert repository(tls_server.port, **options).manifest("latest")


def test_a_certificate_that_is_not_trusted_is_not_accepted(tls_server, pauses):
    message = failure(lambda: repository(tls_server.port).manifest("latest"))
    assert "certificate of 127.0.0.1" in message
    assert "`ca_cert`" in message
    assert tls_server.asked == []
    assert pauses == []


def test_with_a_ca_plain_http_is_not_spoken(certificate):
    with serving(in_turn(MANIFEST)) as server:
        message = failure(lambda: repository(server.port, ca_cert=str(certificate)).manifest("latest"))
        assert server.asked == []
    assert "no secure connection" in message
