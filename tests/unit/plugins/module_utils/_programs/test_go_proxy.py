# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Go modules from a module proxy."""

from __future__ import annotations

import io
import zipfile

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_proxy import (
    ModuleProxy,
    escaped,
    hash_of,
    proxies,
    recorded_hash,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.http_server import Answer, serving

MODULE, VERSION = "example.com/Stage", "v0.8.0"
# As golang.org/x/mod/sumdb/dirhash has it of these two files.
FILES = {
    f"{MODULE}@{VERSION}/go.mod": b"module example.com/Stage\n",
    f"{MODULE}@{VERSION}/stage/a.yaml": b"a: 1\n",
}
HASH = "h1:CghmAeUWwhGaW6T94TadS1g5jZA1LDlCoo1fidNky04="


def module_zip(files=None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (files or FILES).items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("", []),
        ("off", []),
        ("direct", []),
        ("https://one.example/,direct", ["https://one.example"]),
        (
            "https://one.example|http://127.0.0.1:3000/go , off",
            ["https://one.example", "http://127.0.0.1:3000/go"],
        ),
        ("file:///srv/proxy", []),
        ("HTTPS://user:p[ss@proxy/", ["HTTPS://user:p[ss@proxy"]),
    ],
)
def test_goproxy_names_proxies_and_what_is_none(value, urls):
    assert proxies({"GOPROXY": value}) == urls
    assert proxies({}) == []


@pytest.mark.parametrize(
    ("path", "spelt"),
    [("sigs.k8s.io/kwok", "sigs.k8s.io/kwok"), ("github.com/Azure/SDK", "github.com/!azure/!s!d!k")],
)
def test_capitals_are_spelt_as_proxies_do(path, spelt):
    assert escaped(path) == spelt


def test_files_hash_as_go_has_it():
    with zipfile.ZipFile(io.BytesIO(module_zip())) as archive:
        assert hash_of(archive) == HASH


def test_the_hash_is_that_of_the_module_and_not_of_its_go_mod():
    go_sum = (
        f"{MODULE} {VERSION}/go.mod h1:other=\n{MODULE} {VERSION} h1:its=\n{MODULE}/api {VERSION} h1:api=\n"
    )
    assert recorded_hash(go_sum, MODULE, VERSION) == "h1:its="
    with pytest.raises(LoopError, match=r"go\.sum has no hash of example\.com/Stage v0\.9\.0"):
        recorded_hash(go_sum, MODULE, "v0.9.0")


def test_a_module_proxy_of_this_machine_is_reached_directly_with_its_login(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(lambda _request: Answer(200, module_zip())) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        assert ModuleProxy((url,)).unpack(MODULE, VERSION, HASH, tmp_path).is_dir()
        [request] = proxy.requests
        assert request.headers["Authorization"].startswith("Basic ")


def test_the_second_proxy_has_what_the_first_lacks(tmp_path):
    def answer(request):
        return Answer(body=module_zip()) if request.path.startswith("/second/") else Answer(status=404)

    with serving(answer) as server:
        urls = tuple(f"http://127.0.0.1:{server.port}/{name}" for name in ("first", "second"))
        folder = ModuleProxy(urls).unpack(MODULE, VERSION, HASH, tmp_path)
    assert (folder / "stage/a.yaml").read_bytes() == b"a: 1\n"
    assert server.asked == [
        f"GET /{name}/example.com/!stage/@v/{VERSION}.zip" for name in ("first", "second")
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (module_zip({**FILES, f"{MODULE}@{VERSION}/more.yaml": b""}), f"and go.sum has {HASH}"),
        (b"<html>", "is no archive"),
    ],
)
def test_what_is_not_the_module_is_refused_and_not_unpacked(tmp_path, body, said):
    with serving(lambda _request: Answer(body=body)) as server, pytest.raises(LoopError) as error:
        ModuleProxy((f"http://127.0.0.1:{server.port}",)).unpack(MODULE, VERSION, HASH, tmp_path)
    assert said in error.value.message
    assert not (tmp_path / "module").exists()


def test_a_proxys_password_is_not_in_what_is_said(tmp_path):
    with serving(lambda _request: Answer(status=403)) as server:
        proxy = ModuleProxy((f"http://me:secret@127.0.0.1:{server.port}",))
        with pytest.raises(LoopError, match="could not be fetched") as error:
            proxy.unpack(MODULE, VERSION, HASH, tmp_path)
    assert "403" in error.value.message
    assert "secret" not in error.value.message
