# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.zeros import without_zeros


@pytest.mark.parametrize(
    ("desired", "answered", "left"),
    [
        ({"wait": 0, "replicas": 0}, {"replicas": 0}, {"replicas": 0}),
        ({"a": {"b": False, "c": "", "d": [], "e": {}, "f": 1}}, {"a": {"f": 1}}, {"a": {"f": 1}}),
        ({"size": 1}, {}, {"size": 1}),  # no zero
        ({"emptyDir": {}}, {"emptyDir": {}}, {"emptyDir": {}}),
        # Items of lists are found by their names, or in their places.
        (
            [{"name": "b", "tty": False}, {"name": "a", "tty": False}],
            [{"name": "a"}, {"name": "more"}, {"name": "b", "tty": False}],
            [{"name": "b", "tty": False}, {"name": "a"}],
        ),
        ([{"port": 1, "node": 0}], [{"port": 1}], [{"port": 1}]),
        ([{"port": 1, "node": 0}], [{"port": 2}, {"port": 1}], [{"port": 1, "node": 0}]),
        (["", 0], ["", 0], ["", 0]),
    ],
)
def test_zeros_that_the_api_server_leaves_out(desired, answered, left):
    assert without_zeros(desired, answered) == left
