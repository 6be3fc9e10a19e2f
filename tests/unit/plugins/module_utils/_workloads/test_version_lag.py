# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.version_lag import (
    Held,
    lag,
    read_held,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.versions import (
    MIDDLE,
    NEW,
    OLD,
    repository,
    version,
)


@pytest.mark.parametrize(
    ("applied", "behind"),
    [(NEW.digest, 0), (MIDDLE.digest, 1), (OLD.digest, 2), ("sha256:gone", None), ("", None)],
)
def test_how_many_versions_are_newer_than_the_applied_one(applied, behind):
    held = read_held(
        ["oci://a"], lambda url: repository(v1=OLD, v2=MIDDLE, latest=NEW), storage_dir=None, seconds=5
    )
    told = lag(held["oci://a"], applied)
    assert (told["behind"], told["newest"]["tags"], told["versions_total"]) == (behind, ["latest"], 3)


def test_a_registry_that_does_not_answer_is_told_and_nothing_is_made_up():
    def refuse(url):
        raise LoopError("nobody is there")

    held = read_held(["oci://a"], refuse, storage_dir=None, seconds=5)
    assert held["oci://a"].problem == "nobody is there"
    assert lag(held["oci://a"], NEW.digest) == {
        "behind": None,
        "newest": None,
        "versions": [],
        "versions_total": 0,
    }


def test_a_registry_that_takes_too_long_is_not_waited_for():
    held = read_held(["oci://a"], lambda url: repository(v1=OLD), storage_dir=None, seconds=-1)
    assert "not all 1 versions of oci://127.0.0.1:5001/shop could be read in time" in held["oci://a"].problem


def test_versions_older_than_the_applied_one_are_not_all_listed():
    many = {f"v{hour}": version(hour) for hour in range(20)}
    held = read_held(["oci://a"], lambda url: repository(**many), storage_dir=None, seconds=5)["oci://a"]
    told = lag(held, many["v18"].digest)
    assert [one["tags"] for one in told["versions"]] == [["v19"], ["v18"], ["v17"], ["v16"], ["v15"], ["v14"]]
    assert told["versions_total"] == 20


def test_nothing_held_is_nothing_known():
    assert lag(Held(), "")["behind"] is None
