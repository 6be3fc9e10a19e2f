# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux installed in a cluster: the real API server, and nodes that are simulated, on which Pods become ready.

What needs Flux itself to run there is in tests/clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import Loop, Run, config_map, until
from ansible_collections.gitops.flux_local.tests.integration.other_flux import (
    CONTROLLERS,
    JSON,
    MANIFESTS,
    MERGE,
    STRATEGIC_MERGE,
    install_by_others,
    send,
)

NAMESPACED = "/apis/apps/v1/namespaces/{}/deployments"
DEPLOYMENTS = NAMESPACED.format("flux-system")
IMAGES = {name: f"ghcr.io/fluxcd/{name}:v1.9.4" for name in CONTROLLERS}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Cluster(Loop):
    """A cluster without Flux, and the role flux in a playbook of one's own, as on a cluster that exists."""

    binaries: dict[str, Any]

    def create(self) -> None:
        roles = [
            {"ansible.builtin.include_role": {"name": f"gitops.flux_local.{role}"}}
            for role in ("binaries", "cluster")
        ]
        manifests = {
            "ansible.builtin.include_role": {"name": "gitops.flux_local.binaries"},
            "vars": {"binaries_programs": list(MANIFESTS)},
        }
        object.__setattr__(
            self, "binaries", self.tasks([*roles, manifests]).succeeded().facts["binaries_paths"]
        )

    def flux(self, *arguments: str, **variables: Any) -> Run:
        connection = {"provider": "existing", "kubeconfig": str(self.kubeconfig), "context": ""}
        options = {"flux_connection": connection, "flux_binaries": self.binaries, **variables}
        role = {"ansible.builtin.include_role": {"name": "gitops.flux_local.flux"}, "vars": options}
        return self.tasks([role], *arguments)

    def install(self, **options: Any) -> Run:
        """The module itself, with options that the role does not have."""
        manifests = {name: self.binaries[entry]["manifests"] for entry, name in MANIFESTS.items()}
        versions = {name: self.binaries[entry]["version"] for entry, name in MANIFESTS.items()}
        module = {"name": self.name, "manifests": manifests, "versions": versions, **options}
        return self.tasks([{"gitops.flux_local.flux_install": module}])

    def older(self) -> dict[str, Any]:
        """The manifests under the versions that were before."""
        versions = dict(zip(MANIFESTS, ("2.9.4", "1.9.4", "1.9.4"), strict=True))
        return {name: {**self.binaries[name], "version": version} for name, version in versions.items()}

    def deployment(self, name: str, namespace: str = "flux-system") -> dict[str, Any] | None:
        return self.get(f"{NAMESPACED.format(namespace)}/{name}")

    def container(self, name: str) -> dict[str, Any]:
        found = self.deployment(name)
        assert found is not None
        container: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
        return container

    def send(self, method: str, path: str, body: Any = None, media_type: str = JSON) -> Any:
        return send(self, method, path, body, media_type)

    def install_by_others(self, namespace: str) -> None:
        install_by_others(self, self.binaries, namespace, IMAGES)
        until(lambda: all(self.is_available(name, namespace) for name in CONTROLLERS), "Flux is available")

    def left_of_flux(self) -> list[str]:
        listed = [self.get(path) for path in (CRDS, "/api/v1/namespaces")]
        names = [item["metadata"]["name"] for each in listed if each for item in each["items"]]
        return [name for name in names if "flux" in name or name == "gitops"]

    def is_available(self, name: str, namespace: str = "flux-system") -> bool:
        found = self.deployment(name, namespace)
        return bool(found and found.get("status", {}).get("availableReplicas"))

    def versions_of_all(self) -> dict[str, str]:
        """What changes when anything of an installation is written."""
        paths = (
            CRDS,
            f"{RBAC}/clusterroles",
            "/api/v1/namespaces",
            "/api/v1/services",
        )
        listed = [self.get(path) for path in paths]
        deployments = self.get("/apis/apps/v1/deployments")
        assert deployments is not None
        found = [item for each in listed if each for item in each["items"]]
        versions = {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in found}
        return versions | {
            item["metadata"]["uid"]: str(item["metadata"]["generation"]) for item in deployments["items"]
        }


@pytest.fixture(scope="module")
def bare(home) -> Iterator[Cluster]:
    """A cluster without Flux."""
    made = Cluster("ohne Flux", home, {"flux_local_provider": "embedded"})
    try:
        made.create()
        yield made
    finally:
        made.purge()
    assert not made.processes()


