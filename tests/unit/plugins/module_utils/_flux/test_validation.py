# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.validation import (
    check_artifact,
    check_digest,
    check_kustomization,
)

URL = "oci://127.0.0.1:5050/shop"


@pytest.mark.parametrize(
    "options",
    [
        {"url": "oci://127.0.0.1:5050/shop"},
        {"url": "oci://[::1]:5050/a/b"},
        {"url": "oci://ghcr.io/stefanprodan/manifests/podinfo"},
        {"url": "oci://x/" + "a" * 255},
        {"url": URL, "semver": ">=1.0.0 <2.0.0", "semver_filter": "^v1", "timeout": "90m"},
    ],
)
def test_what_source_controller_takes(options):
    check_artifact(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "https://x/shop"}, "url is 'https://x/shop'"),
        ({"url": "oci://x"}, "url is 'oci://x'"),
        ({"url": "oci://x/shop:latest"}, "with tag, digest or semver"),
        ({"url": "oci://x/shop@sha256:0"}, "with tag, digest or semver"),
        ({"url": "oci://x/a"}, "its repository is 'a', but Flux takes 2 to 255 characters"),
        ({"url": "oci://x/Shop"}, "its repository is 'Shop'"),
        ({"url": "oci://x/" + "a" * 256}, "2 to 255"),
        ({"url": URL, "tag": "-x"}, "tag is '-x'"),
        ({"url": URL, "digest": "latest"}, "digest is 'latest'"),
        ({"url": URL, "semver": "newest"}, "semver: 'newest'"),
        ({"url": URL, "semver_filter": "("}, "semver_filter: '('"),
        ({"url": URL, "timeout": "1h"}, "timeout is '1h', but here Flux knows no hours"),
    ],
)
def test_what_source_controller_refuses_is_named_by_option_and_value(options, said):
    with pytest.raises(LoopError) as raised:
        check_artifact(options)
    assert said in raised.value.message


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name_prefix": "a-", "name_suffix": None, "kube_config": {"secret_ref": {"name": "x"}}},
        {"post_build": {"substitute": {"_a1": "x"}}},
        {"ignore": [{"paths": ["/spec/replicas", "/a/0/b~1c"], "target": {"name": "web-.*", "kind": None}}]},
        {
            "ignore": [
                {"paths": ["/a"], "target": {"label_selector": "a=b, !c, d in (e, f), g notin (h), i>1"}}
            ]
        },
    ],
)
def test_what_kustomize_controller_takes(options):
    check_kustomization(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name_prefix": ""}, "name_prefix has 0 characters"),
        ({"name_suffix": "a" * 201}, "name_suffix has 201 characters"),
        ({"kube_config": {"secret_ref": None}}, "either secret_ref or config_map_ref"),
        ({"kube_config": {"secret_ref": {}, "config_map_ref": {}}}, "either secret_ref or config_map_ref"),
        ({"post_build": {"substitute": {"my-name": "x"}}}, "the variable 'my-name'"),
        ({"ignore": [{"paths": ["spec/replicas"]}]}, "ignore[0]: the path 'spec/replicas'"),
        ({"ignore_fields": [], "ignore": [{"paths": ["a"]}]}, "ignore_fields[0]: the path 'a'"),
        ({"ignore": [{"paths": ["/a"], "target": {"name": "("}}]}, "ignore[0]: name is '('"),
        ({"ignore": [{"paths": ["/a"], "target": {"label_selector": "a=b=c"}}]}, "label_selector is 'a=b=c'"),
    ],
)
def test_what_kustomize_controller_refuses_is_named_by_option_and_value(options, said):
    with pytest.raises(LoopError) as raised:
        check_kustomization(options)
    assert said in raised.value.message


def test_digests():
    check_digest("sha256:" + "0" * 64, "digest")
    with pytest.raises(LoopError, match="expected_digest is 'latest@sha256:0'"):
        check_digest("latest@sha256:0", "expected_digest")
