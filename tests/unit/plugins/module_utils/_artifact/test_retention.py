# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.retention import (
    Decision,
    Rules,
    parse_duration,
    retain,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import Version, grouped
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import CREATED, Manifest

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def version(*tags: str, age: timedelta | None = timedelta(), **fields: Any) -> Version:
    """A version with these tags, made ``age`` before now."""
    created = {} if age is None else {CREATED: (NOW - age).isoformat()}
    body = json.dumps({"annotations": created | {"tags": ",".join(tags)}} | fields).encode()
    manifest = Manifest(body)
    return Version(manifest.digest, tags, manifest)


def days(*tags_by_age: str) -> list[Version]:
    """A version for each of the arguments (tags with blanks between), one day apart, the first the newest."""
    return [version(*tags.split(), age=timedelta(days=age)) for age, tags in enumerate(tags_by_age)]


def kept(decisions: list[Decision]) -> list[str]:
    return [" ".join(one.version.tags) for one in decisions if one.is_kept]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(keep_last=2), ["1.1.0 latest", "2.0.0-rc.1"]),
        (Rules(keep_last=0), []),
        (Rules(keep_last=2, order="semver"), ["2.0.0-rc.1", "1.1.0 latest"]),
        (Rules(keep_newer_than=timedelta(days=1)), ["1.1.0 latest", "2.0.0-rc.1"]),
        (Rules(keep_newer_than=timedelta(hours=23)), ["1.1.0 latest"]),
        (Rules(keep_tags=("1.0.*", "main-*")), ["main-abc", "1.0.1", "1.0.0"]),
        (Rules(keep_latest_of="minor"), ["1.1.0 latest", "1.0.1", "0.9.0"]),
        (Rules(keep_latest_of="major"), ["1.1.0 latest", "0.9.0"]),
        (Rules(keep_last=1, keep_tags=("0.*",)), ["1.1.0 latest", "0.9.0"]),
    ],
)
def test_rules(rules, expected):
    pushed = days("1.1.0 latest", "2.0.0-rc.1", "main-abc", "1.0.1", "1.0.0", "0.9.0")
    assert kept(retain(pushed, rules, {}, NOW)) == expected


def test_every_decision_says_why():
    pushed = days("1.1.0 latest", "1.0.0", "0.9.0")
    rules = Rules(keep_last=1, keep_newer_than=timedelta(days=1), keep_tags=("latest",))
    protected = {pushed[0].digest: ["OCIRepository flux-system/shop, status"]}
    first, second, third = retain(pushed, rules, protected, NOW)
    assert first.reasons == (
        "OCIRepository flux-system/shop, status",
        "keep_last: number 1 of 3",
        "keep_newer_than: 0s old",
        "keep_tags: latest is like latest",
    )
    assert second.reasons == ("keep_newer_than: 24h old",)
    assert not third.is_kept
    assert third.reasons == (
        "keep_last: number 3, 1 are kept",
        "keep_newer_than: 2d old",
        "keep_tags: none of its tags is like one of them",
    )
    assert third.as_dict() | {"digest": ""} == {
        "digest": "",
        "tags": ["0.9.0"],
        "created": "2026-05-30T12:00:00Z",
        "kept": False,
        "why": list(third.reasons),
    }


def test_what_has_no_time_is_old_for_counting_and_young_for_removing():
    unknown, old = version("a", age=None), version("b", age=timedelta(days=900))
    assert kept(retain([unknown, old], Rules(keep_last=1), {}, NOW)) == ["b"]
    assert kept(retain([unknown, old], Rules(keep_newer_than=timedelta(days=1)), {}, NOW)) == ["a"]


def test_signatures_share_the_fate_of_what_they_sign():
    new, old = days("2.0.0", "1.0.0")
    signatures = [
        version(f"sha256-{signed.digest.removeprefix('sha256:')}.sig", age=timedelta(days=-1))
        for signed in (new, old)
    ]
    decisions = {
        one.version.digest: one for one in retain([new, old, *signatures], Rules(keep_last=1), {}, NOW)
    }
    assert [decisions[one.digest].is_kept for one in (new, old, *signatures)] == [True, False, True, False]
    assert decisions[signatures[1].digest].reasons == (f"belongs to {old.digest}, which is not kept",)
    # What a cluster refers to may have no tag, and so be none of the versions.
    decisions = {
        one.version.digest: one for one in retain(signatures, Rules(keep_last=0), {old.digest: ["Flux"]}, NOW)
    }
    assert [decisions[one.digest].is_kept for one in signatures] == [False, True]


def test_the_parts_of_an_index_that_stays_stay():
    part = version("part", age=timedelta(days=9))
    index = version("index", manifests=[{"digest": part.digest}])
    assert kept(retain([part, index], Rules(keep_last=1), {}, NOW)) == ["index", "part"]


def test_versions_are_grouped_by_digest():
    one, other = version("x", age=timedelta(days=2)).manifest, version("y").manifest
    found = grouped([("v1", one), ("stable", one), ("v2", other), (one.digest, one)])
    assert [(each.digest, each.tags) for each in found] == [
        (other.digest, ("v2",)),
        (one.digest, ("stable", "v1")),
    ]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("12h", 43200), ("1d12h", 129600), ("2w", 1209600)]
)
def test_durations(text, seconds):
    assert parse_duration(text, "keep_newer_than").total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 days", "1y", "9" * 30 + "w"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(LoopError, match="keep_newer_than"):
        parse_duration(text, "keep_newer_than")


@pytest.mark.parametrize("arguments", [{}, {"keep_last": -1}, {"order": "semver"}])
def test_rules_that_keep_nothing_by_mistake_are_none(arguments):
    with pytest.raises(LoopError, match="keep_last"):
        Rules(**arguments)


_tags = st.lists(
    st.sampled_from(
        ["latest", "stable", "main-1", "1.0.0", "1.1.0", "v2.0.0", "2.0.0-rc.1", "sha256-" + "a" * 64]
    ),
    unique=True,
    max_size=3,
)
_ages = st.none() | st.integers(-5, 400).map(lambda hours: timedelta(hours=hours))
_versions = st.lists(
    st.builds(lambda tags, age: version(*tags, age=age), _tags, _ages), unique_by=lambda v: v.digest
)
_rules = st.builds(
    Rules,
    keep_last=st.integers(0, 4),
    keep_newer_than=st.none() | st.just(timedelta(days=3)),
    keep_tags=st.lists(st.sampled_from(["*", "1.*", "none"])).map(tuple),
    keep_latest_of=st.sampled_from([None, "major", "minor"]),
    order=st.sampled_from(["created", "semver"]),
)


@given(pushed=_versions, rules=_rules, choice=st.randoms(use_true_random=False))
def test_what_is_protected_is_never_removed_whatever_the_order(pushed, rules, choice: random.Random):
    protected = {one.digest: ["Flux"] for one in pushed if choice.random() < 0.4}
    protected["sha256:" + "0" * 64] = ["a version that is not listed"]
    decisions = retain(pushed, rules, protected, NOW)
    assert sorted(one.version.digest for one in decisions) == sorted(one.digest for one in pushed)
    assert all(one.is_kept for one in decisions if one.version.digest in protected)
    assert all(one.reasons for one in decisions)
    shuffled = list(pushed)
    choice.shuffle(shuffled)
    assert retain(shuffled, rules, protected, NOW) == decisions


@given(pushed=_versions, rules=_rules)
def test_pruning_twice_removes_nothing_more(pushed, rules):
    left = [one.version for one in retain(pushed, rules, {}, NOW) if one.is_kept]
    assert all(one.is_kept for one in retain(left, rules, {}, NOW))
