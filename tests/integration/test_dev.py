# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""``dev.yml`` on a real loop: what is saved is what runs, within a second, until somebody presses Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import (
    config_map,
    processes_below,
    until,
    write,
)

SAVES = 7


class Session:
    """A ``dev.yml`` that runs, and its lines."""

    def __init__(self, loop, folder, name="saved"):
        self.name, self.folder = name, folder
        variables = folder.parent / "variables.yml"
        variables.write_text(f"workloads_list: [{{name: {name}, path: {str(folder)!r}}}]\n")
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                "playbooks/dev.yml",
                "-e",
                f"@{variables}",
                "-e",
                f'{{"flux_local_name": "{loop.name}", "flux_local_provider": "embedded"}}',
            ],
            env=loop.environment | {"ANSIBLE_STDOUT_CALLBACK": "default", "TMPDIR": str(folder.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout or []:
            self.lines.append(line.rstrip())

    def rounds(self):
        """The lines of the rounds so far."""
        return [line for line in self.lines if line[:2].isdigit() and f"  {self.name} " in line]

    def save(self, word):
        """Save, and return the line of the round that follows."""
        before = len(self.rounds())
        write(self.folder, saved=word if "\n" in word else config_map(self.name, word=word))
        until(lambda: len(self.rounds()) > before, "a line for the save")
        return self.rounds()[before]

    def interrupt(self):
        """Ctrl-C; returns everything it said."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)
        self._reader.join(timeout=5)
        return "\n".join(self.lines)


@pytest.fixture
def session(loop, folder):
    write(folder, saved=config_map("saved", word="first"))
    started = Session(loop, folder)
    try:
        until(started.rounds, "the first round")
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
        loop.remove("saved")


def test_what_is_saved_runs(loop, session):
    assert loop.config_map("saved")["data"] == {"word": "first"}
    for number in range(SAVES):
        line = session.save(f"save {number}")
        assert "applied and proven" in line
        assert loop.config_map("saved")["data"] == {"word": f"save {number}"}


def test_a_mistake_is_a_line_and_the_next_save_mends_it(loop, session):
    line = session.save("a: [\n")
    assert "failed after" in line
    assert "saved.yaml" in line
    assert "Nothing was pushed" in line
    line = session.save("mended")
    assert "applied and proven" in line
    assert loop.config_map("saved")["data"] == {"word": "mended"}


def test_other_playbooks_work_on_the_loop_in_between(loop, session, folder):
    other = write(folder.parent / "other", other=config_map("other"))
    loop.push({"name": "other", "path": str(other)}).succeeded()
    assert session.process.poll() is None
    assert "applied and proven" in session.save("after")
    loop.remove("other")


def test_ctrl_c_ends_it_and_leaves_nothing_behind(loop, session):
    session.save("last")
    said = session.interrupt()
    assert session.process.returncode == 99
    assert "Traceback" not in said
    # ansible-playbook does not wait for the end of its process for the task.
    until(lambda: not list(session.folder.parent.glob("flux-local-*")), "nothing left")
    assert loop.push({"name": "saved", "path": str(session.folder)}).succeeded().changed == []


def test_it_ends_with_the_playbook_that_was_killed(loop, session):
    assert len(processes_below(session.folder.parent)) > 1
    session.process.kill()
    session.process.wait()
    until(lambda: not processes_below(session.folder.parent), "the end of its processes")


def test_a_workload_that_is_not_listed_is_named(loop, folder):
    write(folder, saved=config_map("saved"))
    listed = [{"name": "saved", "path": str(folder)}]
    loop.play("dev", workload="other", workloads_list=listed).refused("no workload other", "saved")
