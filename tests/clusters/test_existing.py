# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A kind cluster that somebody else has made: reached by its kubeconfig only, and given a registry."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from ansible_collections.gitops.flux_local.tests.clusters import lab
from ansible_collections.gitops.flux_local.tests.integration.loops import (
    Loop,
    Run,
    config_map,
    until,
    write,
)

pytestmark = pytest.mark.xdist_group("a cluster that exists")
HOSTING = "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"


@dataclass(frozen=True)
class Guest(Loop):
    """The roles registry and cluster, as somebody with a cluster of his own uses them."""

    def bring(self, *arguments: str, **variables: Any) -> Run:
        return self.tasks(
            [
                {"ansible.builtin.include_role": {"name": f"gitops.flux_local.{role}"}}
                for role in ("registry", "cluster")
            ],
            *arguments,
            **variables,
        )

    def leave(self, *arguments: str, **variables: Any) -> Run:
        """Remove what was brought; where the registry is has to be known for that."""
        port = json.loads((self.state_dir / "ports.json").read_text())["registry"] if self.has_state else 0
        absent: dict[str, Any] = {
            "registry_state": "absent",
            "registry_purge": True,
            "cluster_state": "absent",
        }
        absent["registry_endpoint"] = {
            "host": f"127.0.0.1:{port}",
            "cluster": f"{self.name}-registry:5000",
            "insecure": True,
        }
        roles = [
            {"ansible.builtin.include_role": {"name": f"gitops.flux_local.{role}"}}
            for role in ("cluster", "registry")
        ]
        return self.tasks(roles, *arguments, **{**absent, **variables})

    @property
    def has_state(self) -> bool:
        return (self.state_dir / "ports.json").exists()

    @property
    def api(self) -> client.ApiClient:
        api: client.ApiClient = config.new_client_from_config(self.variables["cluster_kubeconfig"])
        return api

    def hosts(self) -> list[str]:
        """The registries that containerd of the node has been told of."""
        return lab.docker(
            "exec", self.node, "sh", "-c", "ls /etc/containerd/certs.d 2>/dev/null || true"
        ).split()

    @property
    def node(self) -> str:
        core: Any = self.core
        [found] = core.list_node().items
        return str(found.metadata.name)

    def run_pod(self, name: str, image: str) -> None:
        """Have a Pod with that image, pulled anew, until it runs."""
        core: Any = self.core
        container = {"name": "main", "image": image, "imagePullPolicy": "Always"}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        until(lambda: core.read_namespaced_service_account("default", "default"), "a service account")
        core.create_namespaced_pod("default", {"metadata": {"name": name}, "spec": spec})
        try:
            until(lambda: core.read_namespaced_pod(name, "default").status.phase == "Running", f"{name} runs")
        finally:
            core.delete_namespaced_pod(name, "default")


def push_image(host: str, repository: str) -> str:
    """Push an image that runs; returns the name by which Pods have it."""
    image = f"{host}/{repository}"
    lab.docker("tag", lab.REGISTRY_IMAGE, image)
    try:
        lab.docker("push", "--quiet", image)
    finally:
        lab.docker("rmi", image)
    return image


@pytest.fixture(scope="module")
def made_by_hand(home, kind_options, tmp_path_factory):
    """The kubeconfig of a cluster that was made with the program kind and nothing else."""
    name = lab.new_name()
    folder = tmp_path_factory.mktemp("byhand")
    configuration = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"} | kind_options[
        "cluster_kind_config"
    ]
    (folder / "kind.yaml").write_text(yaml.safe_dump(configuration))
    image = ["--image", kind_options["cluster_kind_image"]] if "cluster_kind_image" in kind_options else []
    kubeconfig = folder / "kubeconfig"
    named = ["--name", name, "--kubeconfig", str(kubeconfig)]
    create = [lab.kind(), "create", "cluster", *named, "--config", str(folder / "kind.yaml"), *image]
    with lab.alone_with_kind(tmp_path_factory.getbasetemp().parent):
        subprocess.run(create, check=True)
    yield kubeconfig
    subprocess.run([lab.kind(), "delete", "cluster", *named], check=True)


@pytest.fixture
def guest(home, made_by_hand):
    found = Guest(
        lab.new_name(),
        home,
        {
            "cluster_provider": "existing",
            "cluster_kubeconfig": str(made_by_hand),
            "cluster_attach_registry": True,
            "registry_engine": "docker",
            "registry_network": "kind",
        },
    )
    yield found
    found.leave()
    lab.remove_all(found.name)


