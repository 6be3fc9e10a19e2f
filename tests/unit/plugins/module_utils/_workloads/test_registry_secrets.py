# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.registry_secrets import secrets_of


def test_without_credentials_and_certificates_there_are_none():
    assert secrets_of("127.0.0.1:5001", Connection()) == []


@pytest.mark.parametrize(
    ("registry", "name", "login_for"),
    [
        ("registry.example.com/team", "registry-registry-example-com-login", "registry.example.com"),
        (
            "Registry.example.com:5000",
            "registry-registry-example-com-5000-login",
            "Registry.example.com:5000",
        ),
        ("docker.io/team", "registry-docker-io-login", "https://index.docker.io/v1/"),
    ],
)
def test_the_login_is_as_docker_s_configuration_has_it(registry, name, login_for):
    [secret] = secrets_of(registry, Connection(username="ci", password="s3cret"))
    assert (secret.name, secret.type) == (name, "kubernetes.io/dockerconfigjson")
    assert json.loads(secret.data[".dockerconfigjson"]) == {
        "auths": {login_for: {"username": "ci", "password": "s3cret", "auth": "Y2k6czNjcmV0"}}
    }
    assert "s3cret" not in repr(secret)


def test_certificates_are_those_of_the_files(tmp_path):
    for name in ("ca_cert", "client_cert", "client_key"):
        (tmp_path / name).write_text(name)
    authority, certificate, key = (str(tmp_path / name) for name in ("ca_cert", "client_cert", "client_key"))
    given = Connection(ca_cert=authority, client_cert=certificate, client_key=key)
    [secret] = secrets_of("registry.example.com", given)
    assert secret.data == {"ca.crt": b"ca_cert", "tls.crt": b"client_cert", "tls.key": b"client_key"}
    [secret] = secrets_of("registry.example.com", Connection(client_cert=certificate))
    assert secret.data == {"tls.crt": b"client_cert", "tls.key": b"client_cert"}
    with pytest.raises(LoopError, match=r"ca_cert: .*none cannot be read: No such file"):
        secrets_of("registry.example.com", Connection(ca_cert=str(tmp_path / "none")))
