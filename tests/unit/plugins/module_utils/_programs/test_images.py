# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_image
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images, is_layout
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import DIGEST

ETCD = "registry.k8s.io/etcd:3.6.8-0"


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
