# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.docker_config import (
    Credentials,
    closest,
    kept_credentials,
    login_files,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference

CI = Credentials("ci", "s3:cret")
AUTH = base64.b64encode(b"ci:s3:cret").decode()
HOST = "registry.example.com:5000"
SHOP = Reference(HOST, "team/shop")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def found(
    folder: Any, config: Any, ask: Any = None, host: str = HOST, repository: str = "team/shop"
) -> Credentials | None:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return kept_credentials(Reference(host, repository), {"DOCKER_CONFIG": str(folder)}, ask or never)


def never(program: str, host: str) -> tuple[int, str]:
    raise AssertionError(program)


def answering(status: int, output: Any) -> Any:
    return lambda program, host: (status, output if isinstance(output, str) else json.dumps(output))


@pytest.mark.parametrize(
    ("auths", "expected"),
    [
        ({HOST: {"auth": AUTH}}, CI),
        ({f"https://{HOST}": {"auth": AUTH}}, CI),
        ({f"http://{HOST}/v1/": {"auth": AUTH}}, CI),
        ({HOST: {"username": "ci", "password": "s3:cret"}}, CI),
        ({HOST: {"identitytoken": "lasting"}}, Credentials(identity_token="lasting")),
        ({HOST: {"registrytoken": "bearer"}}, Credentials(registry_token="bearer")),
        ({"registry.example.com": {"auth": AUTH}}, None),
        ({HOST: {}}, None),
        ({HOST: None}, None),
        ([], None),
    ],
)
def test_what_the_file_has(tmp_path, auths, expected):
    assert found(tmp_path, {"auths": auths}) == expected


@pytest.mark.parametrize(
    ("keys", "repository", "expected"),
    [
        ([HOST, f"{HOST}/team", f"{HOST}/team/shop"], "team/shop", f"{HOST}/team/shop"),
        ([f"{HOST}/team", HOST], "team/shop", f"{HOST}/team"),
        ([f"{HOST}/team", HOST], "teams/shop", HOST),
        ([f"{HOST}/team/", HOST], "team", f"{HOST}/team/"),
        ([f"{HOST}/other"], "team/shop", None),
        ([f"https://{HOST}/v1/", f"{HOST}/team"], "shop", f"https://{HOST}/v1/"),
        ([f"https://{HOST}/v1/", HOST], "shop", HOST),
        (["registry.example.com"], "shop", None),
        ([], "shop", None),
    ],
)
def test_the_longest_path_that_fits_is_meant(keys, repository, expected):
    assert closest(keys, Reference(HOST, repository)) == expected
    assert closest(reversed(keys), Reference(HOST, repository)) == expected


@pytest.mark.parametrize(
    "key", ["docker.io", "docker.io/team", "index.docker.io", "https://index.docker.io/v1/"]
)
def test_docker_hub_is_one_host_of_several_names(key):
    assert closest([key], Reference("docker.io", "team/shop")) == key


def test_podmans_logins_are_read_where_docker_has_none(tmp_path):
    environment = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "REGISTRY_AUTH_FILE": str(tmp_path / "own.json")}
    paths = login_files(environment)
    assert paths == [
        str(tmp_path / ".docker/config.json"),
        str(tmp_path / "own.json"),
        str(tmp_path / "run/containers/auth.json"),
        str(tmp_path / ".config/containers/auth.json"),
    ]
    assert login_files({"XDG_CONFIG_HOME": "/x"})[-1] == "/x/containers/auth.json"
    for number, path in reversed(list(enumerate(paths))):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        login = {"username": f"user{number}", "password": "s3cret"}
        Path(path).write_text(json.dumps({"auths": {HOST: login, "other.example.com": {"auth": AUTH}}}))
        known = kept_credentials(SHOP, environment, never)
        assert known == Credentials(f"user{number}", "s3cret")
    Path(paths[0]).write_text(json.dumps({"auths": {"other.example.com": {"auth": AUTH}}}))
    assert kept_credentials(SHOP, environment, never) == Credentials("user1", "s3cret")


def test_docker_hub_has_a_name_of_its_own(tmp_path):
    config = {"auths": {"https://index.docker.io/v1/": {"auth": AUTH}}}
    assert found(tmp_path, config, host="docker.io") == CI


def test_a_home_without_a_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kept_credentials(SHOP, {}) is None
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {HOST: {"auth": AUTH}}}))
    assert kept_credentials(SHOP, {}) == CI


@pytest.mark.parametrize("config", [{"credHelpers": {HOST: "test"}}, {"credsStore": "test"}])
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"ServerURL": HOST, "Username": "ci", "Secret": "s3:cret"}, CI),
        ({"Username": "<token>", "Secret": "lasting"}, Credentials(identity_token="lasting")),
        ({"Username": "", "Secret": ""}, None),
    ],
)
def test_a_helper_is_asked(tmp_path, config, output, expected):
    asked = []

    def ask(program: str, host: str) -> tuple[int, str]:
        asked.append((program, host))
        return 0, json.dumps(output)

    assert found(tmp_path, config, ask) == expected
    assert asked == [("docker-credential-test", HOST)]


def test_a_helper_for_the_host_comes_first(tmp_path):
    config = {"credHelpers": {HOST: "own"}, "credsStore": "all", "auths": {HOST: {"auth": "eDp5"}}}

    def ask(program: str, host: str) -> tuple[int, str]:
        assert program == "docker-credential-own"
        return 0, json.dumps({"Username": "ci", "Secret": "s3:cret"})

    assert found(tmp_path, config, ask) == CI


def test_what_a_store_does_not_have_the_file_may(tmp_path):
    ask = answering(1, "credentials not found in native keychain\n")
    assert found(tmp_path, {"credsStore": "test"}, ask) is None
    assert found(tmp_path, {"credsStore": "test", "auths": {HOST: {"auth": AUTH}}}, ask) == CI


def failing(error: Exception) -> Any:
    def ask(program: str, host: str) -> tuple[int, str]:
        raise error

    return ask


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (failing(FileNotFoundError()), "docker-credential-test is not installed"),
        (failing(PermissionError(13, "Permission denied")), "cannot be run: Permission denied"),
        (failing(subprocess.TimeoutExpired("x", 10)), "did not answer within 10 seconds"),
        (answering(1, "s3:cret"), "failed with exit status 1"),
        (answering(0, "s3:cret"), "answered with no credentials"),
        (answering(0, ["s3:cret"]), "answered with no credentials"),
    ],
)
def test_a_helper_that_fails_is_named_and_its_output_is_not(tmp_path, ask, said):
    with pytest.raises(LoopError) as caught:
        found(tmp_path, {"credsStore": "test"}, ask)
    assert said in caught.value.message
    assert f"Try `echo {HOST} | docker-credential-test get`" in caught.value.message
    assert "s3:cret" not in f"{caught.value.message}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{s3cret", "it is no JSON"),
        ({"auths": {HOST: {"auth": "s3cret!"}}}, "is damaged"),
        ({"credsStore": "../evil"}, "is no name of a program"),
    ],
)
def test_a_broken_configuration_is_named_and_its_secrets_are_not(tmp_path, config, said):
    with pytest.raises(LoopError) as caught:
        found(tmp_path, config)
    assert said in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert "s3cret" not in f"{caught.value.message}{caught.value.__cause__!r}"


def test_credentials_are_not_shown():
    assert "cret" not in repr(Credentials("ci", "s3cret", "secret", "secret"))
