# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._programs.mirror import platforms


def test_platforms_are_written_in_either_way():
    assert platforms(["linux/arm64", "linux-amd64", "linux-arm64"]) == ("linux-arm64", "linux-amd64")
    assert platforms(["this", "all"]) == ()
    assert len(platforms(["this"])) == 1
