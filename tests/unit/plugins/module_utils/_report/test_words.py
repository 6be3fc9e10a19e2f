# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._report.words import (
    ago,
    lasted,
    mood,
    size,
    standing,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.loop_status import STATUS


@pytest.mark.parametrize(
    ("changes", "words", "told"),
    [
        ({}, ["ready"], "good"),
        ({"behind": 1}, ["ready", "1 version behind"], "warn"),
        ({"behind": None}, ["ready"], "good"),
        ({"state": "failed", "behind": 3}, ["failed", "3 versions behind"], "bad"),
        ({"state": "suspended", "suspended": True}, ["suspended"], "idle"),
        ({"suspended": True}, ["ready", "suspended"], "warn"),
        ({"drift": ["x"]}, ["ready", "drifted"], "warn"),
        ({"state": "in_progress"}, ["in progress"], "busy"),
    ],
)
def test_how_a_workload_stands(changes, words, told):
    workload = copy.deepcopy(STATUS["workloads"][0]) | changes
    assert (standing(workload), mood(workload)) == (words, told)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7300, "2 h"), (200000, "2 d")],
)
def test_times_have_one_unit(seconds, text):
    assert lasted(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (52_000_000, "52 MB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_have_one_unit(amount, text):
    assert size(amount) == text


def test_how_long_ago_is_not_known_of_what_never_was():
    assert ago(None, STATUS["taken_at"]) == "-"
    assert ago("2026-11-24T18:30:23Z", "2026-11-24T18:31:23Z") == "60 s"
