# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import fcntl
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.ports import (
    choose,
    choosing_alone,
    ports_of_others,
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


def made(folder, ports=None):
    folder.mkdir(parents=True)
    (folder / "ports.json").write_text("{" if ports is None else json.dumps(ports))
    return str(folder)


def test_reads_what_was_kept_and_what_other_loops_keep(tmp_path):
    loops = str(tmp_path / "cache" / "loops")
    one = made(tmp_path / "data" / "one", {"registry": 5001})
    made(tmp_path / "data" / "two", {"registry": 5002, "etcd": 2379})
    elsewhere = made(tmp_path / "elsewhere" / "one", {"registry": 5003})
    assert read_ports(one) == {"registry": 5001}
    assert read_ports(str(tmp_path / "data" / "three")) == {}
    assert ports_of_others(one, [loops]) == {5002, 2379}
    for state_dir in (one, elsewhere):
        with choosing_alone(state_dir, loops):
            pass
    assert ports_of_others(one, [loops]) == {5002, 2379, 5003}
    assert ports_of_others(elsewhere, [loops]) == {5001}


@pytest.mark.parametrize("text", ["", "[1]", '{"registry": "x"}', "{"])
def test_a_broken_file_is_an_error_that_names_it(tmp_path, text):
    (tmp_path / "ports.json").write_text(text)
    with pytest.raises(LoopError, match=r"ports\.json cannot be read"):
        read_ports(str(tmp_path))


def test_another_loop_s_broken_file_does_not_matter(tmp_path):
    made(tmp_path / "broken")
    assert ports_of_others(str(tmp_path / "own"), [str(tmp_path / "loops")]) == set()


def test_only_one_loop_chooses_at_a_time(tmp_path):
    loops = tmp_path / "cache" / "loops"
    with choosing_alone(str(tmp_path / "one"), str(loops)):
        other = os.open(loops, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_loop_that_is_gone_is_forgotten_and_what_is_not_a_link_is_left(tmp_path):
    loops = tmp_path / "loops"
    (loops / "folder").mkdir(parents=True)
    for name in ("gone", "here", "here"):
        with choosing_alone(str(tmp_path / name), str(loops)):
            pass
    assert {path.name if path.is_dir() else path.readlink().name for path in loops.iterdir()} == {
        "folder",
        "here",
    }


def test_somebody_else_s_folder_is_not_used(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "shared").symlink_to(tmp_path / "theirs")
    with (
        pytest.raises(LoopError, match=r"shared, where .* belongs to somebody else\. Remove it"),
        choosing_alone(str(tmp_path / "one"), str(tmp_path / "shared")),
    ):
        pass
    assert list((tmp_path / "theirs").iterdir()) == []


def test_what_is_in_the_folder_s_place_is_told(tmp_path):
    (tmp_path / "shared").write_text("")
    with (
        pytest.raises(LoopError, match=r"shared, where .* cannot be made: File exists\. Remove what is in"),
        choosing_alone(str(tmp_path / "one"), str(tmp_path / "shared")),
    ):
        pass
