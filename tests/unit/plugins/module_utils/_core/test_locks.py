# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Who has a lock has it alone, on a folder, a file and a marker; and it ends with its process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import (
    HeldError,
    folder_if_free,
    held_marker,
    locked_file,
    locked_folder,
    signed_file,
)

SECONDS = 20


def signed(path: Path, seconds: float = 0, on_wait: Callable[[str], None] = print) -> Any:
    return signed_file(str(path), deadline=time.monotonic() + seconds, on_wait=on_wait)


def waits_for_its_end(lock: Callable[[], AbstractContextManager[Any]]) -> bool:
    """Whether a second one gets the lock once the first has given it back, and not before."""
    has_it = threading.Event()

    def second() -> None:
        with lock():
            has_it.set()

    with lock():
        thread = threading.Thread(target=second)
        thread.start()
        was_early = has_it.wait(0.2)
    thread.join(SECONDS)
    return has_it.is_set() and not was_early


def test_the_second_one_waits_for_the_end_of_the_first(tmp_path: Path) -> None:
    assert waits_for_its_end(lambda: locked_folder(str(tmp_path)))
    assert waits_for_its_end(lambda: locked_file(str(tmp_path / "file")))
    assert waits_for_its_end(lambda: signed(tmp_path / "signed", SECONDS))
    assert waits_for_its_end(lambda: held_marker(str(tmp_path / "marker"), seconds=SECONDS))


def test_a_folder_is_free_or_not(tmp_path: Path) -> None:
    with folder_if_free(str(tmp_path)) as is_free:
        assert is_free
        with folder_if_free(str(tmp_path)) as is_free_again:
            assert not is_free_again


def test_a_file_keeps_what_is_in_it_and_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with locked_file(str(path)) as stream:
        stream.write("said")
    with locked_file(str(path)) as stream:
        assert stream.read() == "said"
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_has_it_is_told_once_and_in_the_end(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        signed(tmp_path / "lock"),
        pytest.raises(HeldError) as error,
        signed(tmp_path / "lock", 0.3, told.append),
    ):
        pass
    assert told == [str(os.getpid())]
    assert error.value.holder == str(os.getpid())


def test_it_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    script = (
        f"import sys; from {locked_folder.__module__} import locked_folder\n"
        "with locked_folder(sys.argv[1]):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with folder_if_free(str(tmp_path)) as is_free:
            assert not is_free
        process.kill()
    with folder_if_free(str(tmp_path)) as is_free:
        assert is_free


def test_a_marker_of_another_program_is_left_alone(tmp_path: Path) -> None:
    marker = tmp_path / "config.lock"
    marker.touch()
    with pytest.raises(HeldError), held_marker(str(marker), seconds=0.1):
        pass
    assert marker.exists()
