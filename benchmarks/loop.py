#!/usr/bin/env python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Times the loop on this machine, side by side with the flux CLI, and prints a table.

    .venv/bin/python benchmarks/loop.py [--runs 5]

It brings up a loop of its own, in a temporary folder, with the programs of the cache, and removes it at the
end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NAME = "benchmark"
MANY = 100
CONFIG_MAP = """---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: default
data:
  edit: "{edit}"
"""


@dataclass(frozen=True)
class Row:
    """A line of the table; ``figures`` are seconds or megabytes of each run."""

    what: str
    figures: list[float]
    unit: str
    target: str
    is_met: bool | None

    def cells(self) -> list[str]:
        """The row as text: median, minimum and maximum."""
        median, low, high = statistics.median(self.figures), min(self.figures), max(self.figures)
        met = {True: "yes", False: "NO", None: ""}[self.is_met]
        return [self.what, f"{median:.2f} {self.unit}", f"{low:.2f} - {high:.2f}", self.target, met]


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """What a command printed; the benchmark ends with one that failed."""
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{finished.stdout}{finished.stderr}")
    return finished.stdout


class Loop:
    """A loop in a temporary folder, worked on with the project's playbooks."""

    def __init__(self, folder: Path, options: Mapping[str, object]) -> None:
        self.folder = folder
        self.options = options
        self.state = folder / "state" / "flux-local" / NAME
        self.environment = {
            **os.environ,
            "XDG_DATA_HOME": str(folder / "state"),
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        }

    def command(self, name: str, **variables: object) -> list[str]:
        """What runs a playbook on this loop. A list of many workloads is too long for an argument."""
        extra = self.folder / f"{name}.json"
        extra.write_text(json.dumps({"flux_local_name": NAME, **self.options, **variables}))
        program = Path(sys.executable).parent / "ansible-playbook"
        return [str(program), str(PROJECT / "playbooks" / f"{name}.yml"), "-e", f"@{extra}"]

    def playbook(self, name: str, **variables: object) -> str:
        """Run a playbook and return what it printed; its seconds are the caller's to take."""
        return run(self.command(name, **variables), self.environment)

    def facts(self) -> dict[str, dict[str, dict[str, str]]]:
        """What the roles said of the loop."""
        return json.loads((self.state / "loop.json").read_text())

    def resident_megabytes(self) -> float:
        """The resident memory of all programs of the loop, without supervisord."""
        supervisor = (self.state / "supervisor" / "supervisord.pid").read_text().strip()
        listing = subprocess.run(
            ["ps", "-axo", "ppid=,rss="], capture_output=True, text=True, check=True
        ).stdout
        rows = (line.split() for line in listing.splitlines())
        return sum(int(rss) for parent, rss in rows if parent == supervisor) / 1024


@contextmanager
def benchmark_loop(**options: object) -> Iterator[Loop]:
    """A loop's folder; the loop is removed at the end, whatever happens.

    Without ``options`` to the contrary it is embedded.
    """
    with tempfile.TemporaryDirectory(prefix="flux-local-benchmark-") as folder:
        loop = Loop(Path(folder), {"flux_local_provider": "embedded", **options})
        try:
            yield loop
        finally:
            loop.playbook("destroy", flux_local_purge=True)


