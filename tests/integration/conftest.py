# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: the programs of the cache, and one loop that is up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.integration.hostile import BLOB, Elsewhere, elsewhere
from ansible_collections.gitops.flux_local.tests.integration.loops import (
    PROGRAMS,
    Loop,
    nothing_left_below,
)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all state goes instead of the user's ~/.local/share; a path that is easily broken."""
    folder = tmp_path_factory.mktemp("home") / "größer als zuvor"
    folder.mkdir()
    # Finalizers are run then, as after an interrupt.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with nothing_left_below(tmp_path_factory.getbasetemp()):
        yield folder


@pytest.fixture(scope="session")
def binary(home: Path) -> Callable[[str], str]:
    """The path of a program in the cache, by name; what the cache lacks is built first."""
    run = Loop("programs", home).tasks(
        [{"ansible.builtin.include_role": {"name": "gitops.flux_local.binaries"}}]
    )
    paths = run.succeeded().facts["binaries_paths"]
    return lambda name: str(paths[name]["program"])


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """What the environment of all loops leads to: every playbook of every test runs in it."""
    with elsewhere(tmp_path_factory.mktemp("elsewhere")) as others:
        yield others


@pytest.fixture(autouse=True)
def others_are_left_alone(others: Elsewhere) -> Iterator[None]:
    """Whatever a test does, nobody asks another server, or touches another registry's content."""
    yield
    asked, others.asked[:] = list(others.asked), []
    assert asked == []
    assert (others.storage / BLOB).read_text() == "of others"


@pytest.fixture(scope="session")
def shared_loop(home: Path, others: Elsewhere) -> Iterator[Loop]:
    """A loop that was brought up with its examples."""
    shared = Loop("prüf stand", home, surroundings=others.environment)
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
def new_loop(home: Path, others: Elsewhere) -> Iterator[Callable[..., Loop]]:
    """Makes loops of a test's own, of which nothing is left after it."""
    made: list[Loop] = []

    def make(name: str, **variables: Any) -> Loop:
        made.append(Loop(name, home, variables, surroundings=others.environment))
        return made[-1]

    yield make
    for one in made:
        if one.processes():
            one.purge()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test puts its workloads."""
    return tmp_path / "Äpfel & Birnen"
