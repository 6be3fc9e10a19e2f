# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What runs for a loop is found, replaced and ended, whatever became of the loop's files."""

from __future__ import annotations

import shutil

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import Process
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.recovery import end_everything
from ansible_collections.gitops.flux_local.tests.unit.fakes.supervision import Bench

SERVER = Process("server", ("/bin/server",), priority=10)
CLIENT = Process("client", ("/bin/client",), priority=20)
SUPERVISORD = 4711


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "loop")


@pytest.fixture
def lost(bench):
    """A loop of two groups, of whose supervisord the socket is gone; of the second one nothing runs."""
    bench.start(bench.group(CLIENT, SERVER, name="one"))
    bench.start(bench.group(Process("other", ("/bin/other",)), name="two"))
    bench.stop(bench.group(name="two"))
    bench.lose(SUPERVISORD)
    return bench


def end(bench, *, check_mode=False):
    return end_everything(
        str(bench.state_dir), supervisor=bench.supervisor, machine=bench.machine, check_mode=check_mode
    )


def test_a_supervisord_that_cannot_be_reached_is_replaced_with_what_it_ran_once(lost):
    foretold = lost.start(lost.group(CLIENT, SERVER, name="one"), check_mode=True)
    assert foretold["changed"]
    assert lost.machine.killed == []
    result = lost.start(lost.group(CLIENT, SERVER, name="one"))
    assert result["why"] == [f"supervisord (process {SUPERVISORD}) runs, but does not answer"]
    assert lost.machine.killed[0] == SUPERVISORD
    assert lost.supervisor.calls == ["launch", "start server", "start client"]
    assert lost.start(lost.group(CLIENT, SERVER, name="one"))["why"] == []


def test_a_group_of_it_is_stopped_and_the_others_run(lost):
    result = lost.stop(lost.group(name="two"))
    assert result["changed"]
    assert lost.supervisor.calls == ["launch", "start server", "start client"]
    assert lost.stop(lost.group(name="two"))["changed"] is False


def test_what_it_does_not_end_is_ended_before_another_starts(lost):
    lost.start(lost.group(CLIENT, SERVER, name="one"))
    assert lost.machine.killed[0] == SUPERVISORD
    assert len(lost.machine.killed) == 3


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_loop_that_is_stopped_has_nothing_left(bench, check_mode):
    bench.start(bench.group(CLIENT, SERVER))
    bench.stop(bench.group())
    assert end(bench, check_mode=check_mode) == {"changed": False, "why": [], "processes": []}


def test_check_mode_leaves_to_groups_what_they_will_say(bench):
    bench.start(bench.group(CLIENT, SERVER))
    assert end(bench, check_mode=True)["why"] == []


@pytest.mark.parametrize("is_reachable", [True, False])
def test_what_no_file_knows_of_any_more_is_ended(bench, is_reachable):
    bench.start(bench.group(CLIENT, SERVER))
    if not is_reachable:
        bench.lose(SUPERVISORD)
    shutil.rmtree(bench.state_dir)
    foretold = [bench.stop(bench.group(), check_mode=True), end(bench, check_mode=True)]
    assert any(result["changed"] for result in foretold)
    assert any(result["changed"] for result in (bench.stop(bench.group()), end(bench)))
    assert not bench.machine.running
    assert not bench.supervisor.alive
    assert end(bench)["changed"] is False


def test_what_does_not_end_is_named(bench):
    bench.machine.running = {7: ("/bin/server", "--port=1")}
    bench.machine.immortal = True
    with pytest.raises(LoopError, match=r"still runs: server \(process 7\) did not end"):
        end(bench)


def test_what_supervisord_would_not_start_with_is_written_anew(bench):
    group = bench.group(SERVER, name="one")
    bench.start(group)
    bench.start(bench.group(CLIENT, name="two"))
    bench.stop(bench.group(name="two"))
    bench.stop(bench.group(name="one"))
    before = bench.files()
    (bench.state_dir / "supervisor/conf.d/two.conf").write_bytes(b"[program:client]\ncommand=/bin/\xff")
    bench.start(group)
    assert list(bench.supervisor.live) == ["server"]
    bench.start(bench.group(CLIENT, name="two"))
    assert bench.files() == before


def test_a_state_folder_that_was_moved_starts_where_it_is(bench, tmp_path):
    for name, process in (("one", SERVER), ("two", CLIENT)):
        bench.start(bench.group(process, name=name))
    for name in ("one", "two"):
        bench.stop(bench.group(name=name))
    bench.state_dir.rename(tmp_path / "moved")
    moved = Bench(tmp_path / "moved")
    moved.start(moved.group(SERVER, name="one"))
    moved.start(moved.group(CLIENT, name="two"))
    assert all(str(bench.state_dir) not in content.decode() for content in moved.files().values())
    assert [found.state for found in moved.supervisor.live.values()] == ["RUNNING", "RUNNING"]
