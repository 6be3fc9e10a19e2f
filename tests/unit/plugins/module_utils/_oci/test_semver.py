# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver import (
    SemanticVersion,
    parse_version,
)


def test_versions_are_ordered_as_semver_says():
    # The example of https://semver.org/#spec-item-11, and releases around it.
    texts = ["0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"]
    texts += ["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "v1.0.1", "1.1.0", "1.10.0", "2025.02.03"]
    found = [parse_version(text) for text in texts]
    for one, other in itertools.pairwise(found):
        assert one is not None
        assert other is not None
        assert one < other
        assert not other < one
    assert parse_version("v1.2.3") == parse_version("1.2.3+build") == SemanticVersion(1, 2, 3)


@pytest.mark.parametrize(
    "text", ["latest", "1", "1.2", "v1.2", "1.2.3.4", "1.2.3-", "1.2.3-01", "V1.2.3", "", "1.2.x", "-1.2.3"]
)
def test_what_flux_takes_for_no_version_is_none(text):
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("version", "patch", "minor", "major"),
    [
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3-rc.1", "1.2.3", "1.3.0", "2.0.0"),
        ("1.2.0-rc.1", "1.2.0", "1.2.0", "2.0.0"),
        ("2.0.0-rc.1", "2.0.0", "2.0.0", "2.0.0"),
        ("v0.0.0", "0.0.1", "0.1.0", "1.0.0"),
    ],
)
def test_bumps(version, patch, minor, major):
    parsed = parse_version(version)
    assert parsed
    assert [str(parsed.bumped(part)) for part in ("patch", "minor", "major")] == [patch, minor, major]
