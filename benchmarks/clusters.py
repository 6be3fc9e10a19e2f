#!/usr/bin/env python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Times a loop on kind, side by side with what kind's and Flux's documentation have people do by hand.

    .venv/bin/python benchmarks/clusters.py [--runs 3]

`make lab` has prepared a Docker that has the images (docs/clusters.md). Both sides have the same programs,
images and settings of kind, and both are made from nothing in turn; all of it is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from typing import Any

from ansible_collections.gitops.flux_local.benchmarks.loop import (
    NAME,
    PROJECT,
    Loop,
    Row,
    benchmark_loop,
    edit_rows,
    print_table,
    ratio,
    run,
    second_run_row,
    seconds,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CONTROLLERS,
    Settings,
    compose,
    read_published,
)
from ansible_collections.gitops.flux_local.tests.clusters import lab
from ansible_collections.gitops.flux_local.tests.integration.loops import free_port

BY_HAND = f"{NAME}-by-hand"
EXAMPLES = PROJECT / "examples"
DEPENDS_ON = {"base": [], "backend": ["base"], "frontend": ["base"]}


class ByHand:
    """The peer: kind_by_hand.sh, and what it needs, in a folder of its own."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.folder = loop.folder / "by hand"
        self.port = free_port()
        self.environment = {
            **loop.environment,
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
        }

    def prepare(self) -> None:
        """The programs in PATH, and the files that the script applies, as the loop that is up has them."""
        self.folder.mkdir(exist_ok=True)
        paths = self.loop.facts()["binaries_paths"]
        given = {"kind": str(self.loop.options.get("cluster_kind_program", "kind")), "kubectl": lab.kubectl()}
        for name in ("kind", "kubectl", "flux"):
            program = paths[name]["program"] if name in paths else shutil.which(given[name])
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / name).symlink_to(program or sys.exit(f"There is no {name} in PATH."))
        self._write("kind.yaml", self._kind_config())
        self._write("flux.json", {"apiVersion": "v1", "kind": "List", "items": self._flux(paths)})
        self._write("workloads.json", {"apiVersion": "v1", "kind": "List", "items": self._workloads()})

    def _write(self, name: str, content: object) -> None:
        (self.folder / name).write_text(json.dumps(content))  # which is YAML, too

    def _kind_config(self) -> dict[str, Any]:
        nodes = [{"role": "control-plane"}]
        image = self.loop.options.get("cluster_kind_image")
        if image:
            nodes[0]["image"] = str(image)
        config: dict[str, Any] = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}
        return config | dict(self.loop.options["cluster_kind_config"])

    def _flux(self, paths: dict[str, dict[str, str]]) -> list[Any]:
        """What `flux install` applies for the two controllers."""
        kept = {name: paths[f"{name}-manifests"] for name in (*CONTROLLERS, "flux")}
        images = {name: f"ghcr.io/fluxcd/{name}:v{kept[name]['version']}" for name in CONTROLLERS}
        settings = Settings("flux-system", kept["flux"]["version"], BY_HAND, images)
        return compose(read_published({name: place["manifests"] for name, place in kept.items()}), settings)

    def _workloads(self) -> list[Any]:
        items: list[Any] = []
        for name, others in DEPENDS_ON.items():
            metadata = {"name": name, "namespace": "flux-system"}
            source = {
                "interval": "10m",
                "url": f"oci://{BY_HAND}-registry:5000/{name}",
                "insecure": True,
                "ref": {"tag": "latest"},
            }
            kustomization = {
                "interval": "10m",
                "retryInterval": "10s",
                "path": "./",
                "prune": True,
                "wait": True,
                "timeout": "3m",
                "sourceRef": {"kind": "OCIRepository", "name": name},
                "dependsOn": [{"name": other} for other in others],
                "postBuild": {"substitute": {"greeting": "Welcome to the shop"}},
            }
            for api, kind, spec in (
                ("source.toolkit.fluxcd.io/v1", "OCIRepository", source),
                ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", kustomization),
            ):
                items.append({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})
        return items

    def make(self) -> None:
        """All of it, as the script has it."""
        script = str(PROJECT / "benchmarks" / "kind_by_hand.sh")
        run([script, BY_HAND, str(self.port), str(self.folder), str(EXAMPLES)], self.environment)


def remove_containers() -> None:
    """The containers of the peer, and those that an interrupted run left of either."""
    for found in (
        f"label=io.x-k8s.kind.cluster={BY_HAND}",
        f"name=^{BY_HAND}-registry$",
        f"label=io.x-k8s.kind.cluster={NAME}",
        f"label=gitops.flux-local.loop={NAME}",
    ):
        containers = lab.docker("ps", "--all", "--quiet", "--filter", found).split()
        if containers:
            lab.docker("rm", "--force", "--volumes", *containers)
    volumes = lab.docker(
        "volume", "ls", "--quiet", "--filter", f"label=gitops.flux-local.loop={NAME}"
    ).split()
    if volumes:
        lab.docker("volume", "rm", *volumes)


def measured(loop: Loop, runs: int) -> list[Row]:
    """Every row of the table."""
    loop.playbook("site")  # says which programs there are, and warms up both
    peer = ByHand(loop)
    peer.prepare()
    ours, theirs = [], []
    for _run in range(runs):
        loop.playbook("destroy", flux_local_purge=True)
        theirs.append(seconds(peer.make))
        remove_containers()
        ours.append(seconds(lambda: loop.playbook("site")))
    multiple = ratio(ours, theirs)
    return [
        Row(
            "site.yml: nothing -> all examples ready on kind",
            ours,
            "s",
            "<= 1.15 x by hand",
            multiple <= 1.15,
        ),
        Row("  kind_by_hand.sh, the documented commands", theirs, "s", "(the peer)", None),
        Row("  ours / by hand, pair by pair", [multiple], "x", "aim below 1 x", None),
        second_run_row(loop, runs, 12),
        *edit_rows(loop, runs),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="how often each is repeated")
    arguments = parser.parse_args()
    lacking = lab.lacking()
    if lacking:
        sys.exit(lacking)
    remove_containers()
    try:
        with benchmark_loop(**lab.kind_options()) as loop:
            rows = measured(loop, arguments.runs)
    finally:
        remove_containers()
    print_table(rows)


if __name__ == "__main__":
    main()
