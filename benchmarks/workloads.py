#!/usr/bin/env python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Times many workloads in one run, side by side with the flux CLI, and how that grows; prints two tables.

    .venv/bin/python benchmarks/workloads.py [--runs 3] [--most 300] [--plot docs/workloads.svg]

It brings up a loop of its own, in a temporary folder, with the programs of the cache, and removes it at the
end. Each workload is a folder with one ConfigMap.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gitops.flux_local.benchmarks.loop import (
    Loop,
    Row,
    benchmark_loop,
    changed,
    edit_of,
    print_table,
    ratio,
    run,
    seconds,
)

SOME = 20
MANY = 100
REST_SECONDS = 10
SIZES = (1, 10, 100, 300, 1000)


@dataclass(frozen=True)
class Took:
    """One run of push.yml: seconds, the resident megabytes of its largest process, and its changed tasks."""

    seconds: float
    megabytes: float
    changed: int


@dataclass(frozen=True)
class Growth:
    """What a number of workloads takes: seconds of each kind of run, and megabytes."""

    workloads: int
    made: float
    edited: float
    unchanged: float
    megabytes: float
    stack: float


class Workloads:
    """Folders of one ConfigMap each, which playbooks bring about as one list."""

    def __init__(self, loop: Loop, called: str, count: int) -> None:
        self.loop = loop
        self.names = [f"{called}-{number}" for number in range(count)]

    def folder(self, name: str) -> Path:
        """Where the manifests of one of them are."""
        return self.loop.folder / name

    def edit(self, edit: int) -> None:
        """Edit all of them."""
        for name in self.names:
            edit_of(self.folder(name), name, edit)

    def push(self, state: str = "present") -> Took:
        """Have push.yml bring all of them about."""
        listed = [{"name": name, "path": str(self.folder(name)), "state": state} for name in self.names]
        command = self.loop.command("push", workloads_list=listed)
        output = self.loop.folder / "push.log"
        began = time.perf_counter()
        with output.open("w") as log:
            process = subprocess.Popen(command, env=self.loop.environment, stdout=log, stderr=log)
            # The largest of the process and of all that it has waited for, in kilobytes on Linux.
            _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - began
        if process.returncode != 0:
            sys.exit(f"push.yml failed:\n{output.read_text()}")
        return Took(took, usage.ru_maxrss / 1024, changed(output.read_text()))


class FluxCli:
    """What the CLI has people do: two commands for a workload."""

    def __init__(self, loop: Loop) -> None:
        facts = loop.facts()
        loop.environment["KUBECONFIG"] = facts["cluster_connection"]["kubeconfig"]
        self.environment = loop.environment
        self.flux = facts["binaries_paths"]["flux"]["program"]
        self.registry = facts["registry_endpoint"]["host"]

    def script(self, workloads: Workloads) -> list[str]:
        """Both commands as one line of a shell, for each workload."""
        described = "--source benchmark --revision edit"
        return [
            f"'{self.flux}' push artifact oci://{self.registry}/{name}:latest"
            f" --path '{workloads.folder(name)}' {described}"
            f" && '{self.flux}' reconcile kustomization {name} --with-source"
            for name in workloads.names
        ]

    def one_by_one(self, workloads: Workloads) -> None:
        """As a script that lists them."""
        for line in self.script(workloads):
            run(["sh", "-c", line], self.environment)

    def at_once(self, workloads: Workloads) -> None:
        """By xargs, as many as there are at a time."""
        lines = workloads.loop.folder / "lines"
        lines.write_text("".join(f"{line}\0" for line in self.script(workloads)))
        count = str(len(workloads.names))
        run(["xargs", "-0", "-a", str(lines), "-P", count, "-n", "1", "sh", "-c"], self.environment)


def compared(loop: Loop, runs: int) -> list[Row]:
    """Every row of the table."""
    ours, peers = Workloads(loop, "ours", SOME), Workloads(loop, "peer", SOME)
    for workloads in (ours, peers):
        workloads.edit(0)
        workloads.push()
    cli = FluxCli(loop)
    mine, single, parallel = [], [], []
    for edit in range(1, runs + 1):
        peers.edit(2 * edit)
        single.append(rested(lambda: cli.one_by_one(peers)))
        peers.edit(2 * edit + 1)
        parallel.append(rested(lambda: cli.at_once(peers)))
        ours.edit(edit)
        mine.append(rested(ours.push))
    faster, multiple = ratio(single, mine), ratio(mine, parallel)
    idle = [ours.push() for _run in range(runs)]
    are_unchanged = all(one.changed == 0 for one in idle)
    for workloads in (ours, peers):
        workloads.push("absent")

    many = Workloads(loop, "many", MANY)
    made = []
    for _run in range(runs):
        many.edit(0)
        made.append(many.push())
        unchanged = [many.push() for _again in range(runs)]
        many.push("absent")
    more = (middle(unchanged) - middle(idle)) / (MANY - SOME) * 1000
    memory = max(one.megabytes for one in [*made, *unchanged])
    said = "0" if are_unchanged else "SOMETHING"
    return [
        Row(f"{SOME} changed workloads -> all proven, by push.yml", mine, "s", "", None),
        Row("  flux push artifact + flux reconcile, one by one", single, "s", "(the peer)", None),
        Row("  times faster, pair by pair", [faster], "x", ">= 12 x, aim at 15 x", faster >= 12),
        Row(f"  the same by xargs -P {SOME}", parallel, "s", "(the peer)", None),
        Row("  ours / xargs, pair by pair", [multiple], "x", "<= 1 x", multiple <= 1),
        Row(
            f"{SOME} workloads, none changed (changed={said})",
            [one.seconds for one in idle],
            "s",
            "<= 5 s",
            are_unchanged and middle(idle) <= 5,
        ),
        Row(
            f"{MANY} workloads from nothing -> all ready",
            [one.seconds for one in made],
            "s",
            "<= 60 s",
            middle(made) <= 60,
        ),
        Row("one more unchanged workload", [more], "ms", "<= 50 ms", more <= 50),
        Row(f"largest process, with {MANY} workloads", [memory], "MB", "<= 200 MB", memory <= 200),
    ]


