# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The tests themselves: what they make is gone when they are, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from ansible_collections.gitops.flux_local.tests.clusters import lab
from ansible_collections.gitops.flux_local.tests.integration.loops import until

SESSION = """
import sys, time
from pathlib import Path
from ansible_collections.gitops.flux_local.tests.clusters import lab
with lab.nothing_left(sys.argv[1], Path(sys.argv[2])):
    name = sys.argv[1] + "-one"
    lab.docker("network", "create", name)
    joined = ["--network", name, "--volume", name + ":/there"]
    lab.docker("run", "--detach", "--restart", "always", "--name", name, *joined, lab.REGISTRY_IMAGE)
    print("made", flush=True)
    time.sleep(600)
"""


def test_a_killed_session_leaves_no_container_volume_or_network(tmp_path):
    prefix = lab.new_name()
    command = [sys.executable, "-c", SESSION, prefix, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == "made\n"
        assert all(names(prefix))
        os.kill(session.pid, signal.SIGKILL)
    until(lambda: not any(names(prefix)), f"nothing is left of {prefix}")


def names(prefix: str) -> list[bool]:
    """Whether there is a container, a volume, a network of such a name."""
    listings = (
        lab.docker("ps", "--all", "--format", "{{.Names}}"),
        lab.docker("volume", "ls", "--format", "{{.Name}}"),
        lab.docker("network", "ls", "--format", "{{.Name}}"),
    )
    return [any(name.startswith(prefix) for name in listing.split()) for listing in listings]
