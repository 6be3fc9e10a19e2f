# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._report.svg import (
    depths,
    graph_of,
    layout,
    timeline_of,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.loop_status import HOSTILE, STATUS, replaced


@given(key=st.sampled_from(["name", "namespace", "status", "revision", "duration"]), text=HOSTILE)
def test_the_pictures_are_well_formed_whatever_they_show(key, text):
    status = replaced(STATUS, key, text)
    for picture in (graph_of(status["workloads"]), timeline_of(status["kustomizations"], status["taken_at"])):
        if picture:
            ElementTree.fromstring(picture)  # noqa: S314 - our own, and no entity can be in it


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1).map(
    lambda names: [("n", x) for x in names]
)


@given(names=NAMES, chosen=st.randoms(use_true_random=False))
def test_each_workload_stands_right_of_what_it_waits_for_and_on_no_other(names, chosen):
    wanted = {
        name: chosen.sample(names[:number], chosen.randint(0, number)) for number, name in enumerate(names)
    }
    boxes = layout(wanted)
    assert len({(box.x, box.y) for box in boxes.values()}) == len(names)
    for name, below in wanted.items():
        assert all(boxes[one].x < boxes[name].x for one in below)


def test_a_hundred_workloads_that_wait_for_nothing_are_no_tower():
    boxes = layout({("n", f"w{number}"): [] for number in range(100)})
    assert max(box.y for box in boxes.values()) < 600
    assert len({(box.x, box.y) for box in boxes.values()}) == 100


def test_a_cycle_is_drawn_too():
    assert sorted(depths({("n", "a"): [("n", "b")], ("n", "b"): [("n", "a")]}).values()) == [0, 1]


def test_a_graph_has_an_arrow_for_each_dependency():
    picture = ElementTree.fromstring(graph_of(STATUS["workloads"]))  # noqa: S314 - our own
    arrows = [element for element in picture.iter("path") if element.get("class") == "edge"]
    assert len(arrows) == sum(len(workload["depends_on"]) for workload in STATUS["workloads"])
    assert len(list(picture.iter("rect"))) == len(STATUS["workloads"])
