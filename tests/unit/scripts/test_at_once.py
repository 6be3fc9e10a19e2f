# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/at_once.py, by which the stages of the proof run beside each other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts/at_once.py"


def started(*jobs: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *jobs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def at_once(*jobs: str) -> tuple[int, str]:
    run = started(*jobs)
    output, complaints = run.communicate(timeout=60)
    assert not complaints
    return run.returncode, re.sub(r"\d+ s\b", "N s", output)


def shell(command: str) -> str:
    return f'sh -c "{command}"'


def waiting_for(file: Path) -> str:
    return f"until test -e '{file}'; do sleep 0.01; done"


def test_what_each_says_is_printed_whole_in_the_order_of_the_jobs(tmp_path):
    """The first one ends last: what the second says meanwhile is kept."""
    go = tmp_path / "go"
    first = shell(f"echo one; {waiting_for(go)}; echo two >&2; printf three")
    second = shell(f"echo four; touch {go}")
    status, output = at_once(f"first={first}", f"second={second}")
    assert status == 0
    assert output == (
        "\n=== first\none\ntwo\nthree\n=== first: N s, N s of a processor\n"
        "\n=== second\nfour\n=== second: N s, N s of a processor\n"
        "\n=== first: N s, N s of a processor\n=== second: N s, N s of a processor\n=== together: N s\n"
    )


def test_the_first_job_is_shown_while_it_runs(tmp_path):
    go = tmp_path / "go"
    run = started(f"first={shell(f'echo begun; {waiting_for(go)}')}")
    assert run.stdout
    assert [run.stdout.readline() for _line in range(3)][-1] == "begun\n"
    go.touch()
    assert run.wait(timeout=60) == 0
    run.communicate()


def test_a_job_waits_for_those_it_names_and_runs_though_they_fail(tmp_path):
    log, go = tmp_path / "log", tmp_path / "go"
    status, output = at_once(
        f"slow={shell(f'{waiting_for(go)}; echo slow >>{log}; exit 3')}",
        f"other={shell(f'echo other >>{log}; touch {go}')}",
        f"last<slow,other={shell(f'echo last >>{log}')}",
    )
    assert status == 1
    assert log.read_text() == "other\nslow\nlast\n"
    assert output.count("=== slow: N s, N s of a processor, and it failed (3)\n") == 2
    assert "=== last: N s, N s of a processor\n" in output


def test_a_program_that_is_not_there_fails_and_is_named():
    status, output = at_once("none=no-such-program --at-all", "sound=true")
    assert status == 1
    assert "No such file or directory: 'no-such-program'" in output
    assert "=== sound: N s, N s of a processor\n" in output


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        (["lint"], "'lint' is not a name"),
        (["=true"], "'=true' is not a name"),
        (["lint="], "'lint=' is not a name"),
        (["a<b=true", "b=true"], "a has to come once, and after b"),
        (["a=true", "a=true"], "a has to come once"),
    ],
)
def test_what_is_no_job_is_refused_before_anything_runs(jobs, said):
    run = started(*jobs)
    output, complaints = run.communicate(timeout=60)
    assert (run.returncode, output) == (2, "")
    assert said in complaints


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_what_runs_and_begins_nothing_more(tmp_path, how):
    pid, never = tmp_path / "pid", tmp_path / "never"
    run = started(f"first={shell(f'echo $$ >{pid}; echo begun; sleep 600')}", f"second<first=touch {never}")
    assert run.stdout
    while run.stdout.readline() != "begun\n":
        assert run.poll() is None
    run.send_signal(how)
    run.communicate(timeout=60)
    assert run.returncode == 130
    assert not never.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
