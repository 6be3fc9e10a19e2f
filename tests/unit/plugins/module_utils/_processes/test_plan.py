# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Configured,
    Process,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.plan import (
    fingerprint,
    orphans,
    stop_plan,
    waves,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import Live

SERVER = Process("server", ("/bin/server", "--port=1"), priority=10)
CLIENT = Process("client", ("/bin/client",), priority=20)


def test_waves_are_by_priority():
    late = Process("a", ("/bin/a",), priority=30)
    assert [[process.name for process in wave] for wave in waves([late, CLIENT, SERVER])] == [
        ["server"],
        ["client"],
        ["a"],
    ]


def test_an_orphan_is_what_supervisord_does_not_own():
    assert orphans({4: ("/bin/server",), 1: ("/bin/server",)}, supervised=[4, 0]) == [1]


def test_a_fingerprint_tells_files_and_their_order_apart():
    files = {"a": b"1", "b": b"2"}
    both = fingerprint(["a", "b"], read=files.get)
    assert both != fingerprint(["b", "a"], read=files.get)
    assert both != fingerprint(["a", "c"], read=files.get)
    assert both == fingerprint(["a", "b"], read={"a": b"1", "b": b"2"}.get)


def test_the_last_started_is_stopped_first_and_supervisord_only_when_nothing_is_left():
    programs = {
        "server": Configured(("/bin/server",), 10),
        "client": Configured(("/bin/client",), 20),
        "friend": Configured(("/bin/friend",), 20),
        "stopped": Configured(("/bin/stopped",), 30),
    }
    live = {name: Live("RUNNING") for name in ("server", "client", "friend", "another group's")}
    planned = stop_plan(programs, live=live, running={}, is_supervised=True, forgotten=None)
    assert planned.waves == [["client", "friend"], ["server"]]
    assert not planned.is_last

    del live["another group's"]
    assert stop_plan(programs, live=live, running={}, is_supervised=True, forgotten=None).is_last
