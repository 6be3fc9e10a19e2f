# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Decisions about an installation; a real API server is in tests/integration, real Pods in tests/clusters."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import POD
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.flux_install import run
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.lookup import BESIDE
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CRD,
    DEPLOYMENT,
    NAMESPACE,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster
from ansible_collections.gitops.flux_local.tests.unit.fakes.flux_published import published

SOURCE = ObjectRef(DEPLOYMENT, "flux-system", "source-controller")
CONTROLLER = ObjectRef(DEPLOYMENT, "flux-system", "kustomize-controller")
VERSIONS = {"flux": "2.9.5", "source-controller": "1.9.5", "kustomize-controller": "1.9.5"}


@dataclass
class LivingCluster(MemoryCluster):
    """Serves what is defined, and has what is deployed running, at once."""

    def put(self, ref, item):
        if ref.kind == CRD:
            item["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
        if ref.kind == DEPLOYMENT:
            wanted = item["spec"]["replicas"]
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
            item["status"] = {**counts, "observedGeneration": item["metadata"].get("generation", 1)}
        super().put(ref, item)

    @property
    def written(self):
        return [said for said in self.asked if said.split()[0] in ("apply", "patch", "delete")]


@pytest.fixture
def cluster():
    return LivingCluster()


@pytest.fixture
def flux(cluster, tmp_path):
    manifests = published(tmp_path)

    def call(state="present", *, check_mode=False, with_diff=False, **changes):
        params = {
            "state": state,
            "name": "one",
            "namespace": "flux-system",
            "manifests": manifests,
            "versions": VERSIONS,
            "images": {},
            "image_registry": "ghcr.io/fluxcd",
            "image_pull_secrets": [],
            "arguments": {},
            "network_policies": True,
            "adopt": False,
            "allow_downgrade": False,
            "delete_workloads": False,
            "timeout": 1,
        }
        cluster.asked.clear()
        return run(cluster, params | changes, check_mode=check_mode, with_diff=with_diff)

    return call


def test_an_installation_is_made_once(cluster, flux):
    first = flux()
    assert first["changed"]
    assert "Deployment flux-system/source-controller: created" in first["changes"]
    assert (first["owner"], first["namespace"], first["version"]) == ("ours", "flux-system", "v2.9.5")
    assert first["versions"] == {"source-controller": "1.9.5", "kustomize-controller": "1.9.5"}
    second = flux()
    assert (second["changed"], second["changes"]) == (False, [])


def test_the_namespace_comes_first_and_deployments_come_last(cluster, flux):
    flux()
    applied = [said.split()[1] for said in cluster.asked if said.startswith("apply")]
    assert applied[0] == "Namespace"
    assert applied[-2:] == ["Deployment", "Deployment"]
    assert "Deployment" not in applied[:-2]


def test_check_mode_predicts_and_writes_nothing(cluster, flux):
    predicted = flux(check_mode=True, with_diff=True)
    assert cluster.written == []
    assert cluster.objects == {}
    real = flux()
    assert sorted(predicted["changes"]) == sorted(real["changes"])
    assert predicted["diff"]["before"] == ""
    assert "kind: Deployment" in predicted["diff"]["after"]
    assert not flux(check_mode=True)["changed"]


def test_drift_is_healed_and_named(cluster, flux):
    flux()
    cluster.objects[CONTROLLER]["spec"]["replicas"] = 0
    predicted = flux(check_mode=True)
    assert predicted["changes"] == ["Deployment flux-system/kustomize-controller: spec.replicas: 0 -> 1"]
    assert flux()["changes"] == predicted["changes"]
    del cluster.objects[SOURCE]
    assert flux()["changes"] == ["Deployment flux-system/source-controller: created"]


def test_an_older_one_is_upgraded_in_place(cluster, flux):
    flux(versions=VERSIONS | {"flux": "2.9.4", "source-controller": "1.9.4"})
    upgraded = flux()
    assert any("v1.9.4" in change and "v1.9.5" in change for change in upgraded["changes"])
    assert upgraded["version"] == "v2.9.5"


def test_a_newer_one_is_replaced_only_when_that_is_allowed(cluster, flux):
    flux()
    older = VERSIONS | {"flux": "2.9.4", "source-controller": "1.9.4"}
    with pytest.raises(LoopError) as raised:
        flux(versions=older)
    assert "Flux 2.9.5 would become 2.9.4" in raised.value.message
    assert "source-controller 1.9.5 would become 1.9.4" in raised.value.message
    assert "flux_allow_downgrade" in raised.value.message
    assert cluster.written == []
    assert flux(versions=older, allow_downgrade=True)["version"] == "v2.9.4"


def make_foreign(cluster):
    for item in cluster.objects.values():
        item["metadata"]["labels"].pop("app.kubernetes.io/managed-by", None)
        item["metadata"]["annotations"].clear()


def test_what_somebody_else_installed_is_used_and_left_alone(cluster, flux):
    flux(namespace="gitops")
    make_foreign(cluster)
    before = copy.deepcopy(cluster.objects)
    for state in ("present", "stopped", "absent"):
        used = flux(state)
        assert (used["changed"], used["owner"], used["namespace"]) == (False, "foreign", "gitops")
    assert cluster.objects == before


def test_it_is_taken_over_when_told_to(cluster, flux):
    flux()
    make_foreign(cluster)
    adopted = flux(adopt=True)
    assert (adopted["changed"], adopted["owner"]) == (True, "ours")
    assert not flux()["changed"]


def test_another_loop_is_somebody_else(cluster, flux):
    flux(name="other")
    assert flux()["owner"] == "foreign"
    assert flux("absent")["changed"] is False
    assert flux("absent", name="other")["changed"] is True


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda objects: objects.pop(CONTROLLER), "kustomize-controller is not there"),
        (lambda objects: objects[SOURCE]["spec"].update(replicas=0), "source-controller is scaled to 0"),
        (
            lambda objects: objects.pop(ObjectRef(CRD, "", "ocirepositories.source.toolkit.fluxcd.io")),
            "OCIRepository as nothing, and v1 is needed",
        ),
    ],
)
def test_what_somebody_else_installed_but_cannot_be_used(cluster, flux, break_it, said):
    flux()
    make_foreign(cluster)
    break_it(cluster.objects)
    with pytest.raises(LoopError) as raised:
        flux()
    assert said in raised.value.message
    assert "flux_adopt=true" in raised.value.message
    assert cluster.written == []


