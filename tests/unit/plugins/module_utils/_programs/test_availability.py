# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._programs import images as module
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.availability import (
    availability,
    grouped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.manifests_artifact import (
    manifests_artifact,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import ManifestFolder, Program
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import index

ETCD = "registry.k8s.io/etcd:3.6.8-0"


def program(name: str, image: str, *, has_manifests: bool = False) -> Program:
    folders = (ManifestFolder("config", "crds"),) if has_manifests else ()
    return Program(name, "1.0", name, name, name, name, manifests=folders, image=image, path=f"/{name}")


@dataclass
class Registries:
    """What is asked of registries; those of ``dead`` hosts do not answer, others have what is in ``held``."""

    held: dict[str, Manifest]
    dead: tuple[str, ...] = ()
    refusing: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def __call__(self, reference, connection):
        registries = self

        class Repository:
            def manifest(self, name):
                url = f"{reference.url}:{name}"
                registries.asked.append(url)
                if reference.host in registries.dead:
                    raise LoopError(f"url: the registry {reference.host} cannot be reached.")
                if url in registries.refusing:
                    raise LoopError("url: refused.", status=403)
                return registries.held.get(url)

        return Repository()


def test_a_registry_that_is_dead_is_asked_once_and_one_that_refuses_an_image_for_the_others_too(monkeypatch):
    amd64 = index(("linux", "amd64", "1"))
    registries = Registries(
        held={
            "oci://a/one:1": amd64,
            "oci://a/other:1": index(("linux", "arm64", "1")),
            "oci://a/three:1": amd64,
        },
        dead=("b",),
        refusing=("oci://a/secret:1",),
    )
    monkeypatch.setattr(module, "RegistryRepository", registries)
    programs = [program(name, f"a/{name}:1") for name in ("secret", "one", "other", "none", "three")]
    programs += [program(f"b{number}", f"b/{number}:1") for number in range(5)]
    found = availability(Images(), [*programs, program("unknown", "")], "linux-amd64")
    assert found.available == {"one", "three"}
    assert {reason: names for names, reason in grouped(found.refused)} == {
        "no image is known that has it": ["unknown"],
        "refused": ["secret"],
        "a/other:1 is for linux-arm64, not for linux-amd64": ["other"],
        "a lacks a/none:1": ["none"],
        "the registry b cannot be reached": ["b0", "b1", "b2", "b3", "b4"],
    }
    assert len([url for url in registries.asked if url.startswith("oci://b/")]) == 1


@pytest.mark.parametrize("has_them", [True, False])
def test_the_manifests_of_a_program_are_looked_for_in_a_mirror_only(monkeypatch, has_them):
    kwok = program("kwok", "registry.k8s.io/kwok/kwok:v1.0", has_manifests=True)
    held = {"oci://mirror/kwok/kwok:v1.0": index(("linux", "amd64", "1"))}
    if has_them:
        held["oci://mirror/flux-local/manifests/kwok:1.0"] = Manifest(b"{}")
    monkeypatch.setattr(module, "RegistryRepository", Registries(held))
    found = availability(Images("mirror"), [kwok], "linux-amd64")
    assert (found.available, found.with_manifests) == ({"kwok"}, {"kwok"} if has_them else set())
    redirected = availability(Images(registries={"registry.k8s.io": "mirror"}), [kwok], "linux-amd64")
    assert (redirected.available, redirected.with_manifests) == ({"kwok"}, set())


def test_a_folder_that_does_not_exist_lacks_everything(tmp_path):
    etcd = program("etcd", ETCD)
    images = Images(str(tmp_path / "none"))
    assert availability(images, [etcd], "linux-amd64").refused == {
        "etcd": f"{tmp_path / 'none'} lacks {ETCD}"
    }
    assert not (tmp_path / "none").exists()
    assert isinstance(images.locate(manifests_artifact(etcd))[0], LayoutRepository)
