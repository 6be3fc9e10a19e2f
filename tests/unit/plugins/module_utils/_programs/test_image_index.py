# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import INDEX_TYPE, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_index import (
    only_platforms,
    platform_entries,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import index


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
