# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import (
    Endpoint,
    read_workloads,
)

ENDPOINT = Endpoint("127.0.0.1:5001", "registry:5000", insecure=True)


def one(**options):
    return read_workloads([{"name": "shop", "path": "./shop", **options}], ENDPOINT)[0]


def test_name_and_path_are_enough():
    workload = one()
    assert workload.source_object == {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "spec": {
            "url": "oci://registry:5000/shop",
            "ref": {"tag": "latest"},
            "interval": "10m",
            "insecure": True,
        },
    }
    assert workload.kustomization_object == {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "spec": {
            "sourceRef": {"kind": "OCIRepository", "name": "shop"},
            "interval": "10m",
            "retryInterval": "30s",
            "timeout": "2m",
            "prune": True,
            "wait": True,
        },
    }
    assert workload.url(ENDPOINT.host) == "oci://127.0.0.1:5001/shop"


def test_every_other_option_reaches_flux():
    spec = one(
        kustomization_path="./overlays/local",
        depends_on=["base", "infra/dns"],
        substitute={"greeting": "hi", "replicas": 2},
        substitute_from=[{"kind": "ConfigMap", "name": "settings"}],
        wait=False,
        suspend=True,
        health_checks=[{"kind": "Deployment", "name": "shop", "namespace": "shop", "api_version": "apps/v1"}],
    ).kustomization_object["spec"]
    assert spec["path"] == "./overlays/local"
    assert spec["dependsOn"] == [{"name": "base"}, {"name": "dns", "namespace": "infra"}]
    assert spec["postBuild"] == {
        "substitute": {"greeting": "hi", "replicas": "2"},
        "substituteFrom": [{"kind": "ConfigMap", "name": "settings"}],
    }
    assert spec["wait"] is False
    assert spec["suspend"] is True
    assert spec["healthChecks"] == [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", "namespace": "shop"}
    ]


def test_options_of_its_source_and_metadata_reach_flux():
    workload = one(
        labels={"team": "shop"},
        annotations={"why": "because"},
        provider="generic",
        proxy_secret_ref={"name": "proxy"},
        verify={"provider": "cosign", "secret_ref": {"name": "keys"}},
    )
    source = workload.source_object
    assert source["spec"]["provider"] == "generic"
    assert source["spec"]["proxySecretRef"] == {"name": "proxy"}
    assert source["spec"]["verify"] == {"provider": "cosign", "secretRef": {"name": "keys"}}
    for item in (source, workload.kustomization_object):
        assert item["metadata"]["labels"] == {"team": "shop"}
        assert item["metadata"]["annotations"] == {"why": "because"}


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (["shop"], r"workloads: entry 1 is 'shop'"),
        ([{"path": "./shop"}], r"Workload number 1: .*name"),
        ([{"name": "shop"}], r"Workload shop: path is missing"),
        (
            [{"name": "shop", "path": "x", "colour": "red"}],
            r"Workload shop: colour is not an option: use one of annotations, ",
        ),
        ([{"name": "Shop!", "path": "x"}], r"Workload Shop!: .*name.*Shop!"),
        ([{"name": "shop", "path": "x", "namespace": "a_b"}], r"Workload shop: .*namespace.*a_b"),
        ([{"name": "shop", "path": "x", "tag": "so schön"}], r"Workload shop: .*tag.*so schön"),
        ([{"name": "shop", "path": "x", "timeout": "soon"}], r"Workload shop: .*timeout.*soon"),
        ([{"name": "shop", "path": "x", "interval": "10"}], r"Workload shop: .*interval.*10"),
        ([{"name": "shop", "path": "x", "wait": "perhaps"}], r"Workload shop: .*wait"),
        ([{"name": "shop", "path": "x"}, {"name": "shop", "path": "y"}], r"Workload shop: there are two"),
    ],
)
def test_what_is_wrong_is_named(listed, told):
    with pytest.raises(LoopError, match=told):
        read_workloads(listed, ENDPOINT)


@pytest.mark.parametrize("apart", [{"repository": "other/shop"}, {"tag": "other"}, {"state": "absent"}])
def test_one_name_in_two_namespaces_is_two_workloads(apart):
    listed = [{"name": "shop", "path": "x"}, {"name": "shop", "path": "x", "namespace": "other", **apart}]
    assert len(read_workloads(listed, ENDPOINT)) == 2


@pytest.mark.parametrize(
    "other", [{"name": "shop", "namespace": "other"}, {"name": "market", "repository": "shop"}]
)
def test_one_workload_does_not_overwrite_another_in_the_registry(other):
    with pytest.raises(LoopError) as caught:
        read_workloads([{"name": "shop", "path": "x"}, {**other, "path": "y"}], ENDPOINT)
    assert (
        "/shop would both be pushed to oci://127.0.0.1:5001/shop:latest, and one would overwrite the other. "
        "Give one of them another `repository` or `tag`."
    ) in caught.value.message.replace("flux-system/market and flux-system/shop", "/shop")


def test_workloads_that_name_no_namespace_are_where_flux_is():
    other = {"name": "shop", "path": "x", "repository": "other", "namespace": "other"}
    listed = [{"name": "shop", "path": "x"}, other]
    assert [workload.namespace for workload in read_workloads(listed, ENDPOINT, "gitops")] == [
        "gitops",
        "other",
    ]
    assert [workload.namespace for workload in read_workloads(listed, ENDPOINT)] == ["flux-system", "other"]
