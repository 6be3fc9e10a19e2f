# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONFIG_TYPE,
    CONTENT_DIGEST,
    CREATED,
    LAYER_TYPE,
    REVISION,
    SOURCE,
    Descriptor,
    Manifest,
    comparable,
    config_bytes,
    manifest_bytes,
    metadata_annotations,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    digest_of,
)

DIGEST = "sha256:" + "a" * 64


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
