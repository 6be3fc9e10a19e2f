# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.durations import seconds


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("1m30s", "90"), ("1m0s", "60"), ("60s", "60"), ("1.5h", "5400"), ("250ms", "0.25"), ("0s", "0")],
)
def test_durations_in_seconds(duration, expected):
    assert seconds(duration, "interval") == Decimal(expected)


@given(st.integers(0, 10**6))
def test_a_duration_is_the_same_however_it_is_split(total):
    minutes, rest = divmod(total, 60)
    assert (
        seconds(f"{total}s", "x") == seconds(f"{minutes}m{rest}s", "x") == seconds(f"{total * 1000}ms", "x")
    )
