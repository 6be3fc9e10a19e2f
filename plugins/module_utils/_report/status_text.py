# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The status of a loop for a terminal: at most 100 columns, whatever the names in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import (
    in_one_line,
    printable,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import WIDTH, table
from ansible_collections.gitops.flux_local.plugins.module_utils._report.words import (
    PROGRAMS,
    WORKLOADS,
    headline,
    kept,
    places,
    remarks,
    rows_of_programs,
    rows_of_workloads,
)

_GAP = 2
_LABEL = 14
_LEAST = 6  # columns that even the widest text keeps
_LONGEST_REMARK = 1200


def text_of(status: Mapping[str, Any]) -> str:
    """The report. Every line has at most 100 columns, but for that with the kubeconfig's path."""
    name = status["loop"]["name"]
    lines = _wrapped(f"{name}: {headline(status)}  ({status['taken_at']})", "")
    # A path is of use only in one piece.
    lines += ["", *(f"{label:12}{in_one_line(text)}" for label, text in places(status))]
    if status["workloads"]:
        lines += ["", *fitting(WORKLOADS, rows_of_workloads(status))]
    told = remarks(status)
    if told:
        lines.append("")
    for remark in told:
        lines += _wrapped(f"! {remark[:_LONGEST_REMARK]}", "    ")
    if status["programs"]:
        lines += ["", *fitting(PROGRAMS, rows_of_programs(status))]
    if kept(status):
        lines.append("")
    for label, text in kept(status):
        lines += _wrapped(f"{label:{_LABEL}}{in_one_line(text)}", " " * _LABEL)
    return "\n".join(lines)


def fitting(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of at most 100 columns: its widest cells are cut until it is."""
    shown = [[in_one_line(cell) or "-" for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in shown) for column in range(len(header))]
    room = WIDTH - _GAP * (len(header) - 1)
    while sum(widths) > room and max(widths) > _LEAST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    cut = [[_cut(cell, width) for cell, width in zip(row, widths, strict=True)] for row in shown]
    return table(cut[0], cut[1:])


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of at most 100 columns; what has no blank to break at is broken anywhere."""
    return wrap(printable(text, keeps_lines=True), WIDTH, subsequent_indent=indent, break_on_hyphens=False)
