# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._content.git_revision import (
    GitRevision,
    format_revision,
    git_revision,
    without_credentials,
)

COMMIT = "a" * 40
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/team/shop.git", "https://github.com/team/shop.git"),
        ("https://user:token@github.com/team/shop", "https://github.com/team/shop"),
        ("https://token@github.com/team/shop", "https://github.com/team/shop"),
        ("https://user:p[ss@host/shop", "https://host/shop"),
        ("https://user:p]:@[::1]:8443/shop", "https://[::1]:8443/shop"),
        ("https://[host/shop", "https://[host/shop"),
        ("https://host:8443/team/shop?token=x#y", "https://host:8443/team/shop"),
        ("https://user:p@ss@host/shop", "https://host/shop"),
        ("ssh://git@host:22/team/shop", "ssh://git@host:22/team/shop"),
        ("ssh://git:secret@host/team/shop", "ssh://git@host/team/shop"),
        ("git@github.com:team/shop.git", "git@github.com:team/shop.git"),
        ("/srv/git/shop.git", "/srv/git/shop.git"),
    ],
)
def test_credentials_are_stripped(url, expected):
    assert without_credentials(url) == expected


@pytest.mark.parametrize(
    ("name", "commit", "is_dirty", "expected"),
    [
        ("main", COMMIT, False, f"main@sha1:{COMMIT}"),
        ("v1.0", COMMIT, True, f"v1.0@sha1:{COMMIT}-dirty"),
        ("main", "b" * 64, False, f"main@sha256:{'b' * 64}"),
        ("main", "(initial)", True, None),
        ("main", "", False, None),
    ],
)
def test_revisions(name, commit, is_dirty, expected):
    assert format_revision(name, commit, is_dirty=is_dirty) == expected


class Checkout:
    """A repository with one commit, on branch main."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        command = ["git", "-C", str(self.path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def revision_of(path: Path) -> str:
    revision = git_revision(str(path)).revision
    assert revision
    return revision


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    checkout = Checkout(tmp_path / "checkout with ü")
    (checkout.path / "app").mkdir(parents=True)
    (checkout.path / "app" / "a.yaml").write_text("a: 1\n")
    (checkout.path / "other.yaml").write_text("")
    checkout("init", "--quiet", "--initial-branch=main")
    checkout("add", ".")
    checkout("commit", "--quiet", "--message=first")
    return checkout


@needs_git
def test_branch_commit_and_remote(git):
    git("remote", "add", "origin", "https://me:token@example.com/shop.git")
    commit = git("rev-parse", "HEAD")
    expected = GitRevision("https://example.com/shop.git", f"main@sha1:{commit}")
    assert git_revision(str(git.path)) == expected
    assert git_revision(str(git.path / "app")) == expected
    assert git_revision(str(git.path / "app" / "a.yaml")) == expected


@needs_git
def test_the_branch_s_own_remote_counts_before_origin(git):
    git("remote", "add", "origin", "https://example.com/fork")
    git("remote", "add", "upstream", "https://example.com/shop")
    git("config", "branch.main.remote", "upstream")
    assert git_revision(str(git.path)).source == "https://example.com/shop"


@needs_git
@pytest.mark.parametrize("change", ["modified", "untracked", "staged", "removed"])
def test_only_a_change_in_the_folder_makes_it_dirty(git, change):
    app = git.path / "app"
    if change == "removed":
        (app / "a.yaml").unlink()
    else:
        (app / ("new.yaml" if change == "untracked" else "a.yaml")).write_text("a: 2\n")
    if change == "staged":
        git("add", ".")
    assert revision_of(app).endswith("-dirty")
    assert not revision_of(git.path / "other.yaml").endswith("-dirty")


@needs_git
def test_a_detached_head_is_named_by_its_tag(git):
    commit = git("rev-parse", "HEAD")
    git("checkout", "--quiet", "--detach")
    assert git_revision(str(git.path)).revision == f"HEAD@sha1:{commit}"
    git("tag", "v1.0")
    assert git_revision(str(git.path)).revision == f"v1.0@sha1:{commit}"


@needs_git
def test_without_a_commit_there_is_no_revision(git, tmp_path):
    (tmp_path / "new").mkdir()
    git("-C", str(tmp_path / "new"), "init", "--quiet")
    assert git_revision(str(tmp_path / "new")) == GitRevision()


@needs_git
def test_outside_of_a_repository_there_is_nothing(git, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(git.path / ".git"))  # as in a hook
    (tmp_path / "plain").mkdir()
    assert git_revision(str(tmp_path / "plain")) == GitRevision()
    assert git_revision(str(git.path / ".git")) == GitRevision()


@needs_git
def test_git_that_refuses_is_a_warning(git):
    (git.path / ".git" / "config").write_text("[broken\n")
    told = git_revision(str(git.path))
    assert (told.source, told.revision) == (None, None)
    assert told.warning
    assert "bad config" in told.warning


def test_without_git_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_revision(str(tmp_path)) == GitRevision()
