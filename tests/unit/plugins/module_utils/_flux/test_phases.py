# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.phases import Phases, Step


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([], {"source": None, "apply": None, "health": None}),
        ([(Step.NONE, 1.0)], {"source": None, "apply": None, "health": None}),
        ([(Step.FETCHED, 1.0), (Step.APPLIED, 3.0)], {"source": 1.0, "apply": 2.0, "health": None}),
        ([(Step.HEALTHY, 1.5)], {"source": 1.5, "apply": 0.0, "health": 0.0}),
        ([(Step.APPLIED, 1.0), (Step.FETCHED, 2.0)], {"source": 1.0, "apply": 0.0, "health": None}),
    ],
)
def test_seconds_until_each_step_was_first_behind_it(steps, seconds):
    phases = Phases(10.0)
    for step, after in steps:
        phases = phases.after(step, 10.0 + after)
    assert phases.seconds() == seconds
