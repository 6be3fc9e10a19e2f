# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    ConfigurationFile,
    Probe,
    Process,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import Live
from ansible_collections.gitops.flux_local.tests.unit.fakes.supervision import Bench

SERVER = Process("server", ("/bin/server", "--port=1"), priority=10, ports=(1,), ready=Probe("http://server"))
CLIENT = Process("client", ("/bin/client",), priority=20)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "loop")


def test_from_nothing_programs_start_in_the_order_of_their_priority(bench):
    result = bench.start(bench.group(CLIENT, SERVER))
    assert bench.supervisor.calls == ["launch", "start server", "start client"]
    assert result["changed"]
    assert [process["state"] for process in result["processes"]] == ["RUNNING", "RUNNING"]


def test_a_second_run_finds_nothing_to_do(bench):
    group = bench.group(CLIENT, SERVER, files=(ConfigurationFile(str(bench.state_dir / "c"), "x"),))
    bench.start(group)
    result = bench.start(group)
    assert (result["changed"], result["why"], bench.supervisor.calls) == (False, [], [])
    assert "diff" not in result


def test_only_the_program_that_differs_is_restarted(bench):
    bench.start(bench.group(CLIENT, SERVER))
    bench.start(bench.group(CLIENT, replace(SERVER, command=("/bin/server", "--port=2"))))
    assert bench.supervisor.calls == ["stop server", "start server"]


def test_a_program_is_restarted_with_the_file_it_reads(bench):
    path = str(bench.state_dir / "server.conf")

    def group(content):
        process = replace(SERVER, restarts_with=(path,))
        return bench.group(process, CLIENT, files=(ConfigurationFile(path, content),))

    bench.start(group("one"))
    bench.start(group("one"))
    assert bench.supervisor.calls == []
    bench.start(group("two"))
    assert bench.supervisor.calls == ["stop server", "start server"]


def test_a_program_that_is_no_longer_asked_for_is_stopped(bench):
    bench.start(bench.group(CLIENT, SERVER))
    bench.start(bench.group(SERVER))
    assert bench.supervisor.calls == ["stop client"]
    assert bench.supervisor.live.keys() == {"server"}


@pytest.mark.parametrize("state", ["STOPPED", "EXITED", "FATAL", "BACKOFF"])
def test_a_program_that_does_not_run_is_started(bench, state):
    bench.start(bench.group(CLIENT, SERVER))
    bench.supervisor.live["client"] = Live(state)
    result = bench.start(bench.group(CLIENT, SERVER))
    assert result["why"] == ["client is not running"]
    assert bench.supervisor.calls[-1] == "start client"


def test_check_mode_writes_nothing_and_says_what_would_change(bench):
    group = bench.group(SERVER, directories=(str(bench.state_dir / "storage"),))
    foretold = bench.start(group, check_mode=True)
    assert not bench.state_dir.exists()
    assert bench.supervisor.calls == []
    assert foretold["why"] == bench.start(group)["why"]


def test_another_group_is_left_alone(bench):
    bench.start(bench.group(SERVER, name="one"))
    bench.start(bench.group(CLIENT, name="two"))
    assert bench.supervisor.calls == ["start client"]
    bench.stop(bench.group(name="two"))
    assert bench.supervisor.calls == ["stop client"]
    assert bench.supervisor.live["server"].state == "RUNNING"


def test_a_port_that_somebody_else_has_is_named_before_anything_is_written(bench):
    bench.machine.taken = {1}
    with pytest.raises(LoopError, match=r"Port 1 on 127.0.0.1, where server .* is taken by another program"):
        bench.start(bench.group(SERVER))
    assert not bench.state_dir.exists()


def test_the_port_of_a_process_that_is_ending_is_waited_for(bench):
    bench.machine.ending = {1}
    assert bench.start(bench.group(SERVER))["changed"]


