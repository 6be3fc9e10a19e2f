# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: the programs of the cache, and one loop that is up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import PROGRAMS, Loop


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all state goes instead of the user's ~/.local/share; a path that is easily broken."""
    folder = tmp_path_factory.mktemp("home") / "größer als zuvor"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def binary(home: Path) -> Callable[[str], str]:
    """The path of a program in the cache, by name; what the cache lacks is built first."""
    run = Loop("programs", home).tasks(
        [{"ansible.builtin.include_role": {"name": "gitops.flux_local.binaries"}}]
    )
    paths = run.succeeded().facts["binaries_paths"]
    return lambda name: str(paths[name]["program"])


@pytest.fixture(scope="session")
def shared_loop(home: Path) -> Iterator[Loop]:
    """A loop that was brought up with its examples."""
    shared = Loop("prüf stand", home)
    try:
        shared.up()
        yield shared
    finally:
        shared.purge()
        left = shared.processes()
    assert not left
    assert not shared.state_dir.exists()


@pytest.fixture
def loop(shared_loop: Loop) -> Loop:
    """The loop of all tests. Each leaves it up; after one that failed it is brought up anew."""
    if sorted(shared_loop.processes().values()) != PROGRAMS:
        shared_loop.up()
    return shared_loop


@pytest.fixture
def new_loop(home: Path) -> Iterator[Callable[..., Loop]]:
    """Makes loops of a test's own, of which nothing is left after it."""
    made: list[Loop] = []

    def make(name: str, **variables: Any) -> Loop:
        made.append(Loop(name, home, variables))
        return made[-1]

    yield make
    for one in made:
        if one.processes():
            one.purge()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test puts its workloads."""
    return tmp_path / "Äpfel & Birnen"
