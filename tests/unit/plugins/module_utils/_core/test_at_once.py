# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Calls at once keep the order of their items, and the first error is the one that is raised."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import (
    for_each,
    for_each_to_the_end,
)

SECONDS = 20


@pytest.mark.parametrize("calls", [for_each, for_each_to_the_end])
def test_results_are_in_the_order_of_the_items_however_the_calls_end(calls) -> None:
    second_ended = threading.Event()

    def call(item: int) -> int:
        if item == 1:
            assert second_ended.wait(SECONDS)
        if item == 2:
            second_ended.set()
        return item * 10

    assert calls(call, [1, 2, 3], at_once=2) == [10, 20, 30]


@pytest.mark.parametrize("calls", [for_each, for_each_to_the_end])
def test_the_error_of_the_first_item_is_raised_though_another_failed_earlier(calls) -> None:
    second_failed = threading.Event()

    def call(item: int) -> None:
        if item == 1:
            assert second_failed.wait(SECONDS)
        second_failed.set()
        raise ValueError(item)

    with pytest.raises(ValueError, match="1"):
        calls(call, [1, 2], at_once=2)


def test_with_an_error_all_items_are_still_called_where_each_is_to_end() -> None:
    called = []

    def call(item: int) -> None:
        called.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="1"):
        for_each_to_the_end(call, range(1, 6), at_once=1)

    assert called == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("calls", [for_each, for_each_to_the_end])
def test_nothing_to_do_is_nothing(calls) -> None:
    assert calls(str, [], at_once=1) == []
