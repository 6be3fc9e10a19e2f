# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of a cluster that cannot be used; a real API server is asked in tests/integration."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster import connection
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.module import on_cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    WatchEvent,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY

REF = ObjectRef(OCI_REPOSITORY, "flux-system", "shop")
PATH = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories"


@pytest.fixture(autouse=True)
def no_cluster_by_accident(monkeypatch, tmp_path):
    for name in (
        "KUBECONFIG",
        "K8S_AUTH_KUBECONFIG",
        "K8S_AUTH_CONTEXT",
        "K8S_AUTH_HOST",
        "KUBERNETES_SERVICE_HOST",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


class ApiServer(ThreadingHTTPServer):
    """An API server whose answers are given as (status, body)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def answer(self):
        self.server.asked.append((self.command, self.path))
        self.server.headers.append(dict(self.headers))
        status, body = self.server.answers.pop(0)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_PATCH = do_PUT = do_DELETE = answer

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ApiServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def kubeconfig(tmp_path, port=1, **change):
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("one", "two")],
        "current-context": "one",
        **change,
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def cluster_of(server, tmp_path):
    return KubernetesCluster({"kubeconfig": kubeconfig(tmp_path, server.server_port)})


def test_the_origin_names_kubeconfig_and_context(tmp_path, monkeypatch):
    path = kubeconfig(tmp_path)
    assert KubernetesCluster({"kubeconfig": path}).origin == f"{path}#one"
    assert KubernetesCluster({"kubeconfig": path, "context": "two"}).origin == f"{path}#two"
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", path)
    assert KubernetesCluster({}).origin == f"{path}#one"
    given = yaml.safe_load((tmp_path / "config").read_text())
    assert KubernetesCluster({"kubeconfig": given}).origin == "the kubeconfig given as a dictionary#one"
    assert KubernetesCluster({"host": "https://h:1/", "api_key": "k"}).origin == "https://h:1"


# What kubernetes.core takes from the environment in place of options, and proxies that lead nowhere.
ELSEWHERE = {
    "K8S_AUTH_HOST": "http://127.0.0.1:9",
    "K8S_AUTH_API_KEY": "s3cret",
    "K8S_AUTH_CONTEXT": "nowhere",
    "K8S_AUTH_KUBECONFIG": "/nowhere",
    "K8S_AUTH_PROXY": "http://127.0.0.1:9",
    "K8S_AUTH_USERNAME": "somebody",
    "K8S_AUTH_PASSWORD": "s3cret",
    "K8S_AUTH_VERIFY_SSL": "no",
    "K8S_AUTH_SSL_CA_CERT": "/nowhere",
    "K8S_AUTH_IMPERSONATE_USER": "somebody",
    "K8S_AUTH_IMPERSONATE_GROUPS": "a,b",
    "KUBECONFIG": "/nowhere",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "NETRC": "/nowhere",
}


@pytest.mark.parametrize("name", [*ELSEWHERE, "all of them"])
def test_a_kubeconfig_that_is_named_leads_to_its_server_whatever_the_environment_says(
    server, tmp_path, monkeypatch, name
):
    for variable in ELSEWHERE if name == "all of them" else [name]:
        monkeypatch.setenv(variable, ELSEWHERE[variable])
    server.answers = [(200, {"metadata": {"name": "shop"}})]
    cluster = cluster_of(server, tmp_path)
    assert cluster.get(REF) == {"metadata": {"name": "shop"}}
    assert cluster.origin == f"{tmp_path}/config#one"
    assert cluster.proxy == ""
    [headers] = server.headers
    assert not [header for header in headers if header in ("Authorization", "Impersonate-User")]


def remote(tmp_path, **cluster):
    clusters = [{"name": "c", "cluster": {"server": "http://api.invalid", **cluster}}]
    return KubernetesCluster({"kubeconfig": kubeconfig(tmp_path, clusters=clusters)})


@pytest.mark.parametrize("named_by", ["HTTP_PROXY", "proxy-url of the kubeconfig"])
def test_a_remote_server_is_asked_through_the_proxy(server, tmp_path, monkeypatch, named_by):
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HTTP_PROXY", url if named_by == "HTTP_PROXY" else "http://127.0.0.1:9")
    server.answers = [(200, {"metadata": {"name": "shop"}}), (502, b"<html>")]
    cluster = remote(tmp_path, **({} if named_by == "HTTP_PROXY" else {"proxy-url": url}))
    assert cluster.proxy == f"{url} ({named_by})"
    assert cluster.get(REF)
    assert server.asked == [("GET", f"http://api.invalid{PATH}/shop")]
    with pytest.raises(ClusterError) as raised:
        cluster.get(REF)
    assert f"asked through the proxy {url} ({named_by}): Bad Gateway" in raised.value.message


def test_a_proxy_in_the_way_is_named_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cret@127.0.0.1:9")
    with pytest.raises(ClusterError) as raised:
        remote(tmp_path).get(REF)
    said = raised.value.message
    assert "does not answer through the proxy http://127.0.0.1:9 (HTTP_PROXY): " in said
    assert "name the server's host in NO_PROXY" in said
    assert "s3cret" not in said
    monkeypatch.setenv("NO_PROXY", ".invalid")
    assert remote(tmp_path).proxy == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"apiVersion: v1\nclusters:\n- clu", b"\xff\xfe\x00", b"[1]", b"text", b"[" * 20_000, None],
)
@pytest.mark.parametrize("context", [None, "one"])
def test_a_damaged_kubeconfig_is_told_with_its_path_and_what_to_do(tmp_path, content, context):
    path = tmp_path / "damaged"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(
        LoopError, match=rf"^The kubeconfig {path} cannot be used: .* written anew by `make up`"
    ):
        KubernetesCluster({"kubeconfig": str(path), "context": context})


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kubeconfig": "{tmp}/none"}, "There is no kubeconfig {tmp}/none"),
        ({"kubeconfig": "{tmp}/config", "context": "x"}, "context is 'x', but the kubeconfig {tmp}/config"),
        ({"kubeconfig": "{tmp}/broken"}, "The kubeconfig {tmp}/broken cannot be used"),
        ({"kubeconfig": {"a": "b"}}, "The kubeconfig given as a dictionary cannot be used"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_cannot_be_used(tmp_path, params, said):
    kubeconfig(tmp_path)
    (tmp_path / "broken").write_text("{")
    filled = {
        option: value.format(tmp=tmp_path) if isinstance(value, str) else value
        for option, value in params.items()
    }
    with pytest.raises(LoopError) as raised:
        KubernetesCluster(filled)
    assert said.format(tmp=tmp_path) in raised.value.message


def test_a_dead_cluster_is_told_at_once(tmp_path):
    path = kubeconfig(tmp_path)
    with pytest.raises(ClusterError) as raised:
        KubernetesCluster({"kubeconfig": path}).get(REF)
    assert raised.value.message.startswith(f"The API server http://127.0.0.1:1 of {path}#one does not answer")
    assert raised.value.is_passing


def status(message, **details):
    return {"kind": "Status", "message": message, "details": details}


@pytest.mark.parametrize(
    ("answer", "said", "is_passing"),
    [
        ((404, b"404 page not found\n"), "Flux is not installed in the cluster of", False),
        ((401, status("Unauthorized")), "does not accept the credentials of", False),
        ((403, status("forbidden")), "Not allowed to read OCIRepository flux-system/shop", False),
        ((404, status("no", kind="namespaces", name="apps")), "there is no namespace apps", False),
        ((500, status("etcd is down")), "etcd is down", True),
        ((200, b"<html>"), "does not answer", True),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(server, tmp_path, answer, said, is_passing):
    server.answers = [answer]
    with pytest.raises(ClusterError) as raised:
        cluster_of(server, tmp_path).get(REF)
    assert said in raised.value.message
    assert raised.value.is_passing is is_passing


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were waited, though nobody did."""
    waited: list[float] = []
    monkeypatch.setattr(connection, "time", SimpleNamespace(sleep=waited.append))
    return waited


BUSY = (429, status("storage is (re)initializing"))


def test_what_was_turned_away_is_asked_again(server, tmp_path, waits):
    server.answers = [BUSY, BUSY, (200, {"metadata": {"name": "shop"}})]
    assert cluster_of(server, tmp_path).get(REF) == {"metadata": {"name": "shop"}}
    assert waits == [1.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "said"), [(BUSY, "storage is (re)initializing"), ((429, b""), "Too Many Requests")]
)
def test_a_server_that_turns_everything_away_is_told(server, tmp_path, waits, answer, said):
    server.answers = [answer] * 20
    with pytest.raises(ClusterError) as raised:
        cluster_of(server, tmp_path).get(REF)
    assert said in raised.value.message
    assert raised.value.is_passing
    assert len(server.asked) == len(waits) + 1 == connection.ATTEMPTS


