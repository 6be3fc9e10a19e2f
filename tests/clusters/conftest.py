# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of clusters share: the engines and images of the lab, and one loop on kind that is up.

They run in two processes. Those that use the loop on kind are of one group, so that there is one such loop.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.clusters import lab
from ansible_collections.gitops.flux_local.tests.clusters.lab import KindLoop


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say once what is not there, in the place of all tests."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    lacking = lab.lacking(lab.REGISTRY_IMAGE)
    if lacking:
        pytest.exit(lacking, returncode=1)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all state goes instead of the user's ~/.local/share; a path that is easily broken."""
    folder = tmp_path_factory.mktemp("home") / "größer als zuvor"
    folder.mkdir()
    # Finalizers are run then, as after an interrupt.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lab.nothing_left(lab.SESSION, tmp_path_factory.getbasetemp()):
        yield folder


@pytest.fixture(scope="session")
def kind_options(home: Path) -> dict[str, Any]:
    """The options with which site.yml makes a loop on kind here."""
    lacking = lab.lacking(lab.NODE_IMAGE)
    if lacking:
        pytest.fail(lacking, pytrace=False)
    return lab.kind_options()


@pytest.fixture(scope="session")
def shared_kind_loop(
    home: Path, kind_options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KindLoop]:
    """A loop on kind that was brought up with its examples."""
    shared = KindLoop(lab.new_name(), home, kind_options)
    try:
        with lab.alone_with_kind(tmp_path_factory.getbasetemp().parent):
            shared.up()
        yield shared
    finally:
        shared.purge()
    assert not shared.nodes
    assert not shared.state_dir.exists()


@pytest.fixture
def kind_loop(shared_kind_loop: KindLoop) -> KindLoop:
    """The loop on kind of all tests. Each leaves it up; after one that failed it is brought up anew."""
    if not shared_kind_loop.nodes:
        shared_kind_loop.up()
    return shared_kind_loop


@pytest.fixture
def new_kind_loop(home: Path, kind_options: dict[str, Any]) -> Iterator[Callable[..., KindLoop]]:
    """Makes loops on kind of a test's own, of which nothing is left after it."""
    made: list[KindLoop] = []

    def make(**variables: Any) -> KindLoop:
        made.append(KindLoop(lab.new_name(), home, kind_options | variables))
        return made[-1]

    yield make
    for one in made:
        one.end()
