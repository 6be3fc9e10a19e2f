# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The edge, with a real supervisord: it is found by what runs, wherever its files and its socket are."""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import is_alive
from ansible_collections.gitops.flux_local.plugins.module_utils._loop import usage
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Group,
    Process,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.group import (
    ensure_started,
    ensure_stopped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.machine import LocalMachine
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.recovery import end_everything
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.supervisord import (
    Supervisord,
    supervisord_pids,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import User

NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
SLEEP = (shutil.which("sleep") or "sleep", "3600.5")


class Real:
    """A loop of one program that sleeps, in a home of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.state_dir = place / "größer als zuvor"
        self.user = User(os.getuid(), f"{place}/home", "", f"{place}/temporary")
        for folder in ("home", "temporary"):
            (place / folder).mkdir()

    @property
    def machine(self) -> LocalMachine:
        return LocalMachine(str(self.state_dir))

    @property
    def supervisord(self) -> Supervisord:
        return Supervisord(str(self.state_dir), self.user)

    def start(self) -> dict[str, Any]:
        group = Group(str(self.state_dir), "one", (Process("sleep", SLEEP),))
        return ensure_started(
            group, supervisor=self.supervisord, machine=self.machine, wait=True, timeout=20, check_mode=False
        )

    def stop(self) -> dict[str, Any]:
        group = Group(str(self.state_dir), "one")
        return ensure_stopped(
            group,
            forget=False,
            supervisor=self.supervisord,
            machine=self.machine,
            timeout=20,
            check_mode=False,
        )

    def end(self) -> dict[str, Any]:
        return end_everything(
            str(self.state_dir), supervisor=self.supervisord, machine=self.machine, check_mode=False
        )

    @property
    def pids(self) -> list[int]:
        return [*supervisord_pids(str(self.state_dir)), *self.machine.programs()]


@pytest.fixture
def real() -> Iterator[Real]:
    with tempfile.TemporaryDirectory() as folder:
        loop = Real(Path(folder))
        yield loop
        loop.end()
        assert loop.pids == []


def test_whatever_is_cleaned_away_a_loop_starts_once_more_and_then_is_as_it_was(real, monkeypatch):
    assert real.start()["changed"]
    assert real.start()["changed"] is False
    before = real.pids
    assert len(before) == 2

    # Another shell has a folder for sockets, where none of this loop's is.
    (real.place / "run").mkdir(mode=0o700)
    real.user = User(real.user.uid, real.user.home, f"{real.place}/run", real.user.temporary)
    assert real.start()["changed"] is False

    shutil.rmtree(real.place / "home")
    real.user = User(real.user.uid, "", "", real.user.temporary)
    monkeypatch.setattr(usage, "this_user", lambda: real.user)
    with pytest.raises(Exception, match="programs run, but the supervisord that has started them cannot be"):
        usage.programs(str(real.state_dir), {}, NOW)
    assert real.start()["why"][0] == f"supervisord (process {before[0]}) runs, but does not answer"
    assert not set(real.pids) & set(before)
    assert len(real.pids) == 2
    assert real.start()["changed"] is False

    shutil.rmtree(real.place / "temporary")
    (real.place / "temporary").mkdir()
    assert real.stop()["changed"]
    assert real.pids == []
    assert real.stop()["changed"] is False


def test_a_copy_and_a_moved_folder_are_not_taken_for_each_other(real):
    real.start()
    supervisord, program = real.pids
    shutil.copytree(real.state_dir, real.place / "copy")
    copied = Supervisord(str(real.place / "copy"), real.user)
    assert (copied.unreachable, copied.is_running()) == ([], False)
    assert LocalMachine(str(real.place / "copy")).programs() == {}

    real.state_dir = real.state_dir.rename(real.place / "moved")
    assert real.pids == [supervisord, program]
    assert "runs, but does not answer" in real.start()["why"][0]
    assert not set(real.pids) & {supervisord, program}
    assert len(real.pids) == 2
    assert real.start()["changed"] is False

    # Nothing says any more what the loop was.
    shutil.rmtree(real.state_dir)
    running = real.pids
    assert real.stop()["changed"] is False
    assert real.end()["changed"]
    assert not any(map(is_alive, running))
    assert real.end()["changed"] is False


def test_only_what_has_exactly_these_arguments_is_a_program(real):
    real.start()
    [pid] = real.machine.programs({SLEEP})
    assert real.machine.programs({(SLEEP[0], "3600")}) == {}
    real.machine.kill(real.pids[0])
    assert list(real.machine.programs()) in ([], [pid])
