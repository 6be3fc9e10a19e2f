#!/usr/bin/env python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Times how manifests are read, in a folder that is shaped as kube-prometheus is, and prints a table.

    .venv/bin/python benchmarks/reading.py [--folder FOLDER] [--runs 3]

Without --folder, one is made: 95 files with 5.7 MB, most of them resource definitions and dashboards. The
figures are seconds of processor time, the least of all runs.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.content_checks import examine
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import Pack, pack
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.places import Manifests
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import documents

MOST = 1  # second for a cause
GROUP = "monitoring.example.org"
FILES, DEFINITIONS, DEFINITION_SIZE, DASHBOARDS_SIZE = 95, 10, 520_000, 1_500_000
WORDS = ("alert", "volume", "matches", "the", "Secret", "selector", "label", "of", "namespace", "scrape")


def schema(rng: random.Random, depth: int) -> dict[str, Any]:
    """A field of a resource definition: a sentence and, as far as ``depth`` goes, fields below it."""
    node: dict[str, Any] = {"description": " ".join(rng.choices(WORDS, k=rng.randrange(4, 30)))}
    if depth == 0:
        return node | {"type": rng.choice(("string", "integer", "boolean"))}
    names = {f"{rng.choice(WORDS)}{rng.randrange(99)}" for _number in range(rng.randrange(2, 6))}
    return node | {"type": "object", "properties": {name: schema(rng, depth - 1) for name in sorted(names)}}


def definition(rng: random.Random, number: int) -> str:
    """A resource definition, as large as those of the Prometheus operator are on average."""
    kind = f"Monitor{number}"
    fields: dict[str, Any] = {}
    size = 0
    while size < DEFINITION_SIZE:
        field = schema(rng, 3)
        size += len(yaml.dump(field, Dumper=yaml.CSafeDumper, indent=2)) * 2  # it is indented further
        fields[f"field{len(fields)}"] = field
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": fields}}}
    return dumped("CustomResourceDefinition", f"{kind.lower()}s.{GROUP}", spec={
        "group": GROUP, "names": {"kind": kind, "plural": f"{kind.lower()}s"}, "versions": [version],
    })  # fmt: skip


def dumped(kind: str, name: str, **fields: Any) -> str:
    """An object as YAML."""
    item = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}
    return yaml.dump(item, Dumper=yaml.CSafeDumper, sort_keys=False)


def make(folder: Path) -> None:
    """A folder in the shape of kube-prometheus' manifests."""
    rng = random.Random(1)  # noqa: S311  # the same each time
    for number in range(DEFINITIONS):
        (folder / f"definition-{number}.yaml").write_text(definition(rng, number))
    panels = [{"title": " ".join(rng.choices(WORDS, k=3)), "id": number} for number in range(25_000)]
    dashboards = {"panels.json": json.dumps(panels, indent=2)[:DASHBOARDS_SIZE]}
    (folder / "dashboards.yaml").write_text(dumped("ConfigMap", "dashboards", data=dashboards))
    for number in range(FILES - DEFINITIONS - 1):
        rules = [{"alert": f"Alert{each}", "expr": "rate(x[5m]) > 1", "for": "15m"} for each in range(20)]
        text = dumped("PrometheusRule", f"rule-{number}", spec={"groups": [{"name": "g", "rules": rules}]})
        (folder / f"rule-{number}.yaml").write_text(text)


def spent(runs: int, work: Callable[[], object]) -> float:
    """The least processor time that the work took, in seconds."""
    times = []
    for _run in range(runs):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)


def cause(packed: Pack) -> None:
    """What a cause asks: where a field of an object is written, and who brings the definition of a kind."""
    manifests = Manifests(packed.path, packed.archive)
    manifests.refuse_unbounded()
    manifests.place_of("ConfigMap", "dashboards", "data")
    manifests.place_of("CustomResourceDefinition", f"monitor3s.{GROUP}", "spec.versions[0].name")
    manifests.defines("Monitor9", GROUP)
    manifests.defines("Missing", GROUP)


def everything(packed: Pack) -> None:
    """All values of all manifests."""
    for _entry, blocks in read_tar(packed.archive):
        if blocks is not None:
            documents(b"".join(blocks))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="manifests to read instead of made ones")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if not arguments.folder:
            make(Path(made))
        with pack(arguments.folder or made) as packed:
            size = packed.archive.seek(0, 2) / 1e6
            rows = {
                "places for a cause": spent(arguments.runs, lambda: cause(packed)),
                "Secrets, unchanged": spent(
                    arguments.runs, lambda: examine(packed.archive, (), parses=False)
                ),
                "all checks, changed": spent(
                    arguments.runs, lambda: examine(packed.archive, (), parses=True)
                ),
                "all values": spent(arguments.runs, lambda: everything(packed)),
            }
            print(f"{packed.files} files, {size:.1f} MB, Python {platform.python_version()}\n")
    for name, seconds in rows.items():
        print(f"{name:22} {seconds:6.2f} s")
    print(f"\nA cause may take {MOST} s: {'reached' if rows['places for a cause'] <= MOST else 'missed'}.")


if __name__ == "__main__":
    main()
