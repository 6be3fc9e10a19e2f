# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.playbook import (
    Ancestor,
    end_with_playbook,
    to_be_watched,
)

ANSIBLE = ("python", "ansible-playbook", "site.yml")
SHELL = ("/bin/sh", "-c", "python AnsiballZ_push.py")
MODULE = ("python", "AnsiballZ_push.py")


@pytest.mark.parametrize(
    ("commands", "session", "watched"),
    [
        # A module's process, two shells, the fork for its task, the playbook, and what started that.
        ([MODULE, SHELL, ("sh",), ANSIBLE, ANSIBLE, ("make",), ("bash",)], 10, [10, 11, 12, 13]),
        # In the task's own process.
        ([ANSIBLE, ANSIBLE, ("bash",)], 10, [10]),
        # On another host: the shell that a connection has begun.
        ([MODULE, SHELL, ("sshd: user",), ("sshd",)], 11, [10, 11]),
        # Nothing of that is known, as without psutil, or in another's process table.
        ([(), ()], 99, [10]),
        ([MODULE, (), (), ()], 99, [10]),
    ],
)
def test_what_is_there_as_long_as_the_playbook_is(commands, session, watched):
    ancestors = [Ancestor(10 + number, command) for number, command in enumerate(commands)]
    assert to_be_watched(ancestors, session) == [(pid, pid + 1) for pid in watched]


PLAYBOOK = """
import os, subprocess, sys, time
if os.fork() == 0:
    subprocess.run(["/bin/sh", "-c", f"{sys.executable} {sys.argv[1]} module; true"])
    os._exit(0)
time.sleep(600)
"""
TASK = """
import sys, threading, time
sys.path[:0] = {path}
from {name} import end_with_playbook
end_with_playbook()
try:
    print("begun", flush=True)
    threading.Event().wait(600)
finally:
    print("cleaned up", flush=True)
"""


def test_a_module_ends_and_cleans_up_when_its_playbook_is_killed(tmp_path: Path):
    task = tmp_path / "task.py"
    task.write_text(TASK.format(path=sys.path, name=end_with_playbook.__module__))
    playbook = tmp_path / "playbook.py"
    playbook.write_text(PLAYBOOK)
    with subprocess.Popen(
        [sys.executable, str(playbook), str(task)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as started:
        assert started.stdout
        assert started.stdout.readline() == "begun\n"
        os.kill(started.pid, signal.SIGKILL)
        # All that holds the other end of the pipe has ended when it does.
        assert started.stdout.read() == "cleaned up\n"
