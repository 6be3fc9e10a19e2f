# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import FIELDS
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import (
    argument_spec,
    keep_live_spelling,
    manifest,
)

SOURCE = {"name": "shop", "namespace": "flux-system", "url": "oci://127.0.0.1:5050/shop", "interval": "10m"}
KUSTOMIZATION_OPTIONS = {
    "name": "shop",
    "namespace": "flux-system",
    "source_ref": {"kind": "OCIRepository", "name": "shop"},
    "interval": "10m",
    "prune": True,
}


def test_argument_spec_is_nested_as_the_fields_are():
    spec = argument_spec(FIELDS[KUSTOMIZATION])
    assert spec["post_build"]["options"]["substitute_from"] == {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "required": True, "choices": ["Secret", "ConfigMap"]},
            "name": {"type": "str", "required": True},
            "optional": {"type": "bool"},
        },
    }
    assert spec["decryption"]["options"]["secret_ref"]["no_log"] is False


def test_a_source_as_flux_reads_it():
    options = {
        **SOURCE,
        "tag": "latest",
        "semver": None,
        "labels": {"team": "shop", "tier": 1},
        "layer_selector": {"media_type": "application/x", "operation": None},
        "verify": {"provider": "cosign", "match_oidc_identity": [{"issuer": "a", "subject": "b"}]},
        "suspend": False,
    }
    assert manifest(OCI_REPOSITORY, options) == {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {
            "name": "shop",
            "namespace": "flux-system",
            "labels": {"team": "shop", "tier": "1"},
        },
        "spec": {
            "url": "oci://127.0.0.1:5050/shop",
            "ref": {"tag": "latest"},
            "interval": "10m",
            "layerSelector": {"mediaType": "application/x"},
            "verify": {"provider": "cosign", "matchOIDCIdentity": [{"issuer": "a", "subject": "b"}]},
            "suspend": False,
        },
    }


def test_a_kustomization_as_flux_reads_it():
    options = {
        **KUSTOMIZATION_OPTIONS,
        "wait_for_health": True,
        "depends_on": [{"name": "base", "namespace": None, "ready_expr": None}],
        "post_build": {"substitute": {"replicas": 3, "debug": True, "name": "x"}, "substitute_from": []},
        "patches": [{"patch": "a: b", "target": {"kind": "Deployment", "label_selector": "a=b"}}],
        "components": ["a"],
    }
    assert manifest(KUSTOMIZATION, options)["spec"] == {
        "sourceRef": {"kind": "OCIRepository", "name": "shop"},
        "interval": "10m",
        "prune": True,
        "wait": True,
        "dependsOn": [{"name": "base"}],
        "postBuild": {
            "substitute": {"replicas": "3", "debug": "true", "name": "x"},
            "substituteFrom": [],
        },
        "patches": [{"patch": "a: b", "target": {"kind": "Deployment", "labelSelector": "a=b"}}],
        "components": ["a"],
    }


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (OCI_REPOSITORY, {**SOURCE, "name": "Shop"}, "name is 'Shop'"),
        (OCI_REPOSITORY, {**SOURCE, "name": "a" * 254}, "at most 253"),
        (KUSTOMIZATION, {**KUSTOMIZATION_OPTIONS, "name": "a" * 64}, "at most 63"),
        (OCI_REPOSITORY, {**SOURCE, "namespace": "a.b"}, "namespace is 'a.b'"),
        (OCI_REPOSITORY, {**SOURCE, "url": "oci://x"}, "url is 'oci://x'"),
        (OCI_REPOSITORY, {**SOURCE, "interval": "5"}, "interval is '5'"),
        (KUSTOMIZATION, {**KUSTOMIZATION_OPTIONS, "timeout": "1 m"}, "timeout is '1 m'"),
        (KUSTOMIZATION, {**KUSTOMIZATION_OPTIONS, "target_namespace": "A"}, "target_namespace is 'A'"),
        (
            KUSTOMIZATION,
            {**KUSTOMIZATION_OPTIONS, "annotations": {"reconcile.fluxcd.io/requestedAt": "now"}},
            "flux_reconcile",
        ),
        (
            KUSTOMIZATION,
            {**KUSTOMIZATION_OPTIONS, "post_build": {"substitute": {"a": ["b"]}}},
            "post_build.substitute.a is a list",
        ),
    ],
)
def test_what_the_api_would_refuse_is_named_by_option_and_value(kind, options, said):
    with pytest.raises(LoopError) as raised:
        manifest(kind, options)
    assert said in raised.value.message


def test_equal_durations_keep_the_spelling_that_is_there():
    desired = manifest(OCI_REPOSITORY, {**SOURCE, "interval": "60s", "timeout": "10s"})
    live = {"spec": {"interval": "1m0s", "timeout": "20s"}}
    kept = keep_live_spelling(OCI_REPOSITORY, desired, live)
    assert (kept["spec"]["interval"], kept["spec"]["timeout"]) == ("1m0s", "10s")
    assert desired["spec"]["interval"] == "60s"
