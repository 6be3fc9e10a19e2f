# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import process_start
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.playbook_lock import (
    Owner,
    release,
    take,
)


@pytest.fixture
def other():
    """A process that lives until the test ends it."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


def owner_of(pid: int) -> Owner:
    return Owner(pid, process_start(pid), "ansible-playbook site.yml", "2026-01-01 10:00:00")


def test_a_free_lock_is_taken_at_once_and_again_by_its_owner(tmp_path):
    lock = str(tmp_path / "loop" / "lock")
    me = owner_of(os.getpid())
    assert take(lock, me, timeout=0) < 1
    assert take(lock, me, timeout=0) == 0
    assert os.stat(lock).st_mode & 0o777 == 0o600


def test_who_holds_it_is_said(tmp_path, other):
    lock = str(tmp_path / "lock")
    take(lock, owner_of(other.pid), timeout=0)
    with pytest.raises(
        LoopError, match=rf"since 2026-01-01 10:00:00: process {other.pid}, ansible-playbook site.yml"
    ):
        take(lock, owner_of(os.getpid()), timeout=0)


def test_the_second_one_waits_until_the_first_has_ended(tmp_path, other):
    lock = str(tmp_path / "lock")
    holder = owner_of(other.pid)
    take(lock, holder, timeout=0)
    threading.Timer(0.3, lambda: (other.kill(), other.wait())).start()
    waited_for: list[Owner] = []
    assert take(lock, owner_of(os.getpid()), timeout=30, on_wait=waited_for.append) >= 0.3
    assert waited_for == [holder]


def test_a_lock_of_a_process_that_is_gone_is_free_even_when_its_number_is_used_again(tmp_path):
    lock = str(tmp_path / "lock")
    gone = Owner(os.getpid(), "another start", "ansible-playbook site.yml", "2026-01-01 10:00:00")
    take(lock, gone, timeout=0)
    assert take(lock, owner_of(os.getpid()), timeout=0) < 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_broken_lock_is_free(tmp_path, content):
    lock = tmp_path / "lock"
    lock.write_text(content)
    assert take(str(lock), owner_of(os.getpid()), timeout=0) < 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LoopError, match=r"file/lock cannot be written.*flux_local_state_dir"):
        take(str(tmp_path / "file" / "lock"), owner_of(os.getpid()), timeout=0)


def test_a_lock_that_is_released_is_free_and_nobody_releases_that_of_another(tmp_path, other):
    lock = str(tmp_path / "lock")
    holder, me = owner_of(other.pid), owner_of(os.getpid())
    take(lock, holder, timeout=0)
    release(lock, me)
    with pytest.raises(LoopError):
        take(lock, me, timeout=0)
    release(lock, holder)
    assert take(lock, me, timeout=0) < 1
