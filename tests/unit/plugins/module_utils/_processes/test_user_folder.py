# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Sockets and links go to a folder of the user's own, whoever has made one of that name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    User,
    known_folders,
    make_own,
    shared_folder,
    socket_folder,
    this_user,
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def user(place: Path) -> User:
    for name in ("home", "run", "temporary"):
        (place / name).mkdir(mode=0o700)
    return User(os.getuid(), f"{place}/home", f"{place}/run", f"{place}/temporary")


def test_sockets_go_where_the_system_has_a_folder_for_them_and_links_where_every_run_finds_them(user):
    assert socket_folder(user) == f"{user.runtime}/flux-local"
    assert shared_folder(user) == f"{user.home}/.local/state/flux-local"
    assert shared_folder(replace(user, runtime="")) == shared_folder(user)


@pytest.mark.parametrize("damage", ["absent", "open", "relative", "link", "long", "file"])
def test_a_runtime_folder_that_is_of_no_use_gives_way_to_the_home(user, damage):
    runtime = Path(user.runtime)
    match damage:
        case "absent":
            runtime.rmdir()
        case "open":
            runtime.chmod(0o755)
        case "link":
            runtime.rename(f"{runtime}-moved")
            runtime.symlink_to(f"{runtime}-moved")
        case "file":
            runtime.rmdir()
            runtime.touch(0o600)
    named = {"relative": "run", "long": f"{runtime}/{'x' * 80}"}.get(damage, user.runtime)
    if damage == "long":
        Path(named).mkdir(mode=0o700)
    assert socket_folder(replace(user, runtime=named)) == f"{user.home}/.local/state/flux-local"


@pytest.mark.parametrize("home", ["", "/dev/null", "/nonexistent\0", "long"])
def test_where_there_is_no_home_it_is_the_temporary_folder(user, place, home):
    if "\0" in home:
        Path(user.home, ".local").touch()
        home = user.home
    if home == "long":
        home = f"{user.home}/{'x' * 90}"
        Path(home).mkdir()
        assert shared_folder(replace(user, home=home)).startswith(home)  # it has no sockets
    homeless = replace(user, home=home, runtime="")
    assert socket_folder(homeless) == f"{place}/temporary/flux-local-{user.uid}"


@pytest.mark.parametrize("taken", ["file", "link", "theirs"])
def test_a_name_that_somebody_has_taken_gives_way_to_one_that_nobody_can_guess(place, user, taken):
    homeless = replace(user, home="", runtime="")
    first = Path(socket_folder(homeless))
    match taken:
        case "file":
            first.touch()
        case "link":
            (place / "theirs").mkdir()
            first.symlink_to(place / "theirs")
        case "theirs":
            # For somebody else it is somebody else's.
            first.mkdir()
            homeless = replace(homeless, uid=user.uid + 1)
            Path(f"{place}/temporary/flux-local-{homeless.uid}").mkdir()
    chosen, other = socket_folder(homeless), socket_folder(homeless)
    assert chosen != other
    if taken != "theirs":
        make_own(chosen)
        assert socket_folder(homeless) == shared_folder(homeless) == chosen
        assert known_folders(homeless) == [chosen]


def test_what_any_run_has_used_is_known(user, place):
    assert known_folders(user) == []
    folders = [f"{place}/{name}" for name in ("run/flux-local", "home/.local/state/flux-local")]
    folders += [f"{place}/temporary/flux-local-{user.uid}", f"{place}/temporary/flux-local-{user.uid}-0123"]
    for folder in folders:
        make_own(folder)
    assert known_folders(user) == folders
    assert known_folders(replace(user, uid=user.uid + 1)) == []
    shutil.rmtree(place / "temporary")
    assert known_folders(user) == folders[:2]


def test_nobody_else_may_look_into_it(place):
    (place / "own").mkdir()
    (place / "own").chmod(0o755)
    make_own(f"{place}/own")
    assert (place / "own").stat().st_mode & 0o777 == 0o700


def test_somebody_else_s_folder_is_refused(place):
    (place / "theirs").mkdir()
    (place / "own").symlink_to(place / "theirs")
    with pytest.raises(LoopError, match="belongs to somebody else"):
        make_own(f"{place}/own")


def test_this_user_has_a_home_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("HOME", "/elsewhere")
    user = this_user({"XDG_RUNTIME_DIR": "/run/user/1"})
    assert (user.uid, user.runtime) == (os.getuid(), "/run/user/1")
    assert user.home != "/elsewhere"
    assert this_user({}).runtime == ""
