#!/usr/bin/env python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Times the artifact modules on this machine, side by side with the flux CLI, and prints a table.

    .venv/bin/python benchmarks/artifacts.py [--runs 3]

Every figure is a whole process, a module as Ansible runs it on its target or the flux program. The registry
is one of its own, in a temporary folder, with the programs of the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import PushRequest, push
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import CREATED
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository

MODULES = "ansible_collections.gitops.flux_local.plugins.modules"
FILES, FOLDER_SIZE = 1000, 50_000_000  # the large folder of manifests: files, bytes
VERSIONS, KEPT = 1000, 50
LARGE = 1_000_000_000  # bytes of one file
MEMORY = 150  # megabytes
WORDS = (
    "app",
    "name",
    "shop",
    "frontend",
    "value",
    "configuration",
    "selector",
    "metrics",
    "enabled",
    "8080",
)


@dataclass(frozen=True)
class Spent:
    """What a process took: seconds, megabytes of resident memory at most, and what it printed."""

    seconds: float
    megabytes: float
    output: str


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    figure: str
    peer: str
    target: str
    is_met: bool

    def cells(self) -> list[str]:
        """The row as text."""
        return [self.what, self.figure, self.peer, self.target, "yes" if self.is_met else "NO"]


def program(name: str) -> str:
    """The newest program of the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flux-local"
    found = sorted(cache.glob(f"{name}/*/*/{name}"))
    return (
        str(found[-1]) if found else sys.exit(f"There is no {name} in {cache}. Run playbooks/site.yml once.")
    )


def process(*command: str, standard_input: str = "") -> Spent:
    """Run a command to its end."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as said:
        given.write(standard_input)
        given.seek(0)
        running = subprocess.Popen(command, stdin=given, stdout=said, stderr=subprocess.STDOUT)
        _pid, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        spent = time.perf_counter() - began
        said.seek(0)
        output = said.read()
    if running.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Spent(spent, usage.ru_maxrss / unit, output)