def test_a_registry_is_attached_to_a_node_that_runs_and_repaired(guest):
    started = lab.docker("inspect", "--format", "{{.State.StartedAt}}", guest.node)
    run = guest.bring("--check").succeeded()
    assert run.changed != []
    assert (guest.hosts(), guest.get(HOSTING)) == ([], None)

    run = guest.bring().succeeded()
    assert run.facts["cluster_connection"]["context"] == f"kind-{guest.node.removesuffix('-control-plane')}"
    host = run.facts["registry_endpoint"]["host"]
    port = host.rpartition(":")[2]
    assert sorted(guest.hosts()) == [f"127.0.0.1:{port}", f"localhost:{port}"]
    guest.run_pod("first", push_image(host, "shop/web:1"))
    guest.run_pod("by-its-other-name", f"localhost:{port}/shop/web:1")
    assert guest.get(HOSTING)["data"]["localRegistryHosting.v1"].startswith(f'host: "{host}"')
    assert guest.bring().succeeded().changed == []
    assert guest.bring("--check").succeeded().changed == []

    lab.docker("exec", guest.node, "rm", "-r", "/etc/containerd/certs.d")
    lab.docker("network", "disconnect", "kind", f"{guest.name}-registry")
    guest.core.delete_namespaced_config_map("local-registry-hosting", "kube-public")
    assert guest.bring().succeeded().changed != []
    guest.run_pod("after-the-repair", push_image(host, "shop/web:2"))
    assert guest.get(HOSTING)
    assert guest.bring().succeeded().changed == []

    assert guest.leave().succeeded().changed != []
    assert (guest.hosts(), guest.get(HOSTING)) == ([], None)
    assert guest.leave().succeeded().changed == []
    assert lab.docker("inspect", "--format", "{{.State.StartedAt}}", guest.node) == started


def test_a_registry_that_the_nodes_cannot_reach_is_refused(guest):
    run = guest.bring(registry_network="")
    run.refused("cluster_attach_registry", "127.0.0.1", "registry_network=kind", "registry_engine=docker")
    assert (guest.hosts(), guest.get(HOSTING)) == ([], None)


def test_nodes_that_are_no_containers_here_are_refused(guest):
    run = guest.bring(cluster_engine="podman")
    run.refused(
        "cluster_attach_registry", f"the nodes {guest.node} of the context", "podman", "cluster_engine"
    )
    assert (guest.hosts(), guest.get(HOSTING)) == ([], None)


def test_a_context_that_is_gone_is_no_hindrance_to_leave(guest, tmp_path):
    guest.bring().succeeded()
    (tmp_path / "none").write_text("{apiVersion: v1, kind: Config}")
    guest.leave(cluster_kubeconfig=str(tmp_path / "none")).succeeded()


def test_the_whole_loop_on_a_cluster_that_somebody_else_has_made(home, made_by_hand, tmp_path):
    whole = Guest(
        lab.new_name(),
        home,
        {
            "flux_local_provider": "existing",
            "cluster_kubeconfig": str(made_by_hand),
            "cluster_attach_registry": True,
        },
    )
    try:
        listed = [{"name": "shop", "path": str(write(tmp_path / "shop", shop=config_map("shop", text="1")))}]
        run = whole.up(workloads_list=listed)
        assert run.receipts["shop"]["ready"]
        assert (whole.config_map("shop") or {})["data"] == {"text": "1"}
        host = run.facts["registry_endpoint"]["host"]
        whole.run_pod("beside-flux", push_image(host, "shop/web:1"))
        assert whole.up(workloads_list=listed).changed == []

        write(tmp_path / "shop", shop=config_map("shop", text="2"))
        assert whole.push(*listed).succeeded().receipts["shop"]["ready"]
        assert (whole.config_map("shop") or {})["data"] == {"text": "2"}
    finally:
        whole.play("destroy", flux_local_purge=True).succeeded()
        lab.remove_all(whole.name)
    assert not whole.state_dir.exists()
    assert (whole.hosts(), whole.get(HOSTING)) == ([], None)
    assert whole.core.list_node().items
    # Uninstalling Flux keeps what it has applied.
    assert whole.config_map("shop")
