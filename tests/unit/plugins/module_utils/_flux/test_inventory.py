# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory_result


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("apps_shop_apps_Deployment", ("Deployment", "apps", "shop", "apps")),
        ("apps_settings__ConfigMap", ("ConfigMap", "apps", "settings", "")),
        ("_apps__Namespace", ("Namespace", "", "apps", "")),
        (
            "_system__reader_rbac.authorization.k8s.io_ClusterRole",
            ("ClusterRole", "", "system:reader", "rbac.authorization.k8s.io"),
        ),
        (
            "_a__b__c_rbac.authorization.k8s.io_ClusterRole",
            ("ClusterRole", "", "a:b:c", "rbac.authorization.k8s.io"),
        ),
    ],
)
def test_inventory_ids(identity, expected):
    [entry] = inventory_result({"status": {"inventory": {"entries": [{"id": identity, "v": "v1"}]}}})
    assert tuple(entry[key] for key in ("kind", "namespace", "name", "group")) == expected
    assert entry["version"] == "v1"
