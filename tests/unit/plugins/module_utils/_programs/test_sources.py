# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.sources import plan
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import parse_program
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import ETCD, script, seen


def test_a_look_at_an_empty_cache_says_what_will_be_where(tmp_path):
    found = seen(tmp_path / "cache")
    assert [(each["name"], each["method"]) for each in found["missing"]] == [("etcd", "go"), ("kwok", "go")]
    assert found["missing"][0]["program"] == ETCD
    assert found["missing"][0]["log"] == str(tmp_path / "cache/logs/etcd-3.6.8.log")
    assert found["paths"]["etcd"] == {
        "program": str(tmp_path / "cache/etcd/3.6.8/linux-amd64/etcd"),
        "version": "3.6.8",
        "manifests": "",
    }
    assert not (tmp_path / "cache").exists()


def test_a_look_at_a_full_cache_finds_nothing_missing(tmp_path):
    script(tmp_path / "etcd/3.6.8/linux-amd64/etcd", "etcd Version: 3.6.8")
    assert [each["name"] for each in seen(tmp_path)["missing"]] == ["kwok"]
    assert seen(tmp_path, names=["etcd"])["missing"] == []
    assert list(seen(tmp_path, names=["etcd"])["paths"]) == ["etcd"]


def test_auto_copies_what_the_folder_has_and_builds_the_rest(tmp_path):
    script(tmp_path / "folder/etcd", "etcd Version: 3.6.8")
    script(tmp_path / "folder/kwok", "without its manifests")
    methods = {
        each["name"]: each["method"] for each in seen(tmp_path / "c", folder=tmp_path / "folder")["missing"]
    }
    assert methods == {"etcd": "folder", "kwok": "go"}


def test_all_that_the_only_folder_lacks_is_named_at_once(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(
        LoopError, match=f"{folder} lacks {folder}/etcd, {folder}/kwok, {folder}/manifests/kwok/stages"
    ) as caught:
        seen(tmp_path / "c", source="folder", folder=folder)
    assert caught.value.details == {"lacking": ["etcd", "kwok"]}


def test_a_folder_is_not_asked_for_what_the_cache_has(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    script(tmp_path / "c/etcd/3.6.8/linux-amd64/etcd", "etcd Version: 3.6.8")
    assert seen(tmp_path / "c", names=["etcd"], source="folder", folder=folder)["missing"] == []


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(LoopError, match="nowhere is no directory"):
        seen(tmp_path, folder=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("source", "methods"),
    [
        ("auto", {"kube-apiserver": "folder", "kwok": "image", "flux": "go"}),
        ("folder", {"kube-apiserver": "folder", "kwok": "folder", "flux": "folder"}),
        ("image", {"kube-apiserver": "image", "kwok": "image", "flux": "image"}),
        ("go", {"kube-apiserver": "go", "kwok": "go", "flux": "go"}),
    ],
)
def test_what_is_missing_gets_the_method_of_its_source(source, methods):
    steps = plan(
        [parse_program({**ETCD, "name": name}) for name in ("kube-apiserver", "etcd", "kwok", "flux")],
        present={"etcd"},
        in_folder={"kube-apiserver"},
        in_images={"kube-apiserver", "kwok"},
        source=source,
    )
    assert {step.program.name: step.method for step in steps} == methods
