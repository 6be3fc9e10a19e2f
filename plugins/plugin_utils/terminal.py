# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The terminal, where actions write to it themselves: text of others is made safe to show here."""

from __future__ import annotations

from ansible.utils.display import Display

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import (
    printable,
    printable_message,
)


def say(line: str) -> None:
    """Write one line at once."""
    Display().display(printable(line))


def report(text: str, *, begin: str = "") -> None:
    """Write lines at once; in front of them ``begin``, which a terminal may obey."""
    Display().display(f"{begin}{printable(text, keeps_lines=True)}")


def warn(warning: str) -> None:
    """Write a warning, as Ansible does."""
    Display().warning(printable_message(warning))


def trace(text: str) -> None:
    """Write what only -vvv shows."""
    Display().vvv(printable(text, keeps_lines=True))


def verbosity() -> int:
    """How often -v was given."""
    return int(Display().verbosity)
