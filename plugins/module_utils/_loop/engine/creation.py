# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Why kind or k3d could not create a cluster, of all that they said."""

from __future__ import annotations

import re
from itertools import pairwise

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable

LONGEST = 1000  # characters
LAST_LINES = 5

# The place of a call in a Go stack trace; the line above it names what was called.
_FRAME = re.compile(r"^\s+\S+\.go:\d+( \+0x[0-9a-f]+)?$")
# What went well: kind's steps, and what kubeadm and k3d log for information.
_PROGRESS = re.compile(r"^\s*[✓•]|^I\d{4} |^(INFO|DEBU|WARN)\[|^time=\S+ level=(info|debug|warning) ")
# k3d's lines, as logrus writes them to a terminal and elsewhere.
_LOGGED = re.compile(r"^(?:[A-Z]{4}\[\d+\] |time=\S+ level=(?:error|fatal) msg=)(?P<told>.*)$")
# What follows from the cause, and what k3d does about it.
_AFTERWARDS = re.compile(r">>> Rolling Back|Cluster creation FAILED|No nodes found for given cluster")
_ERROR = re.compile(r"error|ERRO\[|FATA\[|fatal|failed|unable|cannot|denied", re.IGNORECASE)


def creation_cause(said: str) -> str:
    """The lines of the output that say what has failed, first the program's own; at most 1000 characters.

    Where none does, it is the last lines. kubeadm ends with a stack trace, which says nothing.
    """
    told = [
        _without_log(line.strip())
        for line, following in pairwise([*said.splitlines(), ""])
        if line.strip() and not (_FRAME.match(line) or _FRAME.match(following) or _PROGRESS.match(line))
    ]
    errors = [line for line in told if _ERROR.search(line) and not _AFTERWARDS.search(line)]
    # What kind says first is what kubeadm ends with: neither beginning nor end may be lost.
    text = " | ".join(printable(line) for line in dict.fromkeys(errors or told[-LAST_LINES:]))
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _without_log(line: str) -> str:
    """The message of a line of k3d's log; any other line as it is."""
    logged = _LOGGED.match(line)
    if not logged:
        return line
    told = logged["told"]
    return told[1:-1].replace('\\"', '"') if told.startswith('"') and told.endswith('"') else told
