# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

from hypothesis import given

from ansible_collections.gitops.flux_local.plugins.module_utils._report.status_markdown import (
    escaped,
    markdown_of,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.loop_status import (
    HOSTILE,
    STATUS,
    replaced,
    silent,
)


def test_an_empty_loop_that_answers_nothing_is_a_report_too():
    report = markdown_of(silent())
    assert "nobody is there" in report
    assert "workloads are not known, 1 problem" in report


@given(HOSTILE)
def test_whatever_a_status_holds_it_means_nothing_to_markdown(text):
    safe = escaped(text)
    assert "\n" not in safe
    assert not re.search(r"(?<!\\)[`*_{}\[\]#|~]|[<>@]|https?://", safe.replace("&#", ""))
    rows = [
        line for line in markdown_of(replaced(STATUS, "name", text)).splitlines() if line.startswith("| ")
    ]
    assert {len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) for row in rows} == {3, 7}