def rested(call: Callable[[], object]) -> float:
    """The seconds of a call that does not share the machine with what the one before has left to do."""
    time.sleep(REST_SECONDS)
    return seconds(call)


def middle(runs: list[Took]) -> float:
    """The median of the seconds."""
    return statistics.median(one.seconds for one in runs)


def grown(loop: Loop, most: int) -> list[Growth]:
    """From one workload to ``most``; nothing is left of a size when the next one begins."""
    found = []
    for size in (size for size in SIZES if size <= most):
        workloads = Workloads(loop, f"of-{size}", size)
        workloads.edit(0)
        made = workloads.push()
        workloads.edit(1)
        edited = workloads.push()
        unchanged = workloads.push()
        found.append(
            Growth(
                size,
                made.seconds,
                edited.seconds,
                unchanged.seconds,
                max(one.megabytes for one in (made, edited, unchanged)),
                loop.resident_megabytes(),
            )
        )
        print(f"{size} workloads: {found[-1]}", file=sys.stderr)
        workloads.push("absent")
    return found


def print_growth(rows: list[Growth]) -> None:
    """How it grows, a line for each size."""
    print(
        f"\n{'workloads':>9}  {'from nothing':>12}  {'all edited':>10}  {'none edited':>11}"
        f"  {'largest process':>15}  {'whole stack':>11}"
    )
    for row in rows:
        print(
            f"{row.workloads:>9}  {row.made:>10.1f} s  {row.edited:>8.1f} s  {row.unchanged:>9.1f} s"
            f"  {row.megabytes:>12.0f} MB  {row.stack:>8.0f} MB"
        )


# --- the plot: both axes are logarithmic

WIDTH, HEIGHT, MARGIN = 640, 360, 56
DECADES = (1000, 1000)  # of workloads, and of seconds
# Each with its name, its dashes, and how far below its last point the name stands: two end close together.
CURVES = (
    ("from nothing", "made", "", -2),
    ("all edited", "edited", "8 4", 12),
    ("none edited", "unchanged", "2 3", 4),
)


def _place(value: float, decades: int, low: int, high: int) -> float:
    return low + (high - low) * math.log10(max(value, 1)) / math.log10(decades)


def plot(rows: list[Growth]) -> str:
    """The seconds of each size as an SVG, readable on light and on dark pages."""
    right, top, bottom = WIDTH - 120, 24, HEIGHT - MARGIN
    drawn = []
    for tick in (1, 10, 100, 1000):
        x = _place(tick, DECADES[0], MARGIN, right)
        y = _place(tick, DECADES[1], bottom, top)
        drawn += [
            f'<line x1="{x:.0f}" y1="{top}" x2="{x:.0f}" y2="{bottom}" class="grid"/>',
            f'<line x1="{MARGIN}" y1="{y:.0f}" x2="{right}" y2="{y:.0f}" class="grid"/>',
            f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{tick}</text>',
            f'<text x="{MARGIN - 8}" y="{y + 4:.0f}" text-anchor="end">{tick} s</text>',
        ]
    for name, attribute, dashes, beside in CURVES:
        points = [
            (
                _place(row.workloads, DECADES[0], MARGIN, right),
                _place(getattr(row, attribute), DECADES[1], bottom, top),
            )
            for row in rows
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        x, y = points[-1]
        drawn += [
            f'<polyline points="{line}" stroke-dasharray="{dashes}"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points),
            f'<text x="{x + 8:.0f}" y="{y + beside:.0f}">{name}</text>',
        ]
    style = (
        "text{font:13px sans-serif;fill:#777}.grid{stroke:#777;stroke-opacity:.3}"
        "polyline{fill:none;stroke:#2a78d6;stroke-width:2}circle{fill:#2a78d6}"
    )
    label = f'<text x="{(MARGIN + right) / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle">workloads</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="Seconds of push.yml by the number of workloads"><style>{style}</style>'
        f"{''.join(drawn)}{label}</svg>\n"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="how often what can be repeated is repeated")
    parser.add_argument("--most", type=int, default=300, help="how many workloads it grows to, up to 1000")
    parser.add_argument("--plot", type=Path, help="where the growth is to be drawn, as an SVG")
    arguments = parser.parse_args()
    with benchmark_loop() as loop:
        loop.playbook("site", workloads_list=[])
        rows = compared(loop, arguments.runs) if arguments.runs else []
        growth = grown(loop, arguments.most)
    print_table(rows)
    print_growth(growth)
    if arguments.plot and growth:
        arguments.plot.write_text(plot(growth))


if __name__ == "__main__":
    main()