@pytest.fixture
def cluster(bare: Cluster) -> Iterator[Cluster]:
    """The cluster of all tests, in which nothing is left of Flux after each."""
    yield bare
    for path in (CRDS, f"{RBAC}/clusterroles", f"{RBAC}/clusterrolebindings"):
        bare.send("DELETE", f"{path}?labelSelector=app.kubernetes.io/part-of=flux")
    for name in ("flux-system", "gitops"):
        if bare.get(f"/api/v1/namespaces/{name}"):
            # A namespace is looked at every five seconds while it ends: by the first look its Pods are gone.
            bare.send("DELETE", NAMESPACED.format(name))
            bare.send("DELETE", f"/api/v1/namespaces/{name}")
    until(lambda: not bare.left_of_flux(), "nothing is left of Flux")


def changes(run: Run) -> list[str]:
    return [change for _name, result in run.results for change in result.get("changes", [])]


def test_flux_is_installed_once_as_flux_ships_it(cluster):
    predicted = cluster.flux("--check", "--diff").succeeded()
    assert cluster.get("/api/v1/namespaces/flux-system") is None
    run = cluster.flux().succeeded()
    assert sorted(changes(predicted)) == sorted(changes(run))
    status = run.facts["flux_status"]
    assert (status["mode"], status["owner"], status["namespace"]) == ("deployments", "ours", "flux-system")
    assert status["versions"] == dict.fromkeys(CONTROLLERS, "1.9.5")

    for name in CONTROLLERS:
        container = cluster.container(name)
        assert container["image"] == f"ghcr.io/fluxcd/{name}:v1.9.5"
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["runAsNonRoot"]
        assert container["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
        assert "--events-addr=" in container["args"]
        assert not any(argument.startswith("--concurrent") for argument in container["args"])
    policies = cluster.get("/apis/networking.k8s.io/v1/namespaces/flux-system/networkpolicies")
    assert {item["metadata"]["name"] for item in policies["items"]} == {
        "allow-egress",
        "allow-scraping",
        "allow-webhooks",
    }
    binding = cluster.get(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/cluster-reconciler-flux-system"
    )
    assert binding["roleRef"]["name"] == "cluster-admin"

    before = cluster.versions_of_all()
    again = cluster.flux().succeeded()
    assert again.changed == []
    assert cluster.flux("--check", "--diff").succeeded().changed == []
    assert cluster.versions_of_all() == before


def test_options_become_part_of_the_deployments(cluster):
    cluster.flux(
        flux_namespace="gitops",
        flux_fast=True,
        flux_concurrency=3,
        flux_image_registry="127.0.0.1:1/mirror",
        flux_images={"source-controller": "127.0.0.1:1/s@sha256:" + "0" * 64},
        flux_image_pull_secrets=["mirror"],
        flux_network_policies=False,
    ).succeeded()
    source = cluster.deployment("source-controller", "gitops")["spec"]["template"]["spec"]
    assert source["containers"][0]["image"] == "127.0.0.1:1/s@sha256:" + "0" * 64
    assert "--concurrent=3" in source["containers"][0]["args"]
    assert source["imagePullSecrets"] == [{"name": "mirror"}]
    kustomize = cluster.deployment("kustomize-controller", "gitops")["spec"]["template"]["spec"]
    assert kustomize["containers"][0]["image"] == "127.0.0.1:1/mirror/kustomize-controller:v1.9.5"
    assert "--requeue-dependency=500ms" in kustomize["containers"][0]["args"]
    assert cluster.get("/apis/networking.k8s.io/v1/namespaces/gitops/networkpolicies")["items"] == []
    cluster.flux().refused("flux_namespace is flux-system, but Flux is in namespace gitops")


def test_drift_is_named_and_healed(cluster):
    cluster.flux().succeeded()
    cluster.send("DELETE", f"{DEPLOYMENTS}/source-controller")
    containers = [{"name": "manager", "args": ["--log-level=debug"]}]
    spec = {
        "replicas": 0,
        "template": {"metadata": {"annotations": {"by": "hand"}}, "spec": {"containers": containers}},
    }
    path = f"{DEPLOYMENTS}/kustomize-controller?fieldManager=kubectl-edit"
    cluster.send("PATCH", path, {"spec": spec}, STRATEGIC_MERGE)

    predicted = cluster.flux("--check", "--diff").succeeded()
    assert cluster.deployment("source-controller") is None
    healed = cluster.flux().succeeded()
    assert sorted(changes(healed)) == sorted(changes(predicted))
    assert "Deployment flux-system/source-controller: created" in changes(healed)
    assert "Deployment flux-system/kustomize-controller: spec.replicas: 0 -> 1" in changes(healed)
    assert "--enable-leader-election" in cluster.container("kustomize-controller")["args"]
    kept = cluster.deployment("kustomize-controller")["spec"]["template"]["metadata"]["annotations"]
    assert kept["by"] == "hand"
    assert cluster.flux().succeeded().changed == []


def test_upgraded_in_place_and_never_downgraded_by_accident(cluster):
    cluster.flux(flux_binaries=cluster.older()).succeeded()
    uids = [cluster.deployment(name)["metadata"]["uid"] for name in CONTROLLERS]
    upgraded = cluster.flux().succeeded()
    assert upgraded.facts["flux_status"]["versions"] == dict.fromkeys(CONTROLLERS, "1.9.5")
    assert [cluster.deployment(name)["metadata"]["uid"] for name in CONTROLLERS] == uids
    crd = cluster.get(f"{CRDS}/kustomizations.kustomize.toolkit.fluxcd.io")
    assert crd["metadata"]["labels"]["app.kubernetes.io/version"] == "v2.9.5"

    before = cluster.versions_of_all()
    cluster.flux(flux_binaries=cluster.older()).refused(
        "Flux 2.9.5 would become 2.9.4",
        "source-controller 1.9.5 would become 1.9.4",
        "flux_allow_downgrade=true",
    )
    assert cluster.versions_of_all() == before
    down = cluster.flux(flux_binaries=cluster.older(), flux_allow_downgrade=True).succeeded()
    assert down.facts["flux_status"]["versions"] == dict.fromkeys(CONTROLLERS, "1.9.4")


def test_what_somebody_else_installed_is_used_left_alone_or_taken_over(cluster):
    cluster.install_by_others("gitops")
    before = cluster.versions_of_all()
    run = cluster.flux().succeeded()
    assert run.changed == []
    status = run.facts["flux_status"]
    assert (status["owner"], status["namespace"], status["mode"]) == ("foreign", "gitops", "deployments")
    assert status["versions"] == dict.fromkeys(CONTROLLERS, "1.9.4")
    for state in ("stopped", "absent"):
        left = cluster.flux(flux_state=state, flux_delete_workloads=True).succeeded()
        assert left.changed == []
        assert "is not of this loop, it is left as it is" in str(left.results)
    assert cluster.versions_of_all() == before

    cluster.send(
        "PATCH", f"{NAMESPACED.format('gitops')}/source-controller", {"spec": {"replicas": 0}}, MERGE
    )
    refused = (
        "in namespace gitops",
        "source-controller is scaled to 0",
        "flux_adopt=true, flux_namespace=gitops",
    )
    cluster.flux().refused(*refused)

    cluster.flux(flux_adopt=True).refused("Set flux_namespace=gitops")
    adopted = cluster.flux(flux_adopt=True, flux_namespace="gitops").succeeded()
    assert adopted.facts["flux_status"]["owner"] == "ours"
    assert adopted.facts["flux_status"]["versions"] == dict.fromkeys(CONTROLLERS, "1.9.5")
    assert cluster.flux(flux_namespace="gitops").succeeded().changed == []


def test_what_somebody_else_left_is_not_overwritten(cluster):
    cluster.install_by_others("flux-system")
    for name in CONTROLLERS:
        cluster.send("DELETE", f"{DEPLOYMENTS}/{name}")
    before = cluster.versions_of_all()
    cluster.flux().refused(
        "CustomResourceDefinition kustomizations.kustomize.toolkit.fluxcd.io", "flux_adopt=true"
    )
    assert cluster.versions_of_all() == before


def test_two_loops_do_not_take_each_other_s_flux(cluster):
    cluster.flux(flux_name="first").succeeded()
    second = cluster.flux(flux_name="second").succeeded()
    assert (second.changed, second.facts["flux_status"]["owner"]) == ([], "foreign")
    assert cluster.flux(flux_name="second", flux_state="absent").succeeded().changed == []
    assert cluster.is_available("source-controller")
    assert cluster.flux(flux_name="first", flux_state="absent").succeeded().changed


def test_uninstalling_leaves_what_workloads_brought(cluster):
    cluster.flux().succeeded()
    cluster.send("POST", "/api/v1/namespaces/default/configmaps", config_map("brought", text="1"))
    own = {**config_map("kept"), "metadata": {"name": "kept", "namespace": "flux-system"}}
    cluster.send("POST", "/api/v1/namespaces/flux-system/configmaps", own)
    kustomization = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "shop", "namespace": "default", "finalizers": ["finalizers.fluxcd.io"]},
        "spec": {"interval": "1h", "prune": True, "sourceRef": {"kind": "OCIRepository", "name": "shop"}},
    }
    path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/default/kustomizations"
    cluster.send("POST", path, kustomization)

    assert cluster.flux("--check", flux_state="absent").succeeded().changed
    assert cluster.is_available("source-controller")
    removed = cluster.flux(flux_state="absent").succeeded()
    assert "CustomResourceDefinition kustomizations.kustomize.toolkit.fluxcd.io: deleted" in changes(removed)
    assert cluster.get("/apis/kustomize.toolkit.fluxcd.io/v1") is None
    assert cluster.get(DEPLOYMENTS)["items"] == []
    assert [item["metadata"]["name"] for item in cluster.get(CRDS)["items"]] == []
    assert cluster.config_map("brought")
    assert cluster.config_map("kept", "flux-system")
    assert cluster.flux(flux_state="absent").succeeded().changed == []
    cluster.send("DELETE", "/api/v1/namespaces/default/configmaps/brought")


