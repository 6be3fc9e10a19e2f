# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a loop holds, as text that fits 100 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable

WIDTH = 100
DIGEST_LENGTH = 12
MOST_CHANGES = 40  # lines; --diff shows what is beyond


def short_revision(revision: str | None) -> str:
    """A revision or digest that a person can compare: ``latest@3f2a9c01d4e5``; ``-`` when there is none."""
    if not revision:
        return "-"
    tag, _at, digest = revision.rpartition("@")
    short = digest.rpartition(":")[2][:DIGEST_LENGTH]
    return f"{tag}@{short}" if tag else short


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns; the last column is as wide as it has to be."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]


def workload_lines(receipts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each workload, and below the table why those that are not ready are not."""
    rows = [
        [
            str(receipt["name"]),
            str(receipt.get("tag") or "-"),
            short_revision(receipt.get("pushed_digest")),
            short_revision(receipt.get("applied_revision")),
            _standing(receipt),
        ]
        for receipt in receipts
    ]
    reasons = [
        line
        for receipt in receipts
        if receipt.get("message") and not receipt.get("ready")
        for line in wrap(
            f"{receipt['name']}: {receipt.get('reason', '')}: {receipt['message']}",
            WIDTH,
            subsequent_indent="  ",
        )
    ]
    return table(["WORKLOAD", "VERSION", "PUSHED", "APPLIED", "READY"], rows) + reasons


def _standing(receipt: Mapping[str, Any]) -> str:
    if receipt.get("ready"):
        return "yes"
    return str(receipt.get("verdict") or "not yet").replace("_", " ")


def change_lines(receipts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each object that Flux would change or has changed back, and for each of its fields."""
    rows = [
        [str(receipt["name"]), *cells]
        for receipt in receipts
        for change in receipt.get("changes") or []
        for cells in _change_cells(change)
    ]
    if not rows:
        return []
    more = len(rows) - MOST_CHANGES
    shown = table(["WORKLOAD", "BY FLUX", "OBJECT", "FIELD"], rows[:MOST_CHANGES])
    lines = [line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..." for line in shown]
    return ["", *lines, *([f"and {more} more; --diff shows them all"] if more > 0 else [])]


def _change_cells(change: Mapping[str, Any]) -> list[list[str]]:
    place = f"{change['namespace']}/" if change["namespace"] else ""
    about = [str(change["action"]), f"{change['kind']} {place}{change['name']}"]
    fields = [
        f"{field['field']}: {_value(field['before'])} -> {_value(field['after'])}"
        for field in change["fields"]
    ]
    return [[*about, " ".join(text.split())] for text in fields or [str(change["message"])]]


def _value(text: str | None) -> str:
    return "(none)" if text is None else text


def summary(
    receipts: Sequence[Mapping[str, Any]],
    connection: Mapping[str, Any],
    endpoint: Mapping[str, Any],
    flux: Mapping[str, Any],
) -> list[str]:
    """What a user wants to know after a run: where everything is, and how the workloads are."""
    versions = ", ".join(f"{name} {version}" for name, version in flux.get("versions", {}).items())
    lines = [
        f"kubeconfig  {connection.get('kubeconfig') or 'the default one'}",
        f"cluster     {connection.get('provider')}, context {connection.get('context') or 'current'}",
        *([f"            chosen because {connection['why']}"] if connection.get("why") else []),
        f"registry    {endpoint.get('host')}",
        f"flux        {versions or '-'}",
    ]
    if connection.get("provider") == "embedded":
        lines.append(
            "pods        simulated: no container runs; Deployments become ready as if their containers did"
        )
    if receipts:
        lines += ["", *workload_lines(receipts), *change_lines(receipts)]
    return [printable(line) for line in lines]
