# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    Settings,
    compose,
    is_of,
    kind_of,
    patch,
    read_published,
    with_arguments,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.flux_published import published

IMAGES = {"source-controller": "r.example/s:v1.9.5", "kustomize-controller": "r.example/k@sha256:0"}


def composed(tmp_path, **changes):
    settings = {"namespace": "gitops", "version": "2.9.5", "loop": "one", "images": IMAGES, **changes}
    return compose(read_published(published(tmp_path)), Settings(**settings))


def named(objects, kind, name):
    [found] = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def test_everything_is_there_in_the_order_in_which_it_can_be_applied(tmp_path):
    objects = composed(tmp_path)
    assert [(item["kind"], item["metadata"]["name"]) for item in objects] == [
        ("Namespace", "gitops"),
        ("CustomResourceDefinition", "ocirepositories.source.toolkit.fluxcd.io"),
        ("CustomResourceDefinition", "kustomizations.kustomize.toolkit.fluxcd.io"),
        ("ClusterRole", "crd-controller-gitops"),
        ("ClusterRoleBinding", "crd-controller-gitops"),
        ("ClusterRoleBinding", "cluster-reconciler-gitops"),
        ("ServiceAccount", "source-controller"),
        ("ServiceAccount", "kustomize-controller"),
        ("NetworkPolicy", "allow-egress"),
        ("Deployment", "source-controller"),
        ("Deployment", "kustomize-controller"),
    ]
    for item in objects:
        assert item["metadata"].get("namespace") == ("gitops" if kind_of(item).is_namespaced else None)
        assert item["metadata"]["labels"]["app.kubernetes.io/part-of"] == "flux"
        assert item["metadata"]["labels"]["app.kubernetes.io/version"] == "v2.9.5"
        assert is_of(item, "one")
        assert not is_of(item, "two")


def test_roles_are_bound_in_the_namespace(tmp_path):
    objects = composed(tmp_path)
    own = named(objects, "ClusterRoleBinding", "crd-controller-gitops")
    assert own["roleRef"]["name"] == "crd-controller-gitops"
    assert own["subjects"][0]["namespace"] == "gitops"
    admin = named(objects, "ClusterRoleBinding", "cluster-reconciler-gitops")
    assert admin["roleRef"]["name"] == "cluster-admin"
    assert [subject["namespace"] for subject in admin["subjects"]] == ["gitops", "elsewhere"]


def test_a_deployment_is_patched_labelled_and_adapted(tmp_path):
    arguments = {"source-controller": ["--log-level=debug", "--concurrent=3"]}
    objects = composed(tmp_path, arguments=arguments, pull_secrets=["mirror"])
    source = named(objects, "Deployment", "source-controller")
    assert source["metadata"]["labels"]["control-plane"] == "controller"
    template = source["spec"]["template"]
    assert template["metadata"]["labels"]["app"] == "source-controller"
    assert template["metadata"]["labels"]["app.kubernetes.io/component"] == "source-controller"
    assert template["spec"]["priorityClassName"] == "critical"
    assert template["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
    [container] = template["spec"]["containers"]
    assert container["image"] == "r.example/s:v1.9.5"
    assert container["args"] == ["--events-addr=", "--log-level=debug", "--concurrent=3"]
    assert container["env"] == [{"name": "GOMEMLIMIT"}]
    kustomize = named(objects, "Deployment", "kustomize-controller")
    assert kustomize["spec"]["template"]["spec"]["containers"][0]["image"] == "r.example/k@sha256:0"
    assert source["spec"]["selector"] == {"matchLabels": {"app": "source-controller"}}


def test_network_policies_can_be_left_out(tmp_path):
    kinds = {item["kind"] for item in composed(tmp_path, with_network_policies=False)}
    assert "NetworkPolicy" not in kinds


def test_composing_changes_nothing_that_was_read(tmp_path):
    read = read_published(published(tmp_path))
    settings = Settings("gitops", "2.9.5", "one", IMAGES)
    assert compose(read, settings) == compose(read, settings)


def test_all_folders_that_lack_are_named(tmp_path):
    folders = published(tmp_path)
    folders["source-controller"] = str(tmp_path / "nowhere")
    del folders["kustomize-controller"]
    with pytest.raises(LoopError) as raised:
        read_published(folders)
    for path in (tmp_path / "nowhere/crds", tmp_path / "nowhere/manager", "kustomize-controller"):
        assert str(path) in raised.value.message


def test_what_is_no_yaml_is_named(tmp_path):
    folders = published(tmp_path)
    (tmp_path / "flux/rbac/broken.yaml").write_text("{")
    with pytest.raises(LoopError, match=r"flux/rbac/broken\.yaml is no YAML"):
        read_published(folders)


def test_a_kind_that_flux_was_not_known_to_have():
    with pytest.raises(LoopError, match="a Job of batch/v1"):
        kind_of({"apiVersion": "batch/v1", "kind": "Job"})


@pytest.mark.parametrize(
    ("there", "wanted", "become"),
    [
        (["--a=1", "--b"], [], ["--a=1", "--b"]),
        (["--a=1", "--b"], ["--a=2"], ["--a=2", "--b"]),
        (["--b"], ["--b=false", "--c=x=y"], ["--b=false", "--c=x=y"]),
    ],
)
def test_arguments(there, wanted, become):
    assert with_arguments(there, wanted) == become


@pytest.mark.parametrize(
    ("operation", "become"),
    [
        ("{op: add, path: /list/0, value: x}", {"list": ["x", "a", "b"], "map": {"k/y": 1}}),
        ("{op: add, path: /list/-, value: x}", {"list": ["a", "b", "x"], "map": {"k/y": 1}}),
        ("{op: replace, path: /list/1, value: x}", {"list": ["a", "x"], "map": {"k/y": 1}}),
        ("{op: replace, path: /map/k~1y, value: 2}", {"list": ["a", "b"], "map": {"k/y": 2}}),
    ],
)
def test_patches(operation, become):
    item = {"list": ["a", "b"], "map": {"k/y": 1}}
    patch(item, [yaml.safe_load(operation)])
    assert item == become


def test_a_patch_that_is_unknown():
    with pytest.raises(LoopError, match="operation remove"):
        patch({"a": 1}, [{"op": "remove", "path": "/a"}])
