# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    ImageReference,
    Reference,
    check_tag,
    is_digest,
    parse_image,
    parse_url,
    tag_of_image,
)

DIGEST = "sha256:" + "a" * 64
ETCD = "registry.k8s.io/etcd:3.6.8-0"


@pytest.mark.parametrize(
    ("url", "host", "repository"),
    [
        ("oci://localhost:5050/shop", "localhost:5050", "shop"),
        ("oci://localhost/shop", "localhost", "shop"),
        ("oci://ghcr.io/team/shop-1/app_2/x.y", "ghcr.io", "team/shop-1/app_2/x.y"),
        ("oci://127.0.0.1:5050/a__b", "127.0.0.1:5050", "a__b"),
        ("oci://[::1]:5050/shop", "[::1]:5050", "shop"),
        ("oci://Registry.Example.COM/shop", "Registry.Example.COM", "shop"),
    ],
)
def test_a_url_names_a_repository(url, host, repository):
    assert parse_url(url) == Reference(host, repository)
    assert parse_url(url).url == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:5050/shop", "does not start with oci://"),
        ("https://localhost:5050/shop", "does not start with oci://"),
        ("oci://localhost:5050", "names no repository"),
        ("oci://localhost:5050/", "names no repository"),
        ("oci:///shop", "no host name"),
        ("oci://host name/shop", "no host name"),
        ("oci://localhost:port/shop", "no host name"),
        ("oci://localhost:70000/shop", "no port"),
        ("oci://localhost:0/shop", "no port"),
        ("oci://localhost:5050/shop:v1", "url=oci://localhost:5050/shop and tag=v1"),
        (f"oci://localhost:5050/shop@{DIGEST}", "contains a digest"),
        ("oci://localhost:5050/Shop", "no repository name"),
        ("oci://localhost:5050/shop/", "no repository name"),
        ("oci://localhost:5050//shop", "no repository name"),
        ("oci://localhost:5050/shop..x", "no repository name"),
        ("oci://localhost:5050/-shop", "no repository name"),
        ("oci://localhost:5050/shöp", "no repository name"),
    ],
)
def test_a_url_that_names_none_says_why(url, said):
    with pytest.raises(LoopError) as caught:
        parse_url(url)
    assert said in caught.value.message


def test_credentials_in_a_url_are_not_repeated():
    with pytest.raises(LoopError) as caught:
        parse_url("oci://ci:s3cret@localhost:5050/shop")
    assert "s3cret" not in caught.value.message + str(caught.value.details)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("localhost:5050", True),
        ("registry.localhost:5050", True),
        ("127.0.0.1:5050", True),
        ("127.9.9.9", True),
        ("[::1]:5050", True),
        ("localhost.example.com", False),
        ("10.0.0.1:5050", False),
        ("ghcr.io", False),
    ],
)
def test_loopback(host, is_loopback):
    assert Reference(host, "shop").is_loopback is is_loopback


@pytest.mark.parametrize("tag", ["latest", "v1.0.0", "_x", "A-b.c_d", "1", "x" * 128])
def test_tags(tag):
    assert check_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", "-x", ".x", "a/b", "a:b", "ü", "a b", "a+b", "x" * 129, "v1\n"])
def test_what_is_no_tag(tag):
    with pytest.raises(LoopError, match="is no tag"):
        check_tag(tag)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIGEST, True),
        (DIGEST.upper(), False),
        (DIGEST[:-1], False),
        (f"{DIGEST}\n", False),
        ("sha1:abc", False),
    ],
)
def test_digests(text, expected):
    assert is_digest(text) is expected


@pytest.mark.parametrize(
    ("text", "image"),
    [
        (ETCD, ImageReference("registry.k8s.io", "etcd", "3.6.8-0")),
        ("localhost:5000/a/b:v1", ImageReference("localhost:5000", "a/b", "v1")),
        (f"{ETCD}@{DIGEST}", ImageReference("registry.k8s.io", "etcd", "3.6.8-0", DIGEST)),
    ],
)
def test_an_image_has_a_host_a_repository_and_a_tag(text, image):
    assert parse_image(text) == image
    assert str(image) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "etcd:1",
        "localhost:5000/etcd",
        f"host/etcd@{DIGEST}",
        "host/etcd:1@sha256:a",
        "host/Etcd:1",
        "host/etcd:1@",
    ],
)
def test_anything_else_is_no_image(text):
    with pytest.raises(LoopError, match="is no image"):
        parse_image(text)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("ghcr.io/fluxcd/source-controller:v1.9.5", "v1.9.5"),
        ("localhost:5001/source-controller:v1.9.5@sha256:00", "v1.9.5"),
        ("localhost:5001/source-controller@sha256:00", ""),
        ("localhost:5001/source-controller", ""),
        ("source-controller", ""),
    ],
)
def test_the_tag_of_an_image(image, tag):
    assert tag_of_image(image) == tag
