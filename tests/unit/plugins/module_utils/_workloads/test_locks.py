# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.locks import exclusive, lock_folder

SERVER = "https://127.0.0.1:6443"


def held(folder, *workloads, server=SERVER, timeout=0.3, told=None):
    def on_wait(*waits):
        (told if told is not None else []).append(waits)

    return exclusive(str(folder / "locks"), server, workloads, timeout=timeout, on_wait=on_wait)


def test_of_two_runs_on_one_workload_the_second_waits_until_the_first_ends(tmp_path):
    told: list[tuple[str, str]] = []
    ended = threading.Event()

    def second():
        with held(tmp_path, "flux-system/blog", "flux-system/shop", timeout=30, told=told):
            ended.set()

    with held(tmp_path, "flux-system/shop"):
        thread = threading.Thread(target=second)
        thread.start()
        assert not ended.wait(0.3)
    thread.join()
    assert ended.is_set()
    assert told == [("flux-system/shop", str(os.getpid()))]


def test_other_workloads_and_other_clusters_are_not_waited_for(tmp_path):
    with held(tmp_path, "a/shop"), held(tmp_path, "b/shop"), held(tmp_path, "a/shop", server="https://other"):
        pass


def test_who_works_on_it_is_told_when_that_takes_too_long(tmp_path):
    with (
        held(tmp_path, "flux-system/shop"),
        pytest.raises(LoopError, match=f"Workload flux-system/shop: process {os.getpid()} works on it"),
        held(tmp_path, "flux-system/shop"),
    ):
        pass


def test_it_ends_with_its_process_however_that_ends(tmp_path):
    script = (
        f"import sys; from {exclusive.__module__} import exclusive\n"
        "with exclusive(sys.argv[1], sys.argv[2], ['a/shop'], timeout=1, on_wait=print):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "locks"), SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LoopError, match=f"process {process.pid} works on it"), held(tmp_path, "a/shop"):
            pass
        process.kill()
    with held(tmp_path, "a/shop"):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "locks").write_text("in the way")
    with pytest.raises(LoopError, match="set XDG_CACHE_HOME"), held(tmp_path, "a/shop"):
        pass


def test_it_is_in_the_user_s_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert lock_folder() == "/somewhere/flux-local/locks"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert lock_folder() == "/home/me/.cache/flux-local/locks"
