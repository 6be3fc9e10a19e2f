# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    OBJECT,
    unknown_kind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.refusals import (
    dry_run_message,
    unknown_kind_message,
    without_allocations,
)

SHOP = Identity("", "Service", "default", "shop")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ClusterError("Cannot change it: no", 422, said="no", reason="Invalid"),
            "Service/default/shop dry-run failed (Invalid): no",
        ),
        (ClusterError("no", 500), "Service/default/shop dry-run failed: no"),
        (
            ClusterError("create it", 404, said='namespaces "default" not found'),
            'Service/default/shop not found: namespaces "default" not found',
        ),
    ],
)
def test_a_refusal_is_told_as_the_controller_tells_it_and_the_rules_of_causes_read_it(error, told):
    message = dry_run_message(SHOP, error)
    assert message == told
    found = OBJECT.search(message)
    assert found
    assert (found["object_kind"], found["object_name"], found["said"]) == ("Service", "shop", error.said)


def test_an_unknown_kind_is_read_by_the_rules_of_causes():
    assert unknown_kind(unknown_kind_message(SHOP, "x.org/v1")) == ("Service", "x.org/v1")


def test_what_the_other_service_holds_is_free_once_it_is_gone():
    def service(cluster_ip, *node_ports):
        ports = [{"port": 80, "nodePort": port} for port in node_ports]
        spec = {"type": "NodePort", "clusterIP": cluster_ip, "ports": ports}
        return {"apiVersion": "v1", "kind": "Service", "spec": spec}

    live = service("10.0.0.1", 30001, 30002)
    assert without_allocations(service("10.0.0.1", 30001), live)["spec"] == {
        "type": "NodePort",
        "ports": [{"port": 80}],
    }
    other = service("10.0.0.2", 30003)
    assert without_allocations(other, live) == other
    config = {"apiVersion": "v1", "kind": "ConfigMap", "spec": {"clusterIP": "10.0.0.1"}}
    assert without_allocations(config, live) == config
