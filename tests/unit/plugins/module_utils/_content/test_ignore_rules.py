# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_rules import IgnoreRules
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError


@pytest.mark.parametrize(
    ("path", "is_ignored"),
    [
        ("deployment.yaml", False),
        (".hidden", False),
        (".github", False),  # the pattern is for folders only
        (".github/", True),
        (".git/", True),
        (".git", True),  # a worktree's file
        ("app/.git/", True),
        ("app/.gitignore", True),
        ("logo.png", True),
        ("app/logo.PNG", False),
        ("app/charts.tar.gz", True),
        ("a/b/.sops.yaml", True),
        (".sourceignore", False),
    ],
)
def test_flux_defaults(path, is_ignored):
    assert IgnoreRules.for_root().ignores(path) is is_ignored


# What github.com/fluxcd/pkg/sourceignore v0.18.0 answered for the same patterns and paths.
@pytest.mark.parametrize(
    ("patterns", "path", "is_ignored"),
    [
        ("*.md", "docs/a.md", True),
        ("/*.md", "docs/a.md", False),
        ("*.md\n!keep.md", "docs/keep.md", False),
        ("!keep.md\n*.md", "docs/keep.md", True),
        ("docs/", "docs", False),
        ("docs/", "docs/", True),
        ("docs/", "docs/a/b.md", True),
        ("docs/\n!docs/keep.md", "docs/keep.md", False),
        ("/*\n!/deploy", "deploy/app/a.yaml", False),
        ("/*\n!/deploy", "other/a.yaml", True),
        ("!/deploy", "deploy/logo.png", False),
        ("!*.png", "logo.png", False),
        ("a/b", "x/a/b", False),
        ("**/a/b", "x/a/b", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/c", "a/c", True),
        ("[ab].yaml", "a.yaml", True),
        ("[ab].yaml", "c.yaml", False),
        ("\\#a", "#a", True),
        ("# a comment", "# a comment", False),
        ("\\!a", "!a", True),
        ("a b", "a b", True),
        ("a  ", "a", True),
        ("*.md\r\nb", "a.md", True),
        ("ü*", "über.yaml", True),
    ],
)
def test_sourceignore(patterns, path, is_ignored):
    assert IgnoreRules.for_root().within("", patterns).ignores(path) is is_ignored


def test_nested_sourceignore_is_relative_to_its_folder_and_wins():
    outer = IgnoreRules.for_root().within("", "*.md\n/only.yaml")
    inner = outer.within("app/", "!*.md\n/only.yaml")
    assert inner.ignores("app/only.yaml")
    assert not inner.ignores("app/deep/only.yaml")
    assert not inner.ignores("app/a.md")
    assert outer.ignores("a.md")


def test_own_patterns_win_over_everything_and_flux_does_not_know_them():
    rules = IgnoreRules.for_root(["!logo.png", "*.yaml"]).within("", "!a.yaml")
    assert rules.ignores("a.yaml")
    assert not rules.ignores("logo.png")
    assert rules.flux_ignores("logo.png")
    assert not rules.flux_ignores("a.yaml")


@pytest.mark.parametrize(
    ("patterns", "own", "can_bring_back"),
    [("docs/", [], False), ("docs/\n!a", [], True), ("docs/", ["!a"], True), ("docs/", ["a"], False)],
)
def test_only_a_negation_brings_something_back(patterns, own, can_bring_back):
    assert IgnoreRules.for_root(own).within("", patterns).can_bring_back is can_bring_back


def test_a_pattern_that_is_none_names_its_file():
    with pytest.raises(LoopError, match=r"app/\.sourceignore"):
        IgnoreRules.for_root().within("app/", "!")
