# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    ENGINES,
    GIT,
    GO,
    NETWORK,
    ca_bundle_for,
    for_child,
    is_this_machine,
    proxies_in,
    proxy_for,
    without_detours,
)

# Each of them has once led a program or a client of a loop somewhere else, or could.
HOSTILE = {
    "ALL_PROXY": "http://127.0.0.1:9",
    "CONTAINER_HOST": "unix:///nowhere",
    "CURL_CA_BUNDLE": "/nowhere",
    "DOCKER_CONFIG": "/nowhere",
    "DOCKER_HOST": "unix:///nowhere",
    "ETCD_DATA_DIR": "/nowhere",
    "FLUX_SYSTEM_NAMESPACE": "elsewhere",
    "GIT_DIR": "/nowhere",
    "GIT_SSH_COMMAND": "ssh -F /dev/null",
    "GIT_WORK_TREE": "/nowhere",
    "GODEBUG": "x509sha1=1",
    "GOEXPERIMENT": "nodwarf5",
    "GOFLAGS": "-race",
    "GOPROXY": "https://proxy.example.com",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "K8S_AUTH_API_KEY": "key",
    "K8S_AUTH_HOST": "http://127.0.0.1:9",
    "KUBECONFIG": "/nowhere",
    "NO_PROXY": "",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "REGISTRY_AUTH_FILE": "/nowhere",
    "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/nowhere",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "SSL_CERT_FILE": "/nowhere",
    "XDG_CONFIG_HOME": "/nowhere",
    "XDG_RUNTIME_DIR": "/nowhere",
}
USER = {"HOME": "/home/dev", "PATH": "/bin", "LC_ALL": "C.UTF-8", "LANG": "C"}
PROXIES = {"HTTPS_PROXY", "HTTP_PROXY", "SSL_CERT_FILE"}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    ("groups", "reach"),
    [
        ((), set()),
        ((GIT,), {"GIT_SSH_COMMAND", "XDG_CONFIG_HOME"}),
        ((NETWORK, GIT), PROXIES | {"GIT_SSH_COMMAND", "XDG_CONFIG_HOME"}),
        ((NETWORK, GIT, GO), PROXIES | {"GIT_SSH_COMMAND", "XDG_CONFIG_HOME", "GOPROXY"}),
        (
            (NETWORK, ENGINES),
            PROXIES
            | {"CONTAINER_HOST", "DOCKER_CONFIG", "DOCKER_HOST", "REGISTRY_AUTH_FILE"}
            | {"XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"},
        ),
    ],
    ids=["supervisord and the registry", "git", "flux build", "go", "kind and k3d"],
)
def test_a_child_has_what_is_named_and_nothing_else(groups, reach, name):
    environment = for_child({**USER, name: HOSTILE[name]}, *groups, GIVEN="1")
    if NETWORK in groups:  # what is on this machine is reached directly
        exempt = environment.pop("NO_PROXY")
        assert environment.pop("no_proxy") == exempt
        assert {"localhost", "127.0.0.1", "::1"} <= set(exempt.split(","))
    assert environment == {**USER, **({name: HOSTILE[name]} if name in reach else {}), "GIVEN": "1"}


def test_what_is_given_wins():
    assert for_child(USER, LC_ALL="C")["LC_ALL"] == "C"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("Registry.LOCALHOST.", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("0.0.0.0", True),  # noqa: S104 - nobody listens
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_this_machine(host, expected):
    assert is_this_machine(host) is expected


PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://a.example.com", {"HTTPS_PROXY": PROXY}, f"{PROXY} (HTTPS_PROXY)"),
        ("https://a.example.com", {"https_proxy": PROXY}, f"{PROXY} (https_proxy)"),
        ("http://a.example.com", {"HTTPS_PROXY": PROXY}, None),
        ("http://a.example.com", {"HTTP_PROXY": "proxy:1"}, "http://proxy:1 (HTTP_PROXY)"),
        ("https://a.example.com", {"HTTPS_PROXY": "http://me:secret@p:1/"}, "http://p:1 (HTTPS_PROXY)"),
        # Neither kubectl nor Flux knows it.
        ("https://a.example.com", {"ALL_PROXY": PROXY}, None),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://0.0.0.0:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": PROXY}, None),
        ("http://localhost:5050", {"HTTP_PROXY": PROXY}, None),
        ("https://a.example.com", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": PROXY, "NO_PROXY": "b.com, example.com"}, None),
        ("https://a.example.com:8443", {"HTTPS_PROXY": PROXY, "no_proxy": ".example.com"}, None),
        ("https://a.example.com:8443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.example.com:8443"}, None),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "fd00::/8"}, None),
        ("https://11.1.2.3", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, f"{PROXY} (HTTPS_PROXY)"),
        ("https://ample.com", {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.com"}, f"{PROXY} (HTTPS_PROXY)"),
    ],
)
def test_the_proxy_for_a_url_is_that_of_kubectl(url, environment, expected):
    found = proxy_for(url, environment)
    assert (str(found) if found else None) == expected


def test_the_authorities_for_a_host():
    trusted = {"REQUESTS_CA_BUNDLE": "/r", "SSL_CERT_FILE": "/s"}
    assert ca_bundle_for("ghcr.io", trusted) == "/r"
    assert ca_bundle_for("ghcr.io", {"SSL_CERT_FILE": "/s"}) == "/s"
    assert ca_bundle_for("ghcr.io", {}) is None
    assert ca_bundle_for("127.0.0.1", trusted) is None


def test_all_proxies():
    environment = {"HTTP_PROXY": "a", "https_proxy": "b", "ALL_PROXY": "c", "NO_PROXY": "d"}
    assert proxies_in(environment) == {"a", "b", "c"}


@pytest.mark.parametrize("names_cluster", [True, False])
def test_a_module_of_others_reaches_this_machine_directly(names_cluster):
    given = {"K8S_AUTH_HOST": "h", "HTTPS_PROXY": PROXY, "all_proxy": PROXY, "no_proxy": "a.com, 127.0.0.1"}
    environment = without_detours({**USER, **given}, names_cluster=names_cluster)
    assert ("K8S_AUTH_HOST" in environment) is not names_cluster
    assert "all_proxy" not in environment
    assert environment["HTTPS_PROXY"] == PROXY
    assert environment["NO_PROXY"] == environment["no_proxy"]
    assert environment["NO_PROXY"].split(",")[:3] == ["a.com", "127.0.0.1", "localhost"]
