# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The same ranges and filters given to our code and to Flux's own, built from its Go modules."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver import parse_version
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver_ranges import allowed
from ansible_collections.gitops.flux_local.tests.unit.fakes.semver_cases import CASES, TAGS

GO = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}


def flux(questions: list[dict[str, object]]) -> list[list[str] | None]:
    """What Flux makes of each: the tags in the range, the highest first; None for what it refuses."""
    module = Path(__file__).parent / "modules" / "semver"
    done = subprocess.run(
        ["go", "run", "-buildvcs=false", "."],
        cwd=module,
        env=GO,
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[list[str] | None] = json.loads(done.stdout)
    return answers


def ours(text: str, pattern: str) -> list[str] | None:
    try:
        return [tag for _version, tag in allowed(TAGS, text, pattern)]
    except LoopError:
        return None


@pytest.fixture(scope="module")
def answers() -> list[list[str] | None]:
    return flux([{"tags": TAGS, "range": text, "filter": pattern} for text, pattern in CASES])


def test_ranges_and_filters_choose_what_flux_chooses(answers):
    wrong = {}
    for (text, pattern), theirs in zip(CASES, answers, strict=True):
        mine = ours(text, pattern)
        # Flux's order of equal versions, such as 1.0.0 and v1.0.0, depends on how many tags there are.
        if mine is None or theirs is None:
            agree = mine is theirs
        else:
            agree = sorted(mine) == sorted(theirs) and [*map(parse_version, mine)] == [
                *map(parse_version, theirs)
            ]
        if not agree:
            wrong[text, pattern] = (mine, theirs)
    assert wrong == {}


def test_the_cases_say_something(answers):
    assert sum(theirs is None for theirs in answers) > 50
    assert sum(bool(theirs) for theirs in answers) > 400