def test_stopped_and_started(cluster):
    cluster.flux().succeeded()
    stopped = cluster.flux(flux_state="stopped").succeeded()
    assert len(changes(stopped)) == len(CONTROLLERS)
    assert cluster.get("/api/v1/namespaces/flux-system/pods")["items"] == []
    assert cluster.flux(flux_state="stopped").succeeded().changed == []
    cluster.flux().succeeded()
    assert cluster.is_available("kustomize-controller")


def allow(cluster: Cluster, user: str, *rules: tuple[str, str, list[str]]) -> None:
    """Give a user a role of (group, resources, verbs)."""
    listed = [
        {"apiGroups": [group], "resources": resources.split(), "verbs": verbs}
        for group, resources, verbs in rules
    ]
    role = {"metadata": {"name": user}, "rules": listed}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    binding = {"metadata": {"name": user}, "roleRef": reference, "subjects": [subject]}
    cluster.send("POST", f"{RBAC}/clusterroles", role)
    cluster.send("POST", f"{RBAC}/clusterrolebindings", binding)


def test_all_permissions_that_lack_are_named_at_once(cluster):
    write = ["get", "list", "watch", "create", "patch"]
    allow(cluster, "jane", ("apps", "deployments", write), ("", "namespaces pods services", write))
    before = cluster.versions_of_all()
    run = cluster.install(impersonate_user="jane").refused(
        "To install Flux needs permissions that jane lacks",
        "get, create, patch, list, watch customresourcedefinitions.apiextensions.k8s.io",
        "get, create, patch serviceaccounts in namespace flux-system",
        "get, create, patch networkpolicies.networking.k8s.io in namespace flux-system",
        "bind clusterroles.rbac.authorization.k8s.io cluster-admin",
        "Nothing has been changed",
    )
    assert "deployments" not in run.message
    assert "get, create, patch services" not in run.message
    cluster.install(impersonate_user="nobody").refused(
        "get, create, patch, list, watch deployments.apps in namespace flux-system",
        "get, create, patch namespaces",
        "list pods in namespace flux-system",
    )
    assert cluster.versions_of_all() == before


