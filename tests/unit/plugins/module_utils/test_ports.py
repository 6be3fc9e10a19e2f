# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import fcntl
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils.ports import (
    choose,
    choosing_alone,
    ports_of_siblings,
    read_ports,
)


def chosen(wanted, kept=None, pinned=None, *, reserved=(), taken=(), spare=(9001, 9002, 9003)):
    numbers = iter(spare)
    return choose(
        wanted,
        kept or {},
        pinned or {},
        reserved=reserved,
        is_free=lambda port: port not in taken,
        any_free=lambda: next(numbers),
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"wanted": {"registry": 5001}}, {"registry": 5001}),
        ({"wanted": {"registry": 5001}, "taken": {5001}}, {"registry": 9001}),
        ({"wanted": {"registry": 5001}, "reserved": {5001, 9001}}, {"registry": 9002}),
        # What was chosen once is kept, also while the loop itself listens on it.
        ({"wanted": {"registry": 5001}, "kept": {"registry": 7000}, "taken": {7000}}, {"registry": 7000}),
        ({"wanted": {"registry": 5001}, "pinned": {"registry": 6000}}, {"registry": 6000}),
        (
            {
                "wanted": {"registry": 5001},
                "kept": {"registry": 6000},
                "pinned": {"registry": 6000},
                "taken": {6000},
            },
            {"registry": 6000},
        ),
        ({"wanted": {"etcd": 2379, "peer": 2379}}, {"etcd": 2379, "peer": 9001}),
        # Another name of this loop has the default already.
        ({"wanted": {"etcd": 2379}, "kept": {"registry": 2379}}, {"etcd": 9001}),
    ],
)
def test_chooses(asked, expected):
    assert chosen(**asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"wanted": {"registry": 5001}, "pinned": {"registry": 6000}, "taken": {6000}},
        {"wanted": {"registry": 5001}, "pinned": {"registry": 6000}, "reserved": {6000}},
        {"wanted": {"registry": 5001}, "kept": {"etcd": 6000}, "pinned": {"registry": 6000}},
    ],
)
def test_a_pinned_port_that_cannot_be_had_is_an_error_that_names_it(asked):
    with pytest.raises(LoopError, match=r"registry_port: port 6000"):
        chosen(**asked)


@given(
    names=st.sets(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6),
    reserved=st.sets(st.integers(5000, 5010)),
    taken=st.sets(st.integers(5000, 5010)),
)
def test_ports_are_distinct_free_and_nobody_elses(names, reserved, taken):
    spare = iter(range(6000, 6100))
    ports = choose(
        dict.fromkeys(names, 5001),
        {},
        {},
        reserved=reserved,
        is_free=lambda port: port not in taken,
        any_free=lambda: next(spare),
    )
    assert ports.keys() == names
    assert len(set(ports.values())) == len(names)
    assert not set(ports.values()) & (reserved | taken)


def test_reads_what_was_kept_and_what_siblings_keep(tmp_path):
    for name, ports in {"one": {"registry": 5001}, "two": {"registry": 5002, "etcd": 2379}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "ports.json").write_text(json.dumps(ports))
    assert read_ports(str(tmp_path / "one")) == {"registry": 5001}
    assert read_ports(str(tmp_path / "three")) == {}
    assert ports_of_siblings(str(tmp_path / "one")) == {5002, 2379}


@pytest.mark.parametrize("text", ["", "[1]", '{"registry": "x"}', "{"])
def test_a_broken_file_is_an_error_that_names_it(tmp_path, text):
    (tmp_path / "ports.json").write_text(text)
    with pytest.raises(LoopError, match=r"ports\.json cannot be read"):
        read_ports(str(tmp_path))


def test_a_sibling_with_a_broken_file_does_not_matter(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ports.json").write_text("{")
    assert ports_of_siblings(str(tmp_path / "own")) == set()


def test_only_one_loop_beside_others_chooses_at_a_time(tmp_path):
    state_dir = str(tmp_path / "loops" / "one")
    with choosing_alone(state_dir):
        other = os.open(tmp_path / "loops", os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    assert list((tmp_path / "loops").iterdir()) == []
