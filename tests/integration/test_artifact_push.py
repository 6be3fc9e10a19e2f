# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Pushes to the real registry program, read back by the flux CLI and pushed by it."""

from __future__ import annotations

import filecmp
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONTENT_DIGEST,
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.integration.registries import (
    Program,
    asks_for_a_password,
    issued,
    serving,
)

DEFAULTS: dict[str, Any] = {
    "tag": None,
    "tags": [],
    "ignore": [],
    "symlinks": "refuse",
    "source": "",
    "revision": "",
    "annotations": {},
    "compare": "content",
    "dest_layout": None,
    "mount_from": None,
    "next": None,
    "immutable": False,
    "secrets": "warn",
    "max_size": None,
    "max_files": None,
}


def push(
    path: Path, url: str, *, check_mode: bool = False, with_diff: bool = False, **params: Any
) -> dict[str, Any]:
    warnings: list[str] = []
    wanted = DEFAULTS | {"path": str(path), "url": url} | params
    result = run(
        wanted, connect=open_repository, warn=warnings.append, check_mode=check_mode, with_diff=with_diff
    )
    assert warnings == []
    return result


@pytest.fixture(scope="module")
def host(binary: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(binary, tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def url(host: str, request: pytest.FixtureRequest) -> str:
    """A repository of this test's own."""
    return f"oci://{host}/{request.node.originalname.replace('_', '-')}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything that is pushed as it is, and things that are not."""
    root = tmp_path / "Größe und mehr"
    long = Path(*["d" * 60] * 5)
    for name, content in {
        "kustomization.yaml": "resources: [a.yaml]\n",
        "a.yaml": "a: 1\r\n",
        "empty.yaml": "",
        ".hidden": "h",
        "with space/--dash file.yaml": "b",
        "-dash/ü.yaml": "c",
        str(long / ("f" * 255)): "long",
        ".sourceignore": "node_modules/\n*.md\n!allow/*.md\n",
        "nested/.sourceignore": "/only.yaml\n",
        "nested/only.yaml": "",
        "nested/deep/only.yaml": "",
        "allow/kept.md": "",
        "README.md": "",
        "node_modules/x/y.yaml": "",
        "logo.png": "",
        ".git/config": "",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, newline="")
    (root / "empty").mkdir()
    (root / "binary").write_bytes(bytes(range(256)) * 4000)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o700)
    return root


LEFT_OUT = ["README.md", "logo.png", "node_modules", "nested/only.yaml", ".git"]


def flux(binary: Program, home: Path, *arguments: str) -> str:
    command = [binary("flux"), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"HOME": str(home)}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_equal_but(one: Path, other: Path, left_out: list[str]) -> None:
    def differences(compared: filecmp.dircmp[str], prefix: str = "") -> Iterator[str]:
        for name in [*compared.left_only, *compared.right_only, *compared.funny_files]:
            yield f"{prefix}{name}"
        yield from (
            f"{prefix}{name}"
            for name in filecmp.cmpfiles(compared.left, compared.right, compared.common_files, shallow=False)[
                1
            ]
        )
        for name, below in compared.subdirs.items():
            yield from differences(below, f"{prefix}{name}/")

    assert sorted(differences(filecmp.dircmp(one, other, ignore=[], hide=[".", ".."]))) == sorted(left_out)


def test_flux_pulls_the_folder_less_what_is_ignored(binary, folder, url, tmp_path):
    result = push(folder, url, tag="v1")
    pulled = tmp_path / "pulled"
    pulled.mkdir()
    flux(binary, tmp_path, "pull", "artifact", f"{url}:v1", "--output", str(pulled))
    assert_equal_but(folder, pulled, LEFT_OUT)
    assert (pulled / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (pulled / "a.yaml").stat().st_mode & 0o777 == 0o644
    listed = flux(binary, tmp_path, "list", "artifacts", url)
    assert f"{url.removeprefix('oci://')}:v1" in listed
    assert result["digest"] in listed


def test_what_flux_pushed_is_unchanged(binary, folder, url, tmp_path):
    push(folder, url, tag="ours")
    pulled = tmp_path / "pulled"
    pulled.mkdir()
    flux(binary, tmp_path, "pull", "artifact", f"{url}:ours", "--output", str(pulled))
    origin = ["--source", "https://example.com/shop", "--revision", "main@sha1:abc"]
    flux(binary, tmp_path, "push", "artifact", f"{url}:flux", "--path", str(pulled), *origin)
    result = push(folder, url, tag="flux", with_diff=True)
    assert (result["changed"], result["revision"]) == (False, "main@sha1:abc")
    (folder / "empty.yaml").write_text("a: 2\n")
    result = push(folder, url, tag="flux", with_diff=True)
    assert result["why"] == {"flux": "content differs"}
    before, after = (set(result["diff"][0][side].splitlines()) for side in ("before", "after"))
    assert {line.split("  ")[0] for line in before ^ after if "  " in line} == {"empty.yaml"}


def test_unchanged_changed_and_check_mode(folder, url):
    predicted = push(folder, url, check_mode=True)
    assert predicted["why"] == {"latest": "tag missing"}
    first = push(folder, url)
    assert first["size"] == predicted["size"]
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    (folder / "a.yaml").chmod(0o666)
    assert push(folder, url, revision="other") == first | {
        "changed": False,
        "why": {},
        "previous_digest": first["digest"],
    }
    (folder / "a.yaml").write_text("a: 2\n")
    predicted = push(folder, url, check_mode=True)
    second = push(folder, url)
    assert second == predicted | {"digest": second["digest"]}
    assert second["previous_digest"] == first["digest"] != second["digest"]


def test_what_is_stored_is_what_was_said(folder, url):
    result = push(folder, url, tag="v1", tags=["stable"], annotations={"team": "ü"})
    repository = RegistryRepository(parse_url(url), Connection())
    manifest = repository.manifest("stable")
    assert isinstance(manifest, Manifest)
    assert manifest.digest == result["digest"]
    assert manifest.annotations["team"] == "ü"
    assert manifest.annotations[CONTENT_DIGEST] == result["content_digest"]
    by_digest = repository.manifest(result["digest"])
    assert by_digest == manifest
    assert repository.manifest("other") is None
    config = json.loads(manifest.body)["config"]
    blob = io.BytesIO()
    repository.fetch_blob(Descriptor(config["mediaType"], config["digest"], config["size"]), blob)
    assert json.loads(blob.getvalue())["rootfs"]["diff_ids"] == [result["content_digest"]]


def test_a_registry_keeps_what_was_pushed_when_it_is_killed_and_gets_again_what_it_lost(
    binary, folder, tmp_path
):
    (tmp_path / "registry").mkdir()
    with serving(binary, tmp_path / "registry") as first:
        digest = push(folder, f"oci://{first}/shop")["digest"]
    with serving(binary, tmp_path / "registry") as second:
        url = f"oci://{second}/shop"
        unchanged = push(folder, url)
        assert (unchanged["changed"], unchanged["previous_digest"]) == (False, digest)
        manifest = RegistryRepository(parse_url(url)).manifest(digest)
        assert manifest
        (layer,) = (tmp_path / "registry").rglob(f"{manifest.layers[0].digest.partition(':')[2]}/data")
        layer.unlink()
        mended = push(folder, url)
        assert (mended["why"], mended["digest"]) == ({"latest": "content missing"}, digest)
        assert push(folder, url)["changed"] is False
        assert layer.stat().st_size == mended["size"]


@pytest.fixture
def guarded(binary: Program, tmp_path: Path) -> Iterator[str]:
    """A registry with TLS, which asks for a user and a password."""
    where = tmp_path / "guarded"
    where.mkdir()
    certificate = issued(where, "ca")
    tls = {"certificate": str(certificate), "key": str(certificate.with_suffix(".key"))}
    auth = asks_for_a_password(where)
    with serving(binary, where, tls=tls, auth=auth) as address:
        yield address


def test_tls_and_credentials(guarded, folder, tmp_path):
    url = f"oci://{guarded}/shop"
    ca = str(tmp_path / "guarded" / "ca.pem")
    user: dict[str, Any] = {"username": "ci", "password": "s3cret"}
    assert push(folder, url, ca_cert=ca, **user)["changed"]
    assert not push(folder, url, validate_certs=False, **user)["changed"]
    refusals: list[tuple[dict[str, Any], str]] = [
        (user, "certificate of 127.0.0.1"),
        ({"ca_cert": ca}, "set `username` and `password`"),
        ({"ca_cert": ca, "username": "ci", "password": "wrong"}, "Check `username`, `password`"),
        (user | {"ca_cert": f"{ca}.none"}, "ca_cert"),
    ]
    for params, said in refusals:
        with pytest.raises(LoopError, match=said):
            push(folder, url, **params)


def ansible(*options: str, **params: Any) -> dict[str, Any]:
    """The result of the module when Ansible runs it."""
    program = Path(sys.executable).with_name("ansible")
    module = ["-m", "gitops.flux_local.oci_artifact_push", "-a", json.dumps(params)]
    command = [
        str(program),
        "localhost",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        *module,
        *options,
    ]
    environment = os.environ | {
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    return result


def test_as_a_module(folder, url):
    first = ansible("--check", path=str(folder), url=url)
    assert (first["changed"], first["digest"]) == (True, None)
    second = ansible(path=str(folder), url=url, tags=["v1"])
    assert second["why"] == {"latest": "tag missing", "v1": "tag missing"}
    assert not ansible(path=str(folder), url=url)["changed"]
    refused = ansible(path=str(folder), url=f"{url}:v1")
    assert refused["failed"]
    assert "contains a tag" in refused["msg"]
