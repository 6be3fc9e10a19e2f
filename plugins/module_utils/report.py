# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a loop holds, as text that fits 100 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

WIDTH = 100
DIGEST_LENGTH = 12


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


def standings(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What ``flux_info`` returned, a row for each Kustomization; a failure of its source is told first."""
    sources = {(source["namespace"], source["name"]): source for source in answer.get("sources", [])}
    rows = []
    for kustomization in answer.get("kustomizations", []):
        named = kustomization["source"]
        source = sources.get((named["namespace"], named["name"]), {})
        told = source if source and not source["ready"] and not kustomization["ready"] else kustomization
        rows.append(
            {
                "name": kustomization["name"],
                "tag": source.get("ref", {}).get("tag"),
                "pushed_digest": source.get("revision", "") and source["revision"].rpartition("@")[2],
                "applied_revision": kustomization["applied_revision"],
                "ready": kustomization["ready"],
                "verdict": kustomization["state"],
                "reason": told["reason"],
                "message": told["message"],
            }
        )
    return rows


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
        lines += ["", *workload_lines(receipts)]
    return lines
