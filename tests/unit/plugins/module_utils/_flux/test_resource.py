# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.resource import run_resource
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

OPTIONS = {
    "name": "shop",
    "namespace": "flux-system",
    "state": "present",
    "url": "oci://x/shop",
    "interval": "1m",
    "wait": False,
    "wait_timeout": 5,
    "force_conflicts": False,
}


def test_the_modules_result():
    cluster = MemoryCluster()
    result = run_resource(cluster, OCI_REPOSITORY, OPTIONS, check_mode=False, with_diff=False)
    assert (result["changed"], result["changes"], "diff" in result) == (True, ["created"], False)
    assert (result["resource"]["state"], result["resource"]["url"]) == ("in_progress", "oci://x/shop")
    absent = {**OPTIONS, "state": "absent", "url": None}
    result = run_resource(cluster, OCI_REPOSITORY, absent, check_mode=True, with_diff=True)
    assert (result["changed"], result["resource"], result["diff"]["after"]) == (True, None, {})


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_bad_name_is_refused_before_anything_is_asked(state):
    cluster = MemoryCluster()
    with pytest.raises(LoopError, match="name is 'A'"):
        run_resource(
            cluster,
            OCI_REPOSITORY,
            {**OPTIONS, "name": "A", "state": state},
            check_mode=False,
            with_diff=False,
        )
    assert cluster.asked == []
