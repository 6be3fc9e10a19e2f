# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubeconfig import (
    is_own_address,
    looks_local,
    read_context,
    run,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError


@pytest.fixture
def written(tmp_path):
    def write(name: str, current: str = "", **servers: str) -> str:
        path = tmp_path / name
        content = {
            "current-context": current,
            "contexts": [{"name": one, "context": {"cluster": f"of-{one}"}} for one in servers],
            "clusters": [
                {"name": f"of-{one}", "cluster": {"server": url} if url else {}}
                for one, url in servers.items()
            ],
        }
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return write


def test_the_current_context_or_the_one_that_is_named(written):
    path = written("config", "b", a="https://127.0.0.1:1", b="https://b.example.com")
    found = read_context(path, "", {})
    assert (found.name, found.server, found.contexts) == ("b", "https://b.example.com", ["a", "b"])
    assert read_context(path, "a", {}).server == "https://127.0.0.1:1"


def test_of_several_files_the_first_counts_and_those_that_lack_do_not(written, tmp_path):
    first = written("first", "", a="https://first")
    second = written("second", "b", a="https://second", b="https://b")
    paths = os.pathsep.join([str(tmp_path / "lacks"), first, second])
    assert read_context(paths, "", {}).name == "b"
    assert read_context(paths, "a", {}).server == "https://first"
    assert read_context(paths, "a", {}).kubeconfig == paths


def test_without_options_the_environment_is_as_for_kubernetes_core(written):
    one, other = written("one", "a", a="https://one"), written("other", "a", a="https://other")
    assert read_context("", "", {"KUBECONFIG": one}).server == "https://one"
    assert read_context("", "", {"K8S_AUTH_KUBECONFIG": other, "KUBECONFIG": one}).kubeconfig == other
    with pytest.raises(LoopError, match="has no context z"):
        read_context("", "", {"KUBECONFIG": one, "K8S_AUTH_CONTEXT": "z"})


def test_a_kubeconfig_that_is_named_says_everything(written):
    one, other = written("one", "a", a="https://one"), written("other", "a", a="https://other")
    hostile = {"K8S_AUTH_HOST": "https://host", "K8S_AUTH_CONTEXT": "z", "K8S_AUTH_KUBECONFIG": other}
    assert read_context(one, "", {**hostile, "KUBECONFIG": other}) == read_context(one, "", {})


def test_variables_that_lead_elsewhere_than_the_kubeconfig_are_refused(written):
    environment = {"KUBECONFIG": written("one", "a", a="https://one"), "K8S_AUTH_CONTEXT": "a"}
    assert read_context("", "", {**environment, "K8S_AUTH_HOST": ""}).server == "https://one"
    environment |= {"K8S_AUTH_HOST": "https://host", "K8S_AUTH_API_KEY": "s3cret"}
    with pytest.raises(LoopError) as refused:
        read_context("", "", environment)
    assert "the environment has K8S_AUTH_API_KEY, K8S_AUTH_HOST" in refused.value.message
    assert "Unset them, or name a kubeconfig with" in refused.value.message
    assert "s3cret" not in refused.value.message


def test_paths_are_the_same_wherever_a_run_starts(written, tmp_path, monkeypatch):
    path = written("config", "a", a="https://one")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = os.pathsep.join(["config", "~/config"])
    assert read_context("", "", {"KUBECONFIG": paths}).kubeconfig == os.pathsep.join([path, path])


def test_the_proxy_to_a_remote_server_is_told(written):
    path = written("config", "a", a="https://api.example.com", b="https://127.0.0.1:6443")
    environment = {"HTTPS_PROXY": "http://me:s3cret@proxy:3128"}
    for context, expected in (("a", "http://proxy:3128 (HTTPS_PROXY)"), ("b", "")):
        options = {"kubeconfig": path, "context": context}
        found = run(options, environment=environment, owns=lambda _host: False)
        assert found["proxy"] == expected


def test_what_lacks_is_said_with_what_there_is(written, tmp_path):
    path = written("config", "", **{"kind-shop": "https://127.0.0.1:1", "staging": "", "b": "https://b"})
    cases = {
        "gone": f"context: the kubeconfig {path} has no context gone: it has b, kind-shop, staging",
        "": f"context: the kubeconfig {path} says no current context, and it has b, kind-shop, staging.",
        "staging": f"context: the kubeconfig {path} names no server for the cluster of its context staging.",
    }
    for context, said in cases.items():
        with pytest.raises(LoopError) as error:
            read_context(path, context, {})
        assert said in error.value.message
    with pytest.raises(LoopError, match=f"kubeconfig: there is no file {tmp_path}/none"):
        read_context(f"{tmp_path}/none", "", {})
    for content in ("secret: [", "secret: " + "[" * 5_000 + "]" * 5_000):
        (tmp_path / "broken").write_text(content)
        with pytest.raises(LoopError, match="cannot be read: it is no YAML") as error:
            read_context(f"{tmp_path}/broken", "", {})
        assert "secret" not in error.value.message


LOCAL = [
    ("https://127.0.0.1:41123", "anything"),
    ("https://[::1]:6443", "anything"),
    ("https://0.0.0.0:6550", "k3d-shop"),
    ("https://localhost:6443", "anything"),
    ("https://kubernetes.docker.internal:6443", "docker-desktop"),
    ("https://shop-control-plane:6443", "shop"),
    ("https://k3d-shop-serverlb:6443", "shop"),
    ("https://192.168.49.2:8443", "minikube"),
    ("https://172.18.0.2:6443", "kind-shop"),
    ("https://lima:6443", "colima"),
    ("192.0.2.7:6443", "anything"),
]
REMOTE = [
    ("https://[::1", "kind-shop"),
    ("https://api.example.com:6443", "kind-shop"),
    ("https://8.8.8.8", "kind-shop"),
    ("https://10.1.2.3:6443", "prod"),
    ("https://k8s:6443", "prod"),
    ("https://localhost.example.com", "minikube"),
    ("https://127.0.0.1.example.com", "minikube"),
    ("https://0123456789.gr7.eu-central-1.eks.example.com", "docker-desktop"),
    ("", "kind-shop"),
]


@pytest.mark.parametrize(("server", "context"), LOCAL)
def test_what_looks_local(server, context):
    assert looks_local(server, context, lambda address: address == "192.0.2.7")


@pytest.mark.parametrize(("server", "context"), REMOTE)
def test_what_does_not(server, context):
    assert not looks_local(server, context, lambda _address: False)


def test_the_machine_s_own_addresses():
    assert is_own_address("127.0.0.1")
    assert not is_own_address("192.0.2.7")


def test_what_the_module_returns(written):
    path = written("config", "kind-shop", **{"kind-shop": "https://172.18.0.2:6443"})
    assert run({"kubeconfig": path, "context": None}, environment={}, owns=lambda _address: False) == {
        "changed": False,
        "kubeconfig": path,
        "context": "kind-shop",
        "contexts": ["kind-shop"],
        "server": "https://172.18.0.2:6443",
        "proxy": "",
        "looks_local": True,
    }