def test_what_a_killed_supervisord_left_is_ended_first(bench):
    bench.start(bench.group(SERVER))
    bench.supervisor.alive = False
    bench.machine.running = {7: ("/bin/server", "--port=1"), 8: ("/bin/server", "--port=10"), 9: ("server",)}
    bench.machine.taken = {1}
    bench.start(bench.group(SERVER))
    assert bench.machine.killed == [7]
    assert bench.supervisor.calls == ["launch", "start server"]


def test_one_that_supervisord_owns_is_no_orphan(bench):
    bench.start(bench.group(SERVER, CLIENT))
    pid = bench.supervisor.live["server"].pid
    bench.machine.running = {pid: ("/bin/server", "--port=1")}
    bench.supervisor.live["client"] = Live("EXITED")
    bench.start(bench.group(SERVER, CLIENT))
    assert bench.machine.killed == []


def test_one_that_does_not_answer_is_an_error_with_the_end_of_its_log(bench):
    bench.machine.silent = {"http://server"}
    log = bench.state_dir / "logs" / "server.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    with pytest.raises(LoopError) as failure:
        bench.start(bench.group(SERVER))
    assert "server is RUNNING but did not answer http://server within 0.2 s" in failure.value.message
    assert failure.value.message.endswith("line 99")
    assert "line 50\n" not in failure.value.message


def test_one_that_is_not_waited_for_may_be_silent(bench):
    bench.machine.silent = {"http://server"}
    assert bench.start(bench.group(SERVER), wait=False)["changed"]


def test_nothing_starts_before_what_it_requires_answers(bench):
    bench.machine.silent = {"http://api"}
    with pytest.raises(LoopError, match=r"http://api, which group needs, did not answer"):
        bench.start(bench.group(CLIENT, requires=(Probe("http://api"),)))
    assert "start client" not in bench.supervisor.calls


@pytest.mark.parametrize("text", ["/srv/a ;b", "/srv/a #b", "/srv/a\nb"])
def test_a_path_that_the_configuration_cannot_hold_is_refused(bench, text):
    with pytest.raises(LoopError, match="flux_local_state_dir"):
        bench.start(bench.group(replace(SERVER, command=("/bin/server", text))))
    assert not bench.state_dir.exists()


def test_secret_files_stay_out_of_the_diff_and_keep_their_mode(bench):
    secret = ConfigurationFile(str(bench.state_dir / "key"), "hush", secret=True)
    plain = ConfigurationFile(str(bench.state_dir / "plain"), "loud", mode=0o640)
    diff = bench.start(bench.group(files=(secret, plain)))["diff"]
    assert "hush" not in diff["after"]
    assert "loud" in diff["after"]
    assert (bench.state_dir / "key").stat().st_mode & 0o777 == 0o600
    assert (bench.state_dir / "plain").stat().st_mode & 0o777 == 0o640


def test_stopping_goes_backwards_and_ends_supervisord_last(bench):
    bench.start(bench.group(SERVER, CLIENT))
    assert bench.stop(bench.group())["changed"]
    assert bench.supervisor.calls == ["stop client", "stop server", "shutdown"]
    assert not bench.stop(bench.group())["changed"]


def test_stopping_in_check_mode_stops_nothing(bench):
    bench.start(bench.group(SERVER))
    before = bench.files()
    assert bench.stop(bench.group(), forget=True, check_mode=True)["changed"]
    assert bench.supervisor.calls == []
    assert bench.files() == before


def test_forgetting_removes_the_configuration(bench):
    group = bench.group(SERVER)
    bench.start(group)
    assert bench.stop(group, forget=True)["changed"]
    assert not (bench.state_dir / "supervisor" / "conf.d" / "group.conf").exists()
    assert not bench.stop(group, forget=True)["changed"]


def test_stopping_ends_what_a_killed_supervisord_left(bench):
    bench.start(bench.group(SERVER))
    bench.supervisor.alive = False
    bench.supervisor.live = {}
    bench.machine.running = {7: ("/bin/server", "--port=1")}
    assert bench.stop(bench.group())["changed"]
    assert bench.machine.killed == [7]
