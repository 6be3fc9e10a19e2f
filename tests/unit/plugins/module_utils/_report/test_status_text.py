# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable
from ansible_collections.gitops.flux_local.plugins.module_utils._report.status_text import text_of
from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import WIDTH
from ansible_collections.gitops.flux_local.tests.unit.fakes.loop_status import (
    HOSTILE,
    STATUS,
    replaced,
    silent,
)


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


def test_an_empty_loop_that_answers_nothing_is_a_report_too():
    report = text_of(silent())
    assert "nobody is there" in report
    assert "workloads are not known, 1 problem" in report


@given(key=st.sampled_from(["name", "message", "reason", "follows", "part"]), text=HOSTILE)
def test_whatever_a_status_holds_the_terminal_report_fits(key, text):
    report = text_of(replaced(STATUS, key, text))
    assert all(printable(char) == char or char == "\n" for char in report)
    lines = [line for line in report.split("\n") if not line.startswith(("kubeconfig ", "cluster ", "flux "))]
    assert max(map(len, lines)) <= WIDTH
