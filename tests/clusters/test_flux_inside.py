# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux's controllers as Pods of a real cluster; what needs no Pod to run is in tests/integration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from ansible_collections.gitops.flux_local.tests.clusters.lab import KindLoop
from ansible_collections.gitops.flux_local.tests.integration.loops import (
    NEVER,
    Run,
    config_map,
    write,
)
from ansible_collections.gitops.flux_local.tests.integration.other_flux import (
    CONTROLLERS,
    MERGE,
    install_by_others,
    send,
)

pytestmark = pytest.mark.xdist_group("the loop on kind")
# An older release of each controller, whose images the lab's nodes have beside the pinned ones.
OLDER = {
    "source-controller": "ghcr.io/fluxcd/source-controller:v1.9.4",
    "kustomize-controller": "ghcr.io/fluxcd/kustomize-controller:v1.9.0",
}
DEPLOYMENTS = "/apis/apps/v1/namespaces/flux-system/deployments"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def loop(kind_loop: KindLoop) -> Iterator[KindLoop]:
    """The loop on kind of all tests, which has its own Flux again after a test that leaves it otherwise."""
    yield kind_loop
    kind_loop.up(flux_adopt=True, flux_allow_downgrade=True)


def flux(loop: KindLoop, *arguments: str, **options: Any) -> Run:
    """The role flux alone, on the loop's cluster."""
    known = {
        "flux_connection": loop.facts["cluster_connection"],
        "flux_binaries": loop.facts["binaries_paths"],
    }
    role = {"ansible.builtin.include_role": {"name": "gitops.flux_local.flux"}, "vars": known}
    return loop.tasks([role], *arguments, **options)


