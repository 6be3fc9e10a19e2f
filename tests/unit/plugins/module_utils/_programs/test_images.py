# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import INDEX_TYPE, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    parse_image,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs import images as module
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import (
    Images,
    grouped,
    is_layout,
    manifests_artifact,
    only_platforms,
    platform_entries,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.mirror import platforms
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import ManifestFolder, Program

DIGEST = f"sha256:{'a' * 64}"
ETCD = "registry.k8s.io/etcd:3.6.8-0"


def program(name: str, image: str, *, has_manifests: bool = False) -> Program:
    folders = (ManifestFolder("config", "crds"),) if has_manifests else ()
    return Program(name, "1.0", name, name, name, name, manifests=folders, image=image, path=f"/{name}")


def index(*entries: tuple[str, str, str]) -> Manifest:
    manifests = [
        {"digest": f"sha256:{number * 64}", "size": 1, "platform": {"os": system, "architecture": machine}}
        for system, machine, number in entries
    ]
    return Manifest(json.dumps({"manifests": [*manifests, {"digest": DIGEST}]}).encode(), INDEX_TYPE)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("/media/stick", True),
        ("./mirror", True),
        ("~/mirror", True),
        ("..", True),
        ("oci-layout://mirror", True),
        ("localhost:5000", False),
        ("registry.example.com/flux", False),
        ("", False),
    ],
)
def test_a_mirror_is_a_folder_when_it_is_written_as_a_path(place, expected):
    assert is_layout(place) == expected


@pytest.mark.parametrize(
    ("images", "url", "name"),
    [
        (Images(), "oci://registry.k8s.io/etcd", "3.6.8-0"),
        (Images(registries={"registry.k8s.io": "localhost:5000"}), "oci://localhost:5000/etcd", "3.6.8-0"),
        (Images(registries={"ghcr.io": "localhost:5000"}), "oci://registry.k8s.io/etcd", "3.6.8-0"),
        (Images("localhost:5000/a/b/"), "oci://localhost:5000/a/b/etcd", "3.6.8-0"),
        (Images("/media/stick"), "oci-layout:///media/stick", ETCD),
    ],
)
def test_an_image_is_had_from_its_own_registry_or_what_takes_its_place(images, url, name):
    repository, known_as = images.locate(parse_image(ETCD))
    assert (repository.reference.url, known_as) == (url, name)


@pytest.mark.parametrize("images", [Images(), Images("localhost:5000"), Images("/media/stick")])
def test_a_pinned_image_is_asked_for_by_its_digest(images):
    assert images.locate(parse_image(f"{ETCD}@{DIGEST}"))[1] == DIGEST


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"mirror": "https://example.com"}, "mirror: 'https://example.com' is no place for images"),
        ({"registries": {"ghcr.io": "a b"}}, "registries: 'a b' is no place for images"),
        ({"connection": {"username": "me"}}, "password is missing"),
        ({"connection": {"timeout": 0}}, "timeout: 0 is no time"),
    ],
)
def test_options_that_cannot_work_are_refused_at_once(params, message):
    with pytest.raises(LoopError, match=message):
        Images.from_params(params)


def test_an_index_has_the_first_image_of_each_platform_and_no_attestations():
    offered = index(
        ("linux", "amd64", "1"), ("unknown", "unknown", "2"), ("linux", "arm64", "3"), ("linux", "amd64", "4")
    )
    assert platform_entries(offered) == {
        "linux-amd64": f"sha256:{'1' * 64}",
        "linux-arm64": f"sha256:{'3' * 64}",
    }
    assert platform_entries(only_platforms(offered, ["linux-arm64"])) == {"linux-arm64": f"sha256:{'3' * 64}"}
    with pytest.raises(LoopError, match="It is for linux-amd64, linux-arm64, not for linux-s390x"):
        only_platforms(offered, ["linux-arm64", "linux-s390x"])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"manifests": 1}', b'{"manifests": [1, {"platform": 2}]}']
)
def test_an_index_that_is_not_understood_is_for_no_platform(body):
    assert platform_entries(Manifest(body, INDEX_TYPE)) == {}


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
    found = Images().look([*programs, program("unknown", "")], "linux-amd64")
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
    found = Images("mirror").look([kwok], "linux-amd64")
    assert (found.available, found.with_manifests) == ({"kwok"}, {"kwok"} if has_them else set())
    redirected = Images(registries={"registry.k8s.io": "mirror"}).look([kwok], "linux-amd64")
    assert (redirected.available, redirected.with_manifests) == ({"kwok"}, set())


def test_a_folder_that_does_not_exist_lacks_everything(tmp_path):
    etcd = program("etcd", ETCD)
    images = Images(str(tmp_path / "none"))
    assert images.look([etcd], "linux-amd64").refused == {"etcd": f"{tmp_path / 'none'} lacks {ETCD}"}
    assert not (tmp_path / "none").exists()
    assert isinstance(images.locate(manifests_artifact(etcd))[0], LayoutRepository)


def test_platforms_are_written_in_either_way():
    assert platforms(["linux/arm64", "linux-amd64", "linux-arm64"]) == ("linux-arm64", "linux-amd64")
    assert platforms(["this", "all"]) == ()
    assert len(platforms(["this"])) == 1
