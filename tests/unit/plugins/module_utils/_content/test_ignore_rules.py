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
        # Where it is not gitignore(5) that counts:
        ("/*/**", "a.yaml", True),
        ("/*/**", "app/", True),
        ("/*/**/", "a.yaml", False),
        ("/*/**/", "app/a.yaml", True),
        ("/**", "a.yaml", False),
        ("**", "app/a.yaml", True),
        ("a/**", "a/", True),
        ("**/a/b", "x/a/c/a/b", False),
        ("**/**/b", "x/y/b", True),
        ("a**/b", "ax/b", False),
        ("a**", "ax", True),
        ("x//b", "x/b", True),
        ("**//b", "x/b", False),
        ("a/*", "a/", False),
        ("a/", "a/b", True),
        ("[!a].yaml", "a.yaml", True),
        ("[^a].yaml", "a.yaml", False),
        ("[^a].yaml", "b.yaml", True),
        ("[c-a]", "b", False),
        ("[a\\-c]", "b", False),
        ("[a\\]]", "]", True),
        ("*]", "a]", True),
        ("a\\ ", "a ", True),
        ("{a,b}", "a", False),
        ("a?b", "a/b", False),
        ("a+b", "a+b", True),
        ("\t", "\t", False),
        ("a\n#b\n!a", "a", False),
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


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("!", "'!' matches nothing, since it names nothing"),
        ("/", "'/' matches nothing, since it names nothing"),
        ("app/[ab", "'app/\\[ab' matches nothing, since '\\[ab' is not complete"),
        ("a[]", "'\\[\\]' is not complete"),
        ("[a-]", "'\\[a-\\]' is not complete"),
        ("a\\", "is not complete"),
    ],
)
def test_a_pattern_that_flux_never_matches_is_refused_with_its_file(pattern, why):
    with pytest.raises(LoopError, match=rf"^app/\.sourceignore: the pattern .*{why}. Correct the pattern"):
        IgnoreRules.for_root().within("app/", f"*.md\n{pattern}")


@pytest.mark.parametrize(
    "name",
    [
        ".#a.yaml",
        "#a.yaml#",
        "a.yaml~",
        ".a.yaml.swp",
        ".a.yaml.swx",
        ".a.yaml.kate-swp",
        "a.yaml___jb_tmp___",
        ".goutputstream-X1Y2Z3",
        ".DS_Store",
    ],
)
def test_what_editors_leave_is_left_out_whatever_sourceignore_says(name):
    rules = IgnoreRules.for_root().within("", "/*\n!/app")
    assert rules.ignores(f"app/{name}")
    assert not rules.flux_ignores(f"app/{name}")
    assert not IgnoreRules.for_root([f"!\\{name}"]).ignores(name)


@pytest.mark.parametrize("name", ["a.yaml", "#a.yaml", "swp", "a.swp", ".swap.yaml", "~a"])
def test_what_looks_a_little_like_it_is_kept(name):
    assert not IgnoreRules.for_root().ignores(name)