def test_what_does_not_exist_is_no_error(server, tmp_path):
    gone = (404, status('ocirepositories "shop" not found', name="shop", kind="ocirepositories"))
    server.answers = [gone, gone]
    cluster = cluster_of(server, tmp_path)
    assert cluster.get(REF) is None
    cluster.delete(REF, dry_run=True)
    assert server.asked == [("GET", f"{PATH}/shop"), ("DELETE", f"{PATH}/shop?dryRun=All")]


def test_an_apply_that_creates_returns_the_object(server, tmp_path):
    server.answers = [(201, {"metadata": {"name": "shop"}})]
    body = {"metadata": {"name": "shop", "namespace": "flux-system"}}
    applied = cluster_of(server, tmp_path).apply(OCI_REPOSITORY, body, manager="m", dry_run=True)
    assert applied["metadata"]["name"] == "shop"
    [(method, path)] = server.asked
    assert (method, path.partition("?")[0]) == ("PATCH", f"{PATH}/shop")
    options = {"dryRun=All", "fieldManager=m", "fieldValidation=Strict", "force=False"}
    assert {
        entry.replace("force=false", "force=False") for entry in path.partition("?")[2].split("&")
    } == options


def test_kinds_of_a_version_and_none_where_it_is_not_served(server, tmp_path):
    resources = [
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
        {"name": "namespaces/status", "kind": "Namespace", "namespaced": False},
    ]
    server.answers = [
        (200, {"resources": resources}),
        (404, b"404 page not found\n"),
        (403, {"message": "no"}),
    ]
    cluster = KubernetesCluster({"kubeconfig": kubeconfig(tmp_path, server.server_port)})
    assert cluster.kinds("v1") == [
        Kind("", "v1", "configmaps", "ConfigMap"),
        Kind("", "v1", "namespaces", "Namespace", is_namespaced=False),
    ]
    assert cluster.kinds("example.org/v1") == []
    with pytest.raises(ClusterError, match="Not allowed to list the kinds of apps/v1"):
        cluster.kinds("apps/v1")
    assert [path for _method, path in server.asked] == ["/api/v1", "/apis/example.org/v1", "/apis/apps/v1"]


