# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The process table says what runs, since when, and that a zombie does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core import process_table
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import (
    arguments_by_pid,
    environment_of,
    is_alive,
    process_start,
    resident_memory,
    working_folder,
)

COMMAND = [sys.executable, "-c", "input()", "two words", "ümlaut"]


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until the test ends it."""
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_listed_with_its_arguments(other: subprocess.Popen[bytes]) -> None:
    assert arguments_by_pid(os.getuid())[other.pid] == tuple(COMMAND)
    assert other.pid not in arguments_by_pid(os.getuid() + 1)


def test_where_a_process_runs_and_with_what_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARK", "ümlaut = 1")
    (tmp_path / "before").mkdir()
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, cwd=tmp_path / "before") as process:
        (tmp_path / "before").rename(tmp_path / "after")
        assert working_folder(process.pid) == str(tmp_path / "after")
        assert environment_of(process.pid)["MARK"] == "ümlaut = 1"
        process.kill()
    assert (working_folder(process.pid), environment_of(process.pid)) == ("", {})


def test_a_process_that_has_ended_is_gone_even_while_nobody_reaps_it(other: subprocess.Popen[bytes]) -> None:
    started = process_start(other.pid)
    assert is_alive(other.pid)
    assert started
    assert process_start(other.pid) == started

    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)

    assert not is_alive(other.pid)
    assert process_start(other.pid) == ""
    assert other.pid not in arguments_by_pid(os.getuid())

    other.wait()

    assert not is_alive(other.pid)
    assert process_start(other.pid) == ""
    assert resident_memory([other.pid]) == {}


def test_memory_is_in_bytes(other: subprocess.Popen[bytes]) -> None:
    assert resident_memory([os.getpid()])[os.getpid()] > 1_000_000


def test_the_library_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_table, "psutil", None)
    with pytest.raises(LoopError, match=r"Python library \(psutil\)"):
        is_alive(1)