def test_who_may_do_no_more_than_it_takes_installs_flux(cluster):
    write = ["get", "list", "watch", "create", "patch", "delete"]
    allow(
        cluster,
        "mary",
        ("apps", "deployments", write),
        ("", "namespaces pods services serviceaccounts resourcequotas", write),
        ("apiextensions.k8s.io", "customresourcedefinitions", write),
        ("networking.k8s.io", "networkpolicies", write),
        ("rbac.authorization.k8s.io", "clusterrolebindings", write),
        ("rbac.authorization.k8s.io", "clusterroles", [*write, "bind", "escalate"]),
    )
    assert cluster.install(impersonate_user="mary").succeeded().changed
    assert cluster.install(impersonate_user="mary").succeeded().changed == []


def test_a_namespace_that_is_being_deleted(cluster):
    cluster.send("POST", "/api/v1/namespaces", {"metadata": {"name": "flux-system"}})
    held = {"metadata": {"name": "held", "namespace": "flux-system", "finalizers": ["tests.example/held"]}}
    cluster.send("POST", "/api/v1/namespaces/flux-system/configmaps", held)
    cluster.send("DELETE", "/api/v1/namespaces/flux-system")
    cluster.flux().refused("Namespace flux-system of", "is being deleted", "Nothing has been changed")
    assert cluster.get(f"{CRDS}")["items"] == []
    released = {"metadata": {"finalizers": None}}
    cluster.send("PATCH", "/api/v1/namespaces/flux-system/configmaps/held", released, MERGE)


def test_flux_does_not_run_on_simulated_nodes(cluster):
    cluster.flux(
        flux_mode="deployments",
        flux_connection={"provider": "embedded", "kubeconfig": str(cluster.kubeconfig)},
    ).refused("flux_mode is deployments, but the nodes of an embedded cluster are simulated")