def test_two_installations_are_an_error(cluster, flux):
    flux(namespace="gitops")
    make_foreign(cluster)
    other = copy.deepcopy(cluster.objects)
    cluster.objects.clear()
    flux()
    cluster.objects |= {ref: item for ref, item in other.items() if ref.kind == DEPLOYMENT}
    with pytest.raises(LoopError, match="two installations"):
        flux()


def test_it_does_not_move_to_another_namespace(cluster, flux):
    flux()
    with pytest.raises(LoopError, match="flux_namespace is gitops, but Flux is in namespace flux-system"):
        flux(namespace="gitops")
    assert cluster.written == []


def test_leftovers_of_somebody_else_are_an_error(cluster, flux):
    flux()
    make_foreign(cluster)
    del cluster.objects[SOURCE], cluster.objects[CONTROLLER]
    with pytest.raises(LoopError) as raised:
        flux()
    assert "CustomResourceDefinition ocirepositories.source.toolkit.fluxcd.io" in raised.value.message
    assert cluster.written == []
    assert flux(adopt=True)["owner"] == "ours"


def test_a_namespace_that_is_there_is_used_as_it_is(cluster, flux):
    ref = ObjectRef(NAMESPACE, "", "flux-system")
    cluster.put(
        ref, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}, "spec": {}}
    )
    before = copy.deepcopy(cluster.objects[ref])
    flux()
    assert cluster.objects[ref] == before
    flux("absent", delete_workloads=True)
    assert cluster.objects[ref] == before


def test_a_namespace_that_is_being_deleted(cluster, flux):
    flux()
    cluster.objects[ObjectRef(NAMESPACE, "", "flux-system")]["metadata"]["deletionTimestamp"] = "now"
    with pytest.raises(LoopError, match=r"Namespace flux-system of .* is being deleted"):
        flux()
    assert cluster.written == []


def test_processes_beside_the_cluster_are_used(cluster, flux):
    flux()
    for ref in [each for each in cluster.objects if each.kind != CRD]:
        del cluster.objects[ref]
    binding = {"metadata": {"name": BESIDE.name}, "kind": "ClusterRoleBinding"}
    cluster.put(BESIDE, binding)
    used = flux()
    assert (used["mode"], used["owner"], used["changed"]) == ("processes", "foreign", False)


