# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import threading
import time

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.push_on_save import (
    Saved,
    concerned,
    follow,
    line_of,
    saved_workloads,
    saves,
)

DIGEST = "sha256:" + "0123456789ab" + "0" * 52


@pytest.fixture
def listed(tmp_path):
    for name in ("shop", "shop-admin"):
        (tmp_path / name).mkdir()
    (tmp_path / "one.yaml").write_text("a: 1\n")
    return [
        {"name": "shop", "path": "./shop"},
        {"name": "admin", "path": str(tmp_path / "shop-admin")},
        {"name": "file", "path": "one.yaml"},
        {"name": "gone", "state": "absent"},
        {"name": "leaving", "path": "./shop", "state": "absent"},
    ]


@pytest.mark.parametrize(
    ("only", "names"),
    [([], ["shop", "admin", "file"]), (["file"], ["file"]), (["file", "shop"], ["shop", "file"])],
)
def test_those_named_are_watched_or_all_that_are_present(listed, tmp_path, only, names):
    assert [one.name for one in saved_workloads(listed, only, str(tmp_path))] == names


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ("shop/deep/a.yaml", ["shop"]),
        ("shop", ["shop"]),
        ("shop-admin/a.yaml", ["admin"]),
        ("one.yaml", ["file"]),
        ("two.yaml", []),
    ],
)
def test_a_change_concerns_the_workload_that_holds_it(listed, tmp_path, changed, names):
    watched = saved_workloads(listed, [], str(tmp_path))
    assert concerned(watched, {str(tmp_path.resolve() / changed)}) == names


def test_of_a_file_its_folder_is_watched_since_editors_replace_files(listed, tmp_path):
    [one] = saved_workloads(listed, ["file"], str(tmp_path))
    assert one.folder == str(tmp_path.resolve())


@pytest.mark.parametrize(
    ("options", "only", "said"),
    [
        ([{"name": "shop", "path": "./nowhere"}], [], "there is no "),
        ([{"name": "shop", "path": "."}], ["blog"], "no workload blog"),
        ([{"name": "gone", "state": "absent"}], [], "nothing to watch"),
        ([], [], "nothing to watch"),
    ],
)
def test_what_cannot_be_watched_is_named(tmp_path, options, only, said):
    with pytest.raises(LoopError, match=said):
        saved_workloads(options, only, str(tmp_path))


def receipts(*names, changed=True):
    return {"receipts": [{"name": name, "pushed_digest": DIGEST, "changed": changed} for name in names]}


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (receipts("shop"), "12:00:00  shop 0123456789ab  applied and proven in 0.62 s"),
        (receipts("shop", changed=False), "12:00:00  shop  is as it was (0.62 s)"),
        (LoopError("it does\nnot build"), "12:00:00  shop  failed after 0.62 s: it does not build"),
    ],
)
def test_a_round_is_one_line(outcome, line):
    assert line_of(["shop"], 0.62, outcome, "12:00:00") == line


def test_each_change_brings_about_only_what_it_concerns_and_no_failure_ends_that():
    workloads = [Saved("shop", "/w/shop"), Saved("blog", "/w/blog")]
    asked: list[list[str]] = []
    said: list[str] = []

    def bring_about(names):
        asked.append(list(names))
        if len(asked) == 2:
            raise LoopError("it does not build")
        if len(asked) == 3:
            raise ValueError("nobody thought of this")
        return receipts(*names)

    changes = iter([set(), {"/w/shop/a"}, set(), {"/elsewhere"}, {"/w/blog/b"}, {"/w/shop/a", "/w/blog/b"}])
    assert follow(workloads, changes, bring_about, said.append) == 4
    assert asked == [["shop", "blog"], ["shop"], ["blog"], ["shop", "blog"]]
    assert "it does not build" in said[1]
    assert "nobody thought of this" in said[2]
    assert "proven" in said[3]


def test_it_ends_after_the_rounds_that_are_asked_for():
    changes = iter([set(), {"/w/a"}, {"/w/a"}])
    assert (
        follow([Saved("a", "/w/a")], changes, lambda names: receipts(*names), lambda line: None, rounds=2)
        == 2
    )
    assert next(changes) == {"/w/a"}


def test_a_save_is_heard_of_once_and_what_editors_keep_is_not(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    changes = saves([Saved("shop", str(tmp_path))])
    assert next(changes) == set()

    def save():
        for name in (".a.yaml.swp", "#a.yaml#", ".a.yaml.kate-swp"):
            (tmp_path / name).write_text("x")
        for text in ("a: 2\n", "a: 3\n"):
            (tmp_path / "a.yaml").write_text(text)

    writer = threading.Timer(0.05, save)
    writer.start()
    found: list[str] = []
    deadline = time.monotonic() + 60
    while not found and time.monotonic() < deadline:
        found = sorted(next(changes))
    writer.join()
    assert [re.sub(".*/", "", path) for path in found] == ["a.yaml"]
    assert next(changes) == set()
