# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONFIG_TYPE,
    CONTENT_DIGEST,
    CREATED,
    LAYER_TYPE,
    REVISION,
    SOURCE,
    Descriptor,
    Manifest,
    Reference,
    check_tag,
    comparable,
    config_bytes,
    digest_of,
    is_digest,
    manifest_bytes,
    metadata_annotations,
    parse_url,
)

DIGEST = "sha256:" + "a" * 64


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


def test_the_manifest_is_flux_s_own():
    config = config_bytes(DIGEST)
    layer = Descriptor(LAYER_TYPE, DIGEST, 42)
    body = manifest_bytes(
        Descriptor(CONFIG_TYPE, digest_of(config), len(config)), layer, {"b": "ü", "a": "1"}
    )
    assert b" " not in body
    assert json.loads(body) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.cncf.flux.config.v1+json",
            "digest": digest_of(config),
            "size": len(config),
        },
        "layers": [
            {"mediaType": "application/vnd.cncf.flux.content.v1.tar+gzip", "digest": DIGEST, "size": 42},
        ],
        "annotations": {"a": "1", "b": "ü"},
    }
    manifest = Manifest(body)
    assert manifest.layers == [layer]
    assert manifest.annotations == {"a": "1", "b": "ü"}
    assert manifest.content_digest is None
    assert body == manifest_bytes(
        Descriptor(CONFIG_TYPE, digest_of(config), len(config)), layer, {"a": "1", "b": "ü"}
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"manifests": []}',
        b'{"layers": null, "annotations": null}',
        b"no json",
        b'{"layers": [1]}',
        b'{"layers": [{}]}',
    ],
)
def test_another_kind_of_manifest_has_no_layers(body):
    assert Manifest(body).layers == []
    assert Manifest(body).annotations == {}


def test_own_annotations_win():
    assert metadata_annotations("git", "main", {SOURCE: "mine", "x": "y"}) == {
        SOURCE: "mine",
        REVISION: "main",
        "x": "y",
    }
    assert metadata_annotations(None, None, {}) == {}


def test_time_and_content_digest_are_no_metadata():
    assert comparable({CREATED: "now", CONTENT_DIGEST: DIGEST, SOURCE: "git"}) == {SOURCE: "git"}