def test_a_dry_run_is_asked_for_as_one(server, tmp_path):
    server.answers = [(200, {"a": 1}), (200, {"a": 2})]
    cluster = KubernetesCluster({"kubeconfig": kubeconfig(tmp_path, server.server_port)})
    assert cluster.would_become(REF, {}, manager="me") == {"a": 1}
    item = {"metadata": {"name": "shop", "namespace": "flux-system"}}
    cluster.apply(OCI_REPOSITORY, item, manager="me", dry_run=True, force=True, is_strict=False)
    assert server.asked == [
        ("PUT", f"{PATH}/shop?fieldManager=me&dryRun=All"),
        ("PATCH", f"{PATH}/shop?fieldManager=me&dryRun=All&force=true&fieldValidation=Ignore"),
    ]


def test_conflicts_carry_their_causes(server, tmp_path):
    cause = {"message": 'conflict with "kubectl"', "field": ".spec.interval"}
    server.answers = [(409, status("Apply failed", causes=[cause]))]
    with pytest.raises(ClusterError) as raised:
        cluster_of(server, tmp_path).merge_patch(REF, {}, manager="m")
    assert (raised.value.status, raised.value.causes) == (409, [cause])


def test_listed_objects_say_what_they_are(server, tmp_path):
    server.answers = [
        (200, {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "shop"}}]})
    ]
    listing = cluster_of(server, tmp_path).list(OCI_REPOSITORY)
    assert listing.resource_version == "7"
    assert (listing.items[0]["kind"], listing.items[0]["apiVersion"]) == (
        "OCIRepository",
        "source.toolkit.fluxcd.io/v1",
    )


def test_a_watch_ends_with_the_servers_error(server, tmp_path):
    lines = [
        {"type": "MODIFIED", "object": {"metadata": {"name": "shop"}}},
        {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}},
    ]
    server.answers = [(200, b"\n".join(json.dumps(line).encode() for line in lines) + b"\n")]
    cluster = cluster_of(server, tmp_path)
    watch = iter(cluster.watch(OCI_REPOSITORY, "flux-system", resource_version="7", timeout_seconds=1))
    assert next(watch) == WatchEvent("MODIFIED", {"metadata": {"name": "shop"}})
    with pytest.raises(ClusterError, match="too old") as raised:
        next(watch)
    assert raised.value.is_passing


@pytest.mark.parametrize(("verbosity", "is_told"), [(0, False), (1, True)])
def test_the_kubeconfig_that_was_used_is_told_when_asked_to_be_verbose(tmp_path, verbosity, is_told):
    path = kubeconfig(tmp_path)
    module = SimpleNamespace(params={"kubeconfig": path}, no_log_values={path}, _verbosity=verbosity)
    result = on_cluster(module, lambda cluster: {"changed": False})
    assert result.get("kubeconfig_used") == (f"{path}#one" if is_told else None)
    assert module.no_log_values == set()


def test_a_kubeconfig_with_keys_stays_secret(tmp_path):
    kubeconfig(tmp_path)
    content = yaml.safe_load((tmp_path / "config").read_text())
    module = SimpleNamespace(params={"kubeconfig": content}, no_log_values={"key"}, _verbosity=0)
    on_cluster(module, lambda cluster: {})
    assert module.no_log_values == {"key"}
