# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.order import (
    in_order,
    unlisted_dependencies,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import (
    Endpoint,
    read_workloads,
)

ENDPOINT = Endpoint("127.0.0.1:5001", "registry:5000", insecure=True)


def listed(**dependencies):
    return read_workloads(
        [
            {"name": name, "path": name, "repository": f"all/{name}", "depends_on": after}
            for name, after in dependencies.items()
        ],
        ENDPOINT,
    )


def test_dependencies_come_first_and_the_order_is_kept_otherwise():
    ordered = in_order(listed(web=["api"], docs=[], api=["base"], base=[]))
    assert [workload.name for workload in ordered] == ["base", "api", "web", "docs"]


@pytest.mark.parametrize(
    ("dependencies", "told"),
    [
        ({"a": ["a"]}, "a -> a is a cycle"),
        ({"a": ["b"], "b": ["a"]}, "a -> b -> a is a cycle"),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, "a -> b -> c -> a is a cycle"),
    ],
)
def test_a_cycle_is_shown(dependencies, told):
    with pytest.raises(LoopError, match=told):
        in_order(listed(**dependencies))


@given(st.data())
def test_every_workload_comes_once_and_after_what_it_depends_on(data):
    names = data.draw(st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=7))
    dependencies = {
        name: data.draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        for index, name in enumerate(names)
    }
    shuffled = data.draw(st.permutations(list(dependencies.items())))
    ordered = [workload.name for workload in in_order(listed(**dict(shuffled)))]
    assert sorted(ordered) == sorted(names)
    assert all(ordered.index(after) < ordered.index(name) for name in names for after in dependencies[name])


def test_dependencies_that_the_list_does_not_bring_are_told_with_who_wants_them():
    workloads = read_workloads(
        [
            {"name": "web", "path": "x", "depends_on": ["api", "old", "gone"]},
            {"name": "api", "path": "x"},
            {"name": "gone", "state": "absent"},
        ],
        ENDPOINT,
    )
    found = {(str(ref), name) for ref, name in unlisted_dependencies(workloads).items()}
    assert found == {
        ("Kustomization flux-system/old", "web"),
        ("Kustomization flux-system/gone", "web"),
    }
