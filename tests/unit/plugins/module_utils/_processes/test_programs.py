# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A program is stopped for a while, and is not started where somebody else is at work."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import folder_by
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Process
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.programs import paused
from ansible_collections.gitops.flux_local.tests.unit.fakes.supervision import Bench

SERVER = Process("server", ("/bin/server",))
CLIENT = Process("client", ("/bin/client",))


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "loop")
    bench.start(bench.group(SERVER, CLIENT))
    bench.supervisor.calls.clear()
    return bench


@pytest.mark.parametrize("ends", [None, KeyboardInterrupt, LoopError("it failed")])
def test_a_program_runs_again_however_its_pause_ends(bench, ends):
    try:
        with paused("server", supervisor=bench.supervisor, timeout=1):
            assert bench.supervisor.live["server"].state == "STOPPED"
            if ends:
                raise ends
    except (KeyboardInterrupt, LoopError):
        assert ends
    assert bench.supervisor.calls == ["stop server", "start server"]


def test_what_was_down_stays_down(bench):
    bench.supervisor.stop("server")
    bench.supervisor.calls.clear()
    with paused("server", supervisor=bench.supervisor, timeout=1):
        pass
    bench.supervisor.shutdown()
    with paused("server", supervisor=bench.supervisor, timeout=1):
        pass
    assert bench.supervisor.calls == ["shutdown"]


def test_nothing_is_done_beside_a_program_that_cannot_be_stopped(bench):
    bench.lose(4711)
    with (
        pytest.raises(LoopError, match=r"process 4711\) runs, but does not answer\. Run site\.yml"),
        paused("server", supervisor=bench.supervisor, timeout=1),
    ):
        raise AssertionError("it is begun")


def test_a_program_does_not_start_in_a_folder_that_somebody_has_locked(bench, tmp_path):
    owner = Process("owner", ("/bin/owner",), own_folder=str(tmp_path))
    with folder_by(str(tmp_path), deadline=0):
        with pytest.raises(LoopError, match=f"{tmp_path} is used by another process after 0.2 s"):
            bench.start(bench.group(owner, name="two"))
        assert bench.supervisor.live["owner"].state == "STOPPED"
    bench.start(bench.group(owner, name="two"))
    assert bench.supervisor.live["owner"].state == "RUNNING"
