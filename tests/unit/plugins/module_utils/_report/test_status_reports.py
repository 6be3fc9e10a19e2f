# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The reports on a loop: what they say, and that nothing in a status can do anything to them."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._report.status_markdown import (
    escaped,
    markdown_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._report.status_text import text_of
from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import WIDTH
from ansible_collections.gitops.flux_local.plugins.module_utils._report.svg import (
    depths,
    graph_of,
    layout,
    timeline_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._report.words import (
    ago,
    lasted,
    mood,
    size,
    standing,
)
from ansible_collections.gitops.flux_local.plugins.plugin_utils.status_html import html_of

STATUS = json.loads((Path(__file__).parent / "recordings" / "loop_status.json").read_text())
HOSTILE = st.one_of(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "'\"]]>--><svg/onload=x>",
            "\x1b[2J\x1b]0;owned\x07",
            "line\nbreak | pipe `code` **bold** [link](http://example.com)",
            "x" * 400,
            "&lt;b&gt;",
            "\u202egnirts\u0000",
        ]
    ),
    st.text(max_size=120),
)


def replaced(value, key, text):
    """The same status with ``text`` for every value of ``key``."""
    if isinstance(value, dict):
        return {
            name: text if name == key and isinstance(one, str) else replaced(one, key, text)
            for name, one in value.items()
        }
    return [replaced(one, key, text) for one in value] if isinstance(value, list) else value


class Page(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.texts = [], set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes |= {(tag, name) for name, _value in attrs}

    def handle_data(self, data):
        self.texts.append(data)


def test_the_terminal_report_says_what_somebody_wants_to_know():
    report = text_of(STATUS)
    rows = {line.split()[0]: line for line in report.splitlines() if line.strip()}
    assert rows["shop:"].startswith(
        "shop: 8 workloads, 5 ready, 1 in progress, 1 failed, 1 suspended, 1 behind"
    )
    assert rows["payments"].endswith("ready, 2 versions behind")
    assert rows["metrics"].endswith("ready, drifted")
    assert rows["search"].endswith("failed")
    assert re.search(r"etcd +3\.6\.8 +running +52 MB +0 +4 min", report)
    assert "! search: Deployment shop/search: its Pod search-5d is in ImagePullBackOff. Correct the" in report
    assert "! reports: DependencyNotReady: dependency search is not ready" in report
    assert "! kube-controller-manager does not run (backoff)." in report
    assert "registry 5001" in report
    assert "364 days left" in report
    assert "47 GB free" in report


def test_the_page_has_everything_flux_says():
    text = " ".join(Page(html_of(STATUS)).texts)
    kustomization = STATUS["kustomizations"][0]
    for said in (
        kustomization["conditions"][0]["message"],
        kustomization["events"][-1]["message"],
        kustomization["history"][0]["duration"],
        kustomization["inventory"][0]["name"],
        "Correct the image.",
        "Deployment exceeded its progress deadline",
        STATUS["workloads"][0]["applied_revision"],
    ):
        assert said in text


def test_what_failed_is_open_and_marked():
    page = html_of(STATUS)
    assert '<details id="w-flux-system.search" open>' in page
    assert page.count(" open>") == page.count('<p class="message bad">') == STATUS["summary"]["failed"]
    assert page.count('<p class="message">') == len(STATUS["workloads"]) - STATUS["summary"]["failed"]


def test_what_looks_like_a_template_is_text():
    page = html_of(replaced(STATUS, "message", "{{ 6 * 7 }}{% raw %}{# x #}"))
    assert "{{ 6 * 7 }}{% raw %}{# x #}" in page


def test_the_page_needs_nothing_else():
    page = Page(html_of(STATUS))
    assert not {"script", "img", "iframe", "object"} & set(page.elements)
    assert not {name for _tag, name in page.attributes if name in ("src", "action") or name.startswith("on")}
    assert not re.search(r"(src|href)=\"(?!#|data:,)|@import|url\((?!#)", html_of(STATUS))


@pytest.mark.parametrize("render", [text_of, markdown_of, html_of])
def test_an_empty_loop_that_answers_nothing_is_a_report_too(render):
    nothing: dict[str, Any] = {
        "workloads": [],
        "sources": [],
        "kustomizations": [],
        "programs": [],
        "ports": [],
    }
    summary = dict.fromkeys(STATUS["summary"], 0) | {"well": False, "problems": 1}
    problems = [{"part": "flux", "message": "Flux could not be asked: nobody is there"}]
    silent = STATUS | nothing | {"disk": None, "certificates": [], "problems": problems, "summary": summary}
    assert "nobody is there" in render(silent)
    assert "workloads are not known, 1 problem" in render(silent)


@settings(deadline=None, max_examples=50)
@given(
    key=st.sampled_from(["name", "namespace", "message", "reason", "follows", "version", "kubeconfig"]),
    text=HOSTILE,
)
def test_whatever_a_status_holds_the_page_stays_the_same_page(key, text):
    plain = Page(html_of(replaced(STATUS, key, "plain")))
    page = html_of(replaced(STATUS, key, text))
    assert Page(page).elements == plain.elements
    assert Page(page).attributes <= plain.attributes | {("td", "class")}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", page)


@settings(deadline=None, max_examples=50)
@given(key=st.sampled_from(["name", "message", "reason", "follows", "part"]), text=HOSTILE)
def test_whatever_a_status_holds_the_terminal_report_fits(key, text):
    report = text_of(replaced(STATUS, key, text))
    assert all(char.isprintable() or char == "\n" for char in report)
    lines = [line for line in report.split("\n") if not line.startswith(("kubeconfig ", "cluster ", "flux "))]
    assert max(map(len, lines)) <= WIDTH


@settings(deadline=None, max_examples=50)
@given(HOSTILE)
def test_whatever_a_status_holds_it_means_nothing_to_markdown(text):
    safe = escaped(text)
    assert "\n" not in safe
    assert not re.search(r"(?<!\\)[`*_{}\[\]#|~]|[<>@]|https?://", safe.replace("&#", ""))
    rows = [
        line for line in markdown_of(replaced(STATUS, "name", text)).splitlines() if line.startswith("| ")
    ]
    assert {len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) for row in rows} == {3, 7}


@settings(deadline=None, max_examples=50)
@given(key=st.sampled_from(["name", "namespace", "status", "revision", "duration"]), text=HOSTILE)
def test_the_pictures_are_well_formed_whatever_they_show(key, text):
    status = replaced(STATUS, key, text)
    for picture in (graph_of(status["workloads"]), timeline_of(status["kustomizations"], status["taken_at"])):
        if picture:
            ElementTree.fromstring(picture)  # noqa: S314 - our own, and no entity can be in it


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1).map(
    lambda names: [("n", x) for x in names]
)


@settings(deadline=None, max_examples=50)
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


def test_every_field_of_a_status_is_documented():
    page = (Path(__file__).parents[5] / "docs" / "status.md").read_text()

    def fields(value, path=""):
        if isinstance(value, list):
            for one in value[:1]:
                yield from fields(one, path)
        elif isinstance(value, dict):
            for name, one in value.items():
                yield name
                if path == "" or name in ("newest", "cause", "versions", "folders", "depends_on"):
                    yield from fields(one, name)

    own = {name: value for name, value in STATUS.items() if name not in ("sources", "kustomizations", "flux")}
    missing = sorted({name for name in [*STATUS, *fields(own)] if f"`{name}`" not in page})
    assert missing == []