def module(name: str, **params: Any) -> tuple[Spent, dict[str, Any]]:
    """Run a module as its target's Python does, and return what it returned as well."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": params})
    spent = process(sys.executable, "-m", f"{MODULES}.{name}", standard_input=arguments)
    return spent, json.loads(spent.output.splitlines()[-1])


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry of our own, as ``host:port``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    configuration = folder / "registry.yml"
    storage = {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}}
    log = {"level": "error", "accesslog": {"disabled": True}}
    settings = {"version": "0.1", "log": log, "storage": storage, "http": {"addr": host}}
    configuration.write_text(json.dumps(settings))
    command = [program("registry"), "serve", str(configuration)]
    environment = os.environ | {"OTEL_TRACES_EXPORTER": "none"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as running:
        try:
            for _attempt in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", int(host.partition(":")[2]))) == 0:
                        break
                time.sleep(0.05)
            yield host
        finally:
            running.kill()


def write_manifests(folder: Path) -> None:
    """The large folder, the same on every machine."""
    chance = random.Random(1)  # noqa: S311 - no secret
    for number in range(FILES):
        path = folder / f"team-{number % 20:02d}" / f"config-{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{number}\ndata:\n"
        lines, size = [head], len(head)
        while size < FOLDER_SIZE // FILES:
            text = f"{' '.join(chance.choices(WORDS, k=5))} {chance.getrandbits(64):016x}"
            lines.append(f"  key-{len(lines)}: {text}\n")
            size += len(lines[-1])
        path.write_text("".join(lines))


def pushes(host: str, folder: Path, runs: int) -> list[Row]:
    """The large folder pushed, and pushed again unchanged; each new push into a repository of its own."""
    write_manifests(folder)
    flux = [program("flux"), "push", "artifact", "--path", str(folder), "--source", "x", "--revision", "y"]
    ours, theirs, again, theirs_again = [], [], [], []
    for run in range(runs):
        mine = {"path": str(folder), "url": f"oci://{host}/ours-{run}", "source": "x", "revision": "y"}
        peer = [*flux, f"oci://{host}/theirs-{run}:latest"]
        # Both as new, then both unchanged.
        for figures, peers in ((ours, theirs), (again, theirs_again)):
            figures.append(module("oci_artifact_push", **mine)[0].seconds)
            peers.append(process(*peer).seconds)
    return [
        _compared(f"push of {FILES} files, {FOLDER_SIZE // 1_000_000} MB", ours, theirs, 1.2),
        _compared("the same again, unchanged", again, theirs_again, 0.4),
    ]


def _compared(what: str, ours: list[float], theirs: list[float], most: float) -> Row:
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    one, other = statistics.median(ours), statistics.median(theirs)
    return Row(what, f"{one:.2f} s", f"{other:.2f} s", f"<= {most} x flux, is {ratio:.2f} x", ratio <= most)


def push_versions(host: str, folder: Path) -> None:
    """A thousand versions of a small artifact, a minute apart."""
    url = parse_url(f"oci://{host}/versions")
    local = RegistryRepository(url)

    def push_one(number: int) -> None:
        path = folder / str(number)
        path.mkdir(parents=True)
        (path / "configmap.yaml").write_text(f"data: {{edit: '{number}'}}\n")
        created = f"2026-01-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z"
        with pack(str(path)) as packed:
            push(
                packed,
                PushRequest((f"1.0.{number}",), "x", f"main@sha1:{number:040x}", {CREATED: created}),
                local,
            )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(push_one, range(VERSIONS)))


def versions(host: str, folder: Path) -> list[Row]:
    """A repository with many versions: listed, and pruned."""
    push_versions(host, folder)
    url = f"oci://{host}/versions"
    listed, found = module("oci_artifact_info", url=url)
    peer = process(program("flux"), "list", "artifacts", url)
    pruned, outcome = module("oci_artifact_prune", url=url, keep_last=KEPT)
    left = module("oci_artifact_info", url=url)[1]["total"]
    is_right = (found["total"], outcome["removed"], left) == (VERSIONS, VERSIONS - KEPT, KEPT)
    return [
        Row(
            f"info of {VERSIONS} versions with metadata",
            f"{listed.seconds:.2f} s",
            f"{peer.seconds:.2f} s",
            "<= 3 s",
            listed.seconds <= 3 and is_right,
        ),
        Row(
            f"prune {VERSIONS} -> {KEPT}",
            f"{pruned.seconds:.2f} s",
            "",
            "<= 10 s",
            pruned.seconds <= 10 and is_right,
        ),
    ]


def memory(host: str, folder: Path) -> list[Row]:
    """One file that is larger than what the modules may use of memory; half of it compresses."""
    large = folder / "large"
    large.mkdir()
    with (large / "file.bin").open("wb") as file:
        for _block in range(LARGE // 2_000_000):
            file.write(os.urandom(1_000_000) + bytes(1_000_000))
    url = f"oci://{host}/large"
    pushed = module("oci_artifact_push", path=str(large), url=url)[0]
    peer = process(
        program("flux"),
        "push",
        "artifact",
        f"{url}:flux",
        "--path",
        str(large),
        "--source",
        "x",
        "--revision",
        "y",
    )
    pulled = module("oci_artifact_pull", url=url, dest=str(folder / "pulled"))[0]
    (folder / "flux").mkdir()
    peer_pulled = process(
        program("flux"), "pull", "artifact", f"{url}:latest", "--output", str(folder / "flux")
    )
    return [
        Row(
            f"memory, {verb} of {LARGE // 1_000_000} MB ({one.seconds:.0f} s, flux {other.seconds:.0f} s)",
            f"{one.megabytes:.0f} MB",
            f"{other.megabytes:.0f} MB",
            f"<= {MEMORY} MB",
            one.megabytes <= MEMORY,
        )
        for verb, one, other in (("push", pushed, peer), ("pull", pulled, peer_pulled))
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="how often the large folder is pushed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flux-local-benchmark-") as scratch:
        folder = Path(scratch)
        with registry(folder) as host:
            rows = pushes(host, folder / "manifests", arguments.runs)
            rows += versions(host, folder / "versions")
            rows += memory(host, folder)
    table = [["what", "ours", "flux", "target", "met"], *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{arguments.runs} runs"
    )
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    sys.exit(0 if all(row.is_met for row in rows) else 1)


if __name__ == "__main__":
    main()
