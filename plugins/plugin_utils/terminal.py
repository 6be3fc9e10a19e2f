# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The terminal, where actions write to it themselves: text of others is made safe to show here."""

from __future__ import annotations

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import (
    printable,
    printable_message,
)


def say(line: str) -> None:
    """Write one line at once."""
    _write(printable(line))


def report(text: str, *, begin: str = "") -> list[str]:
    """Write lines at once, and return them; in front of them ``begin``, which a terminal may obey."""
    shown = printable(text, keeps_lines=True)
    _write(f"{begin}{shown}")
    return shown.splitlines()


def _write(text: str) -> None:
    """To stdout, or to stderr where stdout is for a program that reads it."""
    Display().display(text, stderr=is_read_by_a_program(constants.DEFAULT_STDOUT_CALLBACK))


def is_read_by_a_program(callback: str) -> bool:
    """Whether what a callback plugin, by its name, writes to stdout would be spoilt by lines between."""
    name = callback.rpartition(".")[2]
    return "json" in name or name == "null"


def warn(warning: str) -> None:
    """Write a warning, as Ansible does."""
    Display().warning(printable_message(warning))


def trace(text: str) -> None:
    """Write what only -vvv shows."""
    Display().vvv(printable(text, keeps_lines=True))


def verbosity() -> int:
    """How often -v was given."""
    return int(Display().verbosity)
