# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The page on a loop: what it says, and that nothing in a status can do anything to it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.plugin_utils.status_html import html_of
from ansible_collections.gitops.flux_local.tests.unit.fakes.loop_status import (
    HOSTILE,
    STATUS,
    replaced,
    silent,
)


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


def test_an_empty_loop_that_answers_nothing_is_a_report_too():
    report = html_of(silent())
    assert "nobody is there" in report
    assert "workloads are not known, 1 problem" in report


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
