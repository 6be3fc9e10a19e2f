#!/usr/bin/env python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Times a first run whose programs come out of images: nothing in the cache, no Go, a registry that has all.

    .venv/bin/python benchmarks/images.py [--mirror HOST_OR_FOLDER]

Without --mirror, images in the shapes of the official ones are made of the programs in the cache and pushed
to a registry on this machine. Cache and loop are in a temporary folder, and removed at the end.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gitops.flux_local.benchmarks.loop import Loop, benchmark_loop
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.cache import this_platform
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import manifests_artifact
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.mirror import pack_manifests
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import cached, parse_program
from ansible_collections.gitops.flux_local.tests.integration import official_images

TO_REACH = 60  # seconds
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flux-local"


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """A registry with the images and manifests of all programs."""
    places = {}
    for row in official_images.TABLE:
        program = parse_program(row)
        places[program.name] = cached(CACHE, program, this_platform())
    with official_images.registry(places["registry"].program, folder) as host:
        for row in official_images.TABLE:
            program = parse_program(row)
            place = places[program.name]
            official_images.push_official(host, row, place.program)
            if place.manifests:
                artifact = manifests_artifact(program)
                pack_manifests(place.manifests, program, official_images.located(host, artifact))
        yield host


def first_run(loop: Loop, source: str) -> tuple[float, float]:
    """Seconds until all examples are ready, and of these, until the programs were there."""
    loop.environment["XDG_CACHE_HOME"] = str(loop.folder / "cache")
    loop.environment["PATH"] = os.pathsep.join(
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not (Path(folder) / "go").exists()  # it must not be needed
    )
    loop.environment["ANSIBLE_CALLBACKS_ENABLED"] = "ansible.posix.profile_roles"
    began = time.perf_counter()
    output = loop.playbook("site", binaries_source="image", binaries_mirror=source)
    took = time.perf_counter() - began
    programs = re.search(r"^binaries -+ ([0-9.]+)s", output, re.MULTILINE)
    return took, float(programs[1]) if programs else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mirror", help="a mirror to use, as the role's option binaries_mirror names it")
    arguments = parser.parse_args()
    with benchmark_loop() as loop:
        if arguments.mirror:
            took, programs = first_run(loop, arguments.mirror)
        else:
            with mirror(loop.folder / "registry of images") as host:
                took, programs = first_run(loop, host)
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    print(f"programs out of a local registry's images -> all examples ready, cold cache: {took:.1f} s")
    print(f"  of these, the role binaries: {programs:.1f} s")
    print(f"to reach: <= {TO_REACH} s: {'yes' if took <= TO_REACH else 'NO'}")
    sys.exit(took > TO_REACH)


if __name__ == "__main__":
    main()