def seconds(call: Callable[[], object]) -> float:
    """How long the call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def changed(output: str) -> int:
    """The number of changed tasks in what a playbook printed."""
    found = re.search(r"changed=(\d+)", output)
    return int(found[1]) if found else -1


def edit_of(folder: Path, name: str, edit: int) -> None:
    """One workload with one ConfigMap, edited."""
    folder.mkdir(exist_ok=True)
    (folder / "configmap.yaml").write_text(CONFIG_MAP.format(name=name, edit=edit))


def measured(loop: Loop, runs: int) -> list[Row]:
    """Every row of the table."""
    first = [seconds(lambda: loop.playbook("site"))]
    memory = [loop.resident_megabytes()]
    return [
        Row("nothing -> all examples ready, programs cached", first, "s", "<= 25 s", first[0] <= 25),
        second_run_row(loop, runs, 10),
        *edit_rows(loop, runs),
        Row("resident memory of the stack after the examples", memory, "MB", "<= 800 MB", memory[0] <= 800),
        *everyday_rows(loop, runs),
    ]


def second_run_row(loop: Loop, runs: int, limit: int) -> Row:
    """A loop that is up, brought up again; at most ``limit`` seconds."""
    outputs: list[str] = []
    figures = [seconds(lambda: outputs.append(loop.playbook("site"))) for _run in range(runs)]
    unchanged = all(changed(output) == 0 for output in outputs)
    return Row(
        f"second run, all unchanged (changed={'0' if unchanged else 'SOMETHING'})",
        figures,
        "s",
        f"<= {limit} s",
        unchanged and statistics.median(figures) <= limit,
    )


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of our time as a multiple of theirs, pair by pair."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def edit_rows(loop: Loop, runs: int) -> list[Row]:
    """An edit brought about by push.yml, beside the flux CLI."""
    ours, theirs = edits(loop, runs)
    multiple = ratio(ours, theirs)
    return [
        Row("edit -> push.yml returns with the receipt", ours, "s", "<= 0.75 x flux", multiple <= 0.75),
        Row("  flux push artifact + flux reconcile --with-source", theirs, "s", "(the peer)", None),
        Row("  ours / flux, pair by pair", [multiple], "x", "aim at 0.5 x", None),
    ]


def everyday_rows(loop: Loop, runs: int) -> list[Row]:
    """What is done all day: saves, and looks at how everything stands."""
    saved = saves(loop, 2 * runs)
    shown = reports(loop, runs)
    return [
        Row("save -> proven, by dev.yml", saved, "s", "<= 1 s", statistics.median(saved) <= 1),
        Row(f"status.yml with {MANY} workloads", shown, "s", "<= 5 s", statistics.median(shown) <= 5),
    ]


def saves(loop: Loop, runs: int) -> list[float]:
    """Seconds from a save until dev.yml says that it is proven."""
    folder = loop.folder / "saved"
    edit_of(folder, "saved", 0)
    command = loop.command("dev", workloads_list=[{"name": "saved", "path": str(folder)}])
    took = []
    with subprocess.Popen(command, env=loop.environment, stdout=subprocess.PIPE, text=True) as session:
        for run in range(runs + 1):
            began = time.perf_counter()
            if run:
                edit_of(folder, "saved", run)
            line = next(line for line in session.stdout or [] if "  saved " in line)
            if run:
                took.append(time.perf_counter() - began)
            if "proven" not in line:
                sys.exit(f"dev.yml: {line}")
            time.sleep(0.3)
        session.send_signal(signal.SIGINT)
    return took


def reports(loop: Loop, runs: int) -> list[float]:
    """Seconds of status.yml with many workloads, with its page."""
    listed = [
        {"name": f"many-{number}", "path": str(loop.folder / f"many-{number}")} for number in range(MANY)
    ]
    for workload in listed:
        edit_of(Path(workload["path"]), workload["name"], 0)
    loop.playbook("push", workloads_list=listed)
    page = str(loop.folder / "status.html")
    return [seconds(lambda: loop.playbook("status", status_html=page)) for _run in range(runs)]


def edits(loop: Loop, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of an edited workload brought about by push.yml, and by the flux CLI, in turn."""
    mine, peer = loop.folder / "mine", loop.folder / "peer"
    edit_of(mine, "mine", 0)
    edit_of(peer, "peer", 0)
    listed = {"mine": [{"name": "mine", "path": str(mine)}], "peer": [{"name": "peer", "path": str(peer)}]}
    loop.playbook("push", workloads_list=listed["mine"] + listed["peer"])
    facts = loop.facts()
    loop.environment["KUBECONFIG"] = facts["cluster_connection"]["kubeconfig"]
    flux = facts["binaries_paths"]["flux"]["program"]
    registry = facts["registry_endpoint"]["host"]
    url = f"oci://{registry}/peer:latest"

    def with_flux() -> None:
        described = ["--path", str(peer), "--source", "benchmark", "--revision", "edit"]
        run([flux, "push", "artifact", url, *described], loop.environment)
        run([flux, "reconcile", "kustomization", "peer", "--with-source"], loop.environment)

    ours, theirs = [], []
    for edit in range(1, runs + 1):
        edit_of(mine, "mine", edit)
        ours.append(seconds(lambda: loop.playbook("push", workloads_list=listed["mine"])))
        edit_of(peer, "peer", edit)
        theirs.append(seconds(with_flux))
    return ours, theirs


def print_table(rows: list[Row]) -> None:
    """The machine, and the rows under one another."""
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    table = [["what", "median", "min - max", "to reach", "met"], *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="how often what can be repeated is repeated")
    arguments = parser.parse_args()
    with benchmark_loop() as loop:
        rows = measured(loop, arguments.runs)
    print_table(rows)


if __name__ == "__main__":
    main()
