# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import (
    Endpoint,
    in_order,
    read_workloads,
    readable_render_error,
    unlisted_dependencies,
)

ENDPOINT = Endpoint("127.0.0.1:5001", "registry:5000", insecure=True)


def one(**options):
    return read_workloads([{"name": "shop", "path": "./shop", **options}])[0]


def test_name_and_path_are_enough():
    workload = one()
    assert workload.source_object(ENDPOINT) == {
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
    assert workload.kustomization_object() == {
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
    ).kustomization_object()["spec"]
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
    source = workload.source_object(ENDPOINT)
    assert source["spec"]["provider"] == "generic"
    assert source["spec"]["proxySecretRef"] == {"name": "proxy"}
    assert source["spec"]["verify"] == {"provider": "cosign", "secretRef": {"name": "keys"}}
    for item in (source, workload.kustomization_object()):
        assert item["metadata"]["labels"] == {"team": "shop"}
        assert item["metadata"]["annotations"] == {"why": "because"}


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (["shop"], r"workloads: entry 1 is 'shop'"),
        ([{"path": "./shop"}], r"Workload number 1: .*name"),
        ([{"name": "shop"}], r"Workload shop: path is missing"),
        ([{"name": "shop", "path": "x", "colour": "red"}], r"Workload shop: colour"),
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
        read_workloads(listed)


def test_one_name_in_two_namespaces_is_two_workloads():
    listed = [{"name": "shop", "path": "x"}, {"name": "shop", "path": "x", "namespace": "other"}]
    assert len(read_workloads(listed)) == 2


def test_workloads_that_name_no_namespace_are_where_flux_is():
    listed = [{"name": "shop", "path": "x"}, {"name": "shop", "path": "x", "namespace": "other"}]
    assert [workload.namespace for workload in read_workloads(listed, "gitops")] == ["gitops", "other"]
    assert [workload.namespace for workload in read_workloads(listed)] == ["flux-system", "other"]


def listed(**dependencies):
    return read_workloads(
        [{"name": name, "path": name, "depends_on": after} for name, after in dependencies.items()]
    )


def test_dependencies_come_first_and_the_order_is_kept_otherwise():
    ordered = in_order(listed(web=["api"], docs=[], api=["base"], base=[]))
    assert [workload.name for workload in ordered] == ["base", "api", "web", "docs"]


@pytest.mark.parametrize(
    ("dependencies", "told"),
    [
        ({"a": ["a"]}, "a -> a is a cycle"),
        ({"a": ["b"], "b": ["a"]}, "a -> b -> a is a cycle"),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, "a -> b -> c -> a is a cycle"),
    ],
)
def test_a_cycle_is_shown(dependencies, told):
    with pytest.raises(LoopError, match=told):
        in_order(listed(**dependencies))


@given(st.data())
def test_every_workload_comes_once_and_after_what_it_depends_on(data):
    names = data.draw(st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=7))
    dependencies = {
        name: data.draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        for index, name in enumerate(names)
    }
    shuffled = data.draw(st.permutations(list(dependencies.items())))
    ordered = [workload.name for workload in in_order(listed(**dict(shuffled)))]
    assert sorted(ordered) == sorted(names)
    assert all(ordered.index(after) < ordered.index(name) for name in names for after in dependencies[name])


def test_dependencies_that_the_list_does_not_bring_are_told_with_who_wants_them():
    workloads = read_workloads(
        [
            {"name": "web", "path": "x", "depends_on": ["api", "old", "gone"]},
            {"name": "api", "path": "x"},
            {"name": "gone", "state": "absent"},
        ]
    )
    found = {(str(ref), name) for ref, name in unlisted_dependencies(workloads).items()}
    assert found == {
        ("Kustomization flux-system/old", "web"),
        ("Kustomization flux-system/gone", "web"),
    }


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (
            "✗ failed: lstat /scratch/content/missing.yaml: no such file\n",
            "./shop does not build: failed: lstat ./shop/missing.yaml: no such file",
        ),
        (
            "► building\n✗ malformed /scratch/content/a b.yaml\n\n",
            "./shop does not build: malformed ./shop/a b.yaml",
        ),
        (
            (
                "✗ failed to generate kustomization.yaml: failed to decode Kubernetes YAML from"
                " /scratch/content/a b.yaml: MalformedYAMLError: yaml: line 4: mapping values are not"
                " allowed in"
                " this context <nil>\n"
            ),
            "./shop/a b.yaml:4 does not build: yaml: line 4: mapping values are not allowed in this context",
        ),
        (
            "✗ failed to decode Kubernetes YAML from /scratch/content/b.yaml: missing kind in object\n",
            "./shop/b.yaml does not build: missing kind in object",
        ),
        ("", "./shop does not build: it ended without a word"),
    ],
)
def test_the_users_own_path_is_named(output, told):
    assert readable_render_error(output, "/scratch/content", "./shop") == told
