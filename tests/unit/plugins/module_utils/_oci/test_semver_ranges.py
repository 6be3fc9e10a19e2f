# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Samples; that everything is as in Flux's own code is tested against that in tests/integration."""

from __future__ import annotations

import time

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver_ranges import (
    allowed,
    choose,
    parse_range,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.semver_cases import CASES, TAGS

RELEASES = [
    "0.2.3",
    "0.3.0",
    "1.0.0",
    "v1.10.0",
    "1.2.0",
    "2.0.0-rc.1",
    "2.0.0-rc.10",
    "2.0.0-rc.2",
    "1.2",
    "latest",
]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("*", "v1.10.0"),
        ("1.x", "v1.10.0"),
        (">=1.0.0 <1.10.0", "1.2.0"),
        ("~1.2", "1.2.0"),
        ("^0.2.0", "0.2.3"),
        ("1.0.0 - 1.2", "1.2.0"),
        ("<1 || 1.2.0", "1.2.0"),
        (">=1.0.0-0", "2.0.0-rc.10"),
        ("2.x", None),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
        ("!=1.10.0", "1.2.0"),
        (">=3", None),
    ],
)
def test_the_tag_flux_chooses(text, chosen):
    assert choose(RELEASES, text) == chosen


def test_a_filter_comes_first():
    assert choose(["1.0.0-stable", "1.1.0-beta"], ">=1.0.0-0", "-stable$") == "1.0.0-stable"


def test_of_equal_versions_the_first_is_chosen():
    assert choose(["1.0.0", "v1.0.0"], "*") == "1.0.0"
    assert choose(["v1.0.0", "1.0.0"], "*") == "v1.0.0"


@pytest.mark.parametrize("text", ["", "latest", "1.2.3.4", "==1", "1 ||", "1|2", "x" * 513, "1||" * 32 + "1"])
def test_what_is_no_range(text):
    with pytest.raises(LoopError, match="semver: "):
        parse_range(text)


@pytest.mark.parametrize("pattern", ["(", "(?=rc)", "(?!rc)", "(?<=rc)", r"(r)\1", "(?P<a>r)(?P=a)"])
def test_what_is_no_filter_for_flux(pattern):
    with pytest.raises(LoopError, match="semver_filter: "):
        allowed(["1.0.0"], "*", pattern)


def test_no_range_takes_long():
    start = time.process_time()  # what others on this machine do is not counted
    for text, pattern in CASES:
        try:
            allowed(TAGS, text, pattern)
        except LoopError:
            continue
    assert time.process_time() - start < 10
