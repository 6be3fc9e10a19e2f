# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Lists read as sentences do."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import some_of


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["a", "b", "c", "d", "e"], "a, b and 3 more"),
    ],
)
def test_a_long_list_is_cut_and_counted(names: list[str], sentence: str) -> None:
    assert some_of(names, 2) == sentence