def test_all_missing_permissions_are_named_before_anything_is_changed(cluster, flux):
    def answer(spec):
        if not spec:
            return {"userInfo": {"username": "jane"}}
        asked = spec["resourceAttributes"]
        forbidden = (("create", "customresourcedefinitions"), ("patch", "deployments"), ("*", "*"))
        return {"allowed": (asked["verb"], asked["resource"]) not in forbidden}

    cluster.answer = answer
    with pytest.raises(LoopError) as raised:
        flux()
    assert raised.value.details["missing_permissions"] == [
        "create customresourcedefinitions.apiextensions.k8s.io",
        "patch deployments.apps in namespace flux-system",
    ]
    assert (
        "create customresourcedefinitions.apiextensions.k8s.io; patch deployments.apps"
        in raised.value.message
    )
    assert "that jane lacks" in raised.value.message
    assert cluster.objects == {}


def test_stopped_and_started_again(cluster, flux):
    flux()
    stopped = flux("stopped")
    assert sorted(stopped["changes"]) == [
        "Deployment flux-system/kustomize-controller: spec.replicas: 1 -> 0",
        "Deployment flux-system/source-controller: spec.replicas: 1 -> 0",
    ]
    assert not flux("stopped")["changed"]
    assert flux()["changed"]
    assert cluster.objects[SOURCE]["spec"]["replicas"] == 1
    assert flux("stopped", check_mode=True)["changed"]
    assert cluster.written == []


def a_kustomization(cluster):
    ref = ObjectRef(KUSTOMIZATION, "apps", "shop")
    metadata = {"name": "shop", "namespace": "apps", "finalizers": ["finalizers.fluxcd.io"]}
    cluster.put(ref, {"apiVersion": KUSTOMIZATION.api_version, "kind": "Kustomization", "metadata": metadata})
    return ref


def test_uninstalling_keeps_workloads_and_namespace(cluster, flux):
    flux()
    shop = a_kustomization(cluster)
    other = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "x"},
        "rules": [],
    }
    cluster.put(ObjectRef(CLUSTER_ROLE, "", "x"), other)
    assert flux("absent", check_mode=True)["changed"]
    assert cluster.written == []
    removed = flux("absent")
    assert "Deployment flux-system/source-controller: deleted" in removed["changes"]
    assert removed["owner"] == "none"
    # In a real cluster, Kustomizations go with their definition.
    assert {str(ref) for ref in cluster.objects} == {"Namespace flux-system", str(shop), "ClusterRole x"}
    assert cluster.objects[shop]["metadata"]["finalizers"] is None
    assert not flux("absent")["changed"]


def test_the_controllers_end_before_finalizers_are_taken(cluster, flux):
    flux()
    shop = a_kustomization(cluster)
    flux("absent")
    order = [said for said in cluster.asked if said.startswith(("delete", "patch", f"list {POD.plural}"))]
    assert order.index(f"patch {shop}") > order.index(f"delete {CONTROLLER}")
    assert order.index(f"patch {shop}") > max(
        at for at, said in enumerate(order) if said.startswith("list pods")
    )


def test_uninstalling_with_workloads_prunes_first(cluster, flux):
    flux()
    shop = a_kustomization(cluster)
    flux("absent", delete_workloads=True)
    deleted = [said for said in cluster.asked if said.startswith("delete")]
    assert deleted[0] == f"delete {shop}"
    assert cluster.objects == {}


def test_workloads_are_not_deleted_by_a_flux_that_does_not_run(cluster, flux):
    flux()
    flux("stopped")
    a_kustomization(cluster)
    with pytest.raises(LoopError, match="flux_delete_workloads is true, but Flux is not running"):
        flux("absent", delete_workloads=True)
    assert cluster.written == []


def test_an_unknown_controller_is_named(flux):
    with pytest.raises(LoopError, match="helm-controller"):
        flux(images={"helm-controller": "x"})


def test_who_sees_one_namespace_only_uses_the_flux_there(cluster, flux, monkeypatch):
    flux()
    make_foreign(cluster)
    listing = cluster.list

    def refuse(kind, namespace=None, **selectors):
        if kind == DEPLOYMENT and namespace is None:
            raise ClusterError("forbidden", 403)
        return listing(kind, namespace, **selectors)

    monkeypatch.setattr(cluster, "list", refuse)
    assert flux()["owner"] == "foreign"
    assert CLUSTER_ROLE_BINDING.plural not in " ".join(cluster.written)
