# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The status of a loop as GitHub Flavored Markdown, for the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import in_one_line
from ansible_collections.gitops.flux_local.plugins.module_utils._report.words import (
    PROGRAMS,
    WORKLOADS,
    headline,
    kept,
    mood,
    places,
    remarks,
    rows_of_programs,
    rows_of_workloads,
)

# What means something in GFM; and what does so in HTML, which it lets through, or becomes a link by itself.
_MARKUP = re.compile(r"[\\`*_{}\[\]#+!|~$]")
_HTML = re.compile(r"[<>&@]|:(?=//)|(?<=www)\.")
_MARKS = {"good": "✅", "busy": "⏳", "warn": "⚠️", "idle": "⏸️", "bad": "❌"}


def markdown_of(status: Mapping[str, Any]) -> str:
    """The report."""
    mark = "✅" if status["summary"]["well"] else "❌"
    lines = [f"## {mark} {escaped(status['loop']['name'])}: {escaped(headline(status))}"]
    told = remarks(status)
    if told:
        lines += ["", *(f"- {escaped(remark)}" for remark in told)]
    if status["workloads"]:
        rows = rows_of_workloads(status)
        marked = [
            [*row[:-1], f"{_MARKS[mood(workload)]} {row[-1]}"]
            for row, workload in zip(rows, status["workloads"], strict=True)
        ]
        lines += ["", *_table(WORKLOADS, marked)]
    if status["programs"]:
        lines += ["", "<details><summary>Programs</summary>", ""]
        lines += [*_table(PROGRAMS, rows_of_programs(status)), "", "</details>"]
    lines += ["", *_table(("", ""), [*places(status), *kept(status), ("seen", status["taken_at"])])]
    return "\n".join(lines) + "\n"


def escaped(text: Any) -> str:
    """Text that shows as it is: on one line, and nothing in it means anything to Markdown or HTML."""
    safe = _HTML.sub(lambda found: f"&\0{ord(found[0])};", in_one_line(text))
    return _MARKUP.sub(lambda found: f"\\{found[0]}", safe).replace("\0", "#")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = [word.capitalize() for word in header]
    return [_row(head), _row(["---"] * len(header)), *(_row([escaped(cell) for cell in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
