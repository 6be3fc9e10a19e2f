# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Other programs, run: with a log, or for what they answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Protocol, TextIO

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    GIT,
    GO,
    NETWORK,
    for_child,
)

# Kubernetes takes a quarter of an hour on two processors that nothing else uses.
LONGEST_SECONDS = 3 * 3600


class Commands(Protocol):
    """Runs other programs."""

    def logged(self, command: Sequence[str], environment: Mapping[str, str], log: TextIO) -> int:
        """The exit status of a command that may take long and writes to ``log``.

        Raises OSError when it cannot be run, subprocess.TimeoutExpired after LONGEST_SECONDS.
        """

    def answer(
        self, command: Sequence[str], environment: Mapping[str, str], timeout: float | None = None
    ) -> tuple[int, str, str]:
        """Exit status, output and error output of a command.

        Raises OSError when it cannot be run, subprocess.TimeoutExpired after ``timeout`` seconds, or else
        after LONGEST_SECONDS.
        """


class LocalCommands:
    """Runs them as processes of this machine."""

    def logged(self, command: Sequence[str], environment: Mapping[str, str], log: TextIO) -> int:
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            timeout=LONGEST_SECONDS,
        ).returncode

    def answer(
        self, command: Sequence[str], environment: Mapping[str, str], timeout: float | None = None
    ) -> tuple[int, str, str]:
        finished = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout or LONGEST_SECONDS,
        )
        return finished.returncode, finished.stdout, finished.stderr


def go_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What every go command has of the user's environment: network and caches. No other Go is downloaded."""
    return for_child(environment, NETWORK, GIT, GO, GOTOOLCHAIN="local")


def go_runs(commands: Commands) -> bool:
    """Whether there is a Go in PATH."""
    try:
        return commands.answer(["go", "version"], go_variables(os.environ), 30)[0] == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