def pods(loop: KindLoop) -> dict[str, Any]:
    """The Pods of the controllers that are not about to end, by controller."""
    listed = loop.get("/api/v1/namespaces/flux-system/pods?labelSelector=app.kubernetes.io/part-of=flux")
    return {
        pod["metadata"]["labels"]["app"]: pod
        for pod in (listed or {"items": []})["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


def uids(loop: KindLoop) -> dict[str, str]:
    return {name: pod["metadata"]["uid"] for name, pod in pods(loop).items()}


def images(loop: KindLoop) -> dict[str, str]:
    return {name: pod["spec"]["containers"][0]["image"] for name, pod in pods(loop).items()}


def brought(loop: KindLoop) -> set[str]:
    """The Deployments that workloads brought."""
    listed = loop.get("/apis/apps/v1/deployments?labelSelector=kustomize.toolkit.fluxcd.io/name")
    assert listed is not None
    return {item["metadata"]["uid"] for item in listed["items"]}


def test_the_controllers_run_as_flux_ships_them_and_prove_what_they_applied(kind_loop, tmp_path):
    running = pods(kind_loop)
    assert sorted(running) == sorted(CONTROLLERS)
    for pod in running.values():
        assert pod["status"]["containerStatuses"][0]["ready"]
        assert pod["spec"]["containers"][0]["securityContext"]["runAsNonRoot"]
        assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
        assert pod["spec"]["priorityClassName"] == "system-cluster-critical"
    status = kind_loop.facts["flux_status"]
    assert (status["mode"], status["owner"]) == ("deployments", "ours")
    listed = {"name": "inside", "path": str(write(tmp_path / "inside", one=config_map("inside", text="1")))}
    assert kind_loop.push(listed).succeeded().receipts["inside"]["ready"]
    write(tmp_path / "inside", one=config_map("inside", text="2"))
    assert kind_loop.push(listed).succeeded().receipts["inside"]["ready"]
    assert kind_loop.config_map("inside")["data"] == {"text": "2"}
    kind_loop.remove("inside")
    assert kind_loop.config_map("inside") is None


def test_what_was_deleted_or_scaled_to_0_is_healed(kind_loop):
    send(kind_loop, "DELETE", f"{DEPLOYMENTS}/source-controller")
    send(kind_loop, "PATCH", f"{DEPLOYMENTS}/kustomize-controller/scale", {"spec": {"replicas": 0}}, MERGE)
    run = flux(kind_loop).succeeded()
    assert run.changed == ["Flux runs in the cluster"]
    assert sorted(pods(kind_loop)) == sorted(CONTROLLERS)
    assert flux(kind_loop).succeeded().changed == []


def test_uninstalled_used_from_somebody_else_then_taken_over_and_upgraded(loop, tmp_path):
    before = brought(loop)
    assert before
    flux(loop, flux_state="absent").succeeded()
    assert pods(loop) == {}
    assert loop.get("/apis/kustomize.toolkit.fluxcd.io/v1") is None
    assert brought(loop) == before

    install_by_others(loop, loop.facts["binaries_paths"], "flux-system", OLDER)
    run = loop.up()
    assert loop.facts["flux_status"]["owner"] == "foreign"
    assert loop.facts["flux_status"]["versions"] == {
        "source-controller": "1.9.4",
        "kustomize-controller": "1.9.0",
    }
    assert all(receipt["ready"] for receipt in run.receipts.values())
    assert images(loop) == OLDER
    assert brought(loop) == before
    assert flux(loop, flux_state="absent").succeeded().changed == []

    upgraded = flux(loop, flux_adopt=True).succeeded()
    assert upgraded.facts["flux_status"]["owner"] == "ours"
    assert images(loop) == {name: f"ghcr.io/fluxcd/{name}:v1.9.5" for name in CONTROLLERS}
    assert brought(loop) == before
    listed = {"name": "after", "path": str(write(tmp_path / "after", one=config_map("after", text="1")))}
    assert loop.push(listed).succeeded().receipts["after"]["ready"]
    loop.remove("after")
    flux(loop, flux_images=OLDER).refused(
        "source-controller 1.9.5 would become 1.9.4", "flux_allow_downgrade=true"
    )


def test_uninstalled_with_all_that_workloads_brought(loop):
    assert brought(loop)
    flux(loop, flux_state="absent", flux_delete_workloads=True).succeeded()
    assert brought(loop) == set()
    assert loop.get("/api/v1/namespaces/flux-system") is None


def restricted(loop: KindLoop, folder: Path) -> Path:
    """The kubeconfig of a service account that may read Deployments, and nothing else."""
    send(loop, "POST", ACCOUNTS, {"metadata": {"name": "guest"}})
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}]
    send(loop, "POST", f"{RBAC}/clusterroles", {"metadata": {"name": "guest"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "guest"}
    subject = {"kind": "ServiceAccount", "name": "guest", "namespace": "default"}
    binding = {"metadata": {"name": "guest"}, "roleRef": reference, "subjects": [subject]}
    send(loop, "POST", f"{RBAC}/clusterrolebindings", binding)
    token = send(loop, "POST", f"{ACCOUNTS}/guest/token", {"spec": {}})["status"]["token"]
    kubeconfig = yaml.safe_load(loop.kubeconfig.read_text())
    kubeconfig["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig))
    return path


def test_who_may_not_install_flux_is_told_all_that_lacks(kind_loop, tmp_path):
    try:
        kubeconfig = restricted(kind_loop, tmp_path)
        before = uids(kind_loop)
        flux(
            kind_loop,
            flux_connection={**kind_loop.facts["cluster_connection"], "kubeconfig": str(kubeconfig)},
        ).refused(
            "system:serviceaccount:default:guest lacks",
            "get, create, patch, list, watch customresourcedefinitions.apiextensions.k8s.io",
            "create, patch deployments.apps in namespace flux-system",
            "list pods in namespace flux-system",
            "Nothing has been changed",
        )
        assert uids(kind_loop) == before
    finally:
        send(kind_loop, "DELETE", f"{RBAC}/clusterrolebindings/guest")
        send(kind_loop, "DELETE", f"{RBAC}/clusterroles/guest")
        send(kind_loop, "DELETE", f"{ACCOUNTS}/guest")


def test_an_image_for_another_platform_is_told_at_once(loop):
    name = loop.push_image("foreign:v1")
    registry, repository = f"http://{loop.registry}", "foreign"
    accepted = {"Accept": f"{MANIFEST}, {DOCKER_MANIFEST}"}
    held = requests.get(f"{registry}/v2/{repository}/manifests/v1", headers=accepted, timeout=10)
    entry = {
        "mediaType": held.headers["Content-Type"],
        "digest": held.headers["Docker-Content-Digest"],
        "size": len(held.content),
        "platform": {"os": "linux", "architecture": "s390x"},
    }
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
    url = f"{registry}/v2/{repository}/manifests/v1.9.5"
    requests.put(url, data=index, headers={"Content-Type": INDEX}, timeout=10).raise_for_status()
    image = f"{name.rpartition(':')[0]}:v1.9.5"

    flux(loop, flux_images={"source-controller": image}, flux_timeout=NEVER).refused(
        "source-controller does not become available", "no match for platform", image, "flux_images"
    )
