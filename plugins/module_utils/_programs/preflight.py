# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a machine must have before anything is started on it, and what to do about what it lacks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.commands import go_variables
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import platform_name

GIGABYTE = 10**9


@dataclass(frozen=True)
class Need:
    """Something that is missing, and what to do about it."""

    lacking: str
    remedy: str


@dataclass(frozen=True)
class Go:
    """An installed Go, and the folders it fills."""

    version: str
    caches: tuple[Path, ...]


@dataclass(frozen=True)
class Folder:
    """A folder that exists or can be made: ``ground`` is the nearest one above it, or itself, that exists."""

    ground: Path
    is_directory: bool
    writable: bool
    programs_run: bool
    free_bytes: int


class Machine(Protocol):
    """What can be known about a machine without changing it."""

    def python(self) -> tuple[str, str]:
        """Path and version of the Python that runs the modules."""

    def system(self) -> tuple[str, str]:
        """System and architecture, in the words of Python's platform module."""

    def library(self, name: str) -> str:
        """The installed version of a Python distribution; empty when it is missing."""

    def go(self) -> Go | None:
        """The Go found by PATH; None when there is none that runs."""

    def folder(self, path: Path) -> Folder:
        """What could be done in a folder."""


class ThisMachine:
    """The machine that the module runs on."""

    def python(self) -> tuple[str, str]:
        return sys.executable, platform.python_version()

    def system(self) -> tuple[str, str]:
        return platform.system(), platform.machine()

    def library(self, name: str) -> str:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return ""

    def go(self) -> Go | None:
        try:
            answer = subprocess.run(
                ["go", "env", "GOVERSION", "GOCACHE", "GOMODCACHE"],
                env=go_variables(os.environ),
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if answer.returncode != 0:
            return None
        version, *caches = answer.stdout.split("\n")
        return Go(version.strip().removeprefix("go"), tuple(Path(cache) for cache in caches if cache))

    def folder(self, path: Path) -> Folder:
        ground = next(folder for folder in (path, *path.parents) if folder.exists())
        mount = os.statvfs(ground)
        return Folder(
            ground=ground,
            is_directory=ground.is_dir(),
            writable=os.access(ground, os.W_OK | os.X_OK),
            # Python only names the flag where the system has it.
            programs_run=not mount.f_flag & getattr(os, "ST_NOEXEC", 0),
            free_bytes=shutil.disk_usage(ground).free,
        )


def run(options: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    """What the machine has. Raises LoopError naming everything that is missing, each with what to do."""
    executable, version = machine.python()
    missing = [
        *_lacks_python(executable, version, options["python"]),
        *_lacks_platform(*machine.system()),
        *_lacks_libraries(options["libraries"], executable, machine),
    ]
    for folder in options["folders"]:
        missing += _lacks_in_folder(Path(folder["path"]), folder, machine)
    go = None
    if options["go"]:
        go = machine.go()
        missing += _lacks_go(options["go"], go)
        for cache in go.caches if go else ():
            wanted = {"purpose": "what Go downloads and compiles", "free_gb": options["go"]["free_gb"]}
            missing += _lacks_in_folder(cache, wanted, machine)
    if missing:
        listed = "\n".join(f"- {need.lacking} {need.remedy}".rstrip() for need in missing)
        raise LoopError(
            f"This machine lacks what is needed:\n{listed}", missing=[asdict(need) for need in missing]
        )
    return {"changed": False, "python": version, "go": go.version if go else ""}


def at_least(version: str, minimum: str) -> bool:
    """Whether a version is the minimum or later. What follows its numbers, as ``rc1``, does not count."""
    return _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    leading = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in leading[0].split(".")] if leading else []
    # 1.26 and 1.26.0 are the same.
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _lacks_python(executable: str, version: str, minimum: str) -> Iterator[Need]:
    if not at_least(version, minimum):
        yield Need(
            f"Python {minimum} or later is needed, and {executable} is {version}.",
            "Set ansible_python_interpreter to a later one that has the collection's libraries.",
        )


def _lacks_platform(system: str, architecture: str) -> Iterator[Need]:
    try:
        platform_name(system, architecture)
    except LoopError as error:
        yield Need(error.message, "")


def _lacks_libraries(
    libraries: Sequence[Mapping[str, Any]], executable: str, machine: Machine
) -> Iterator[Need]:
    for library in libraries:
        name, minimum = library["name"], library["minimum"]
        installed = machine.library(name)
        if not installed or not at_least(installed, minimum):
            found = f"{installed} is installed" if installed else "it is not installed"
            yield Need(
                f"The Python library {name} {minimum} or later is needed, and {found}.",
                f"Run: {executable} -m pip install '{name}>={minimum}'",
            )


def _lacks_go(wanted: Mapping[str, Any], go: Go | None) -> Iterator[Need]:
    if go is None or not at_least(go.version, wanted["minimum"]):
        found = f"version {go.version} is installed" if go else "there is none in PATH"
        purposes = {
            "build": wanted["needed_for"],
            "fetch the manifests, which images do not have, of": wanted["modules_for"],
        }
        needed = " and to ".join(f"{verb} {', '.join(names)}" for verb, names in purposes.items() if names)
        yield Need(
            f"Go {wanted['minimum']} or later is needed to {needed}, and {found}.",
            "Install it (https://go.dev/dl/), or set binaries_folder to a folder with these programs, "
            "or binaries_mirror to a mirror with their images and manifests. For manifests alone, the "
            "environment variable GOPROXY with the address of a Go module proxy does, too.",
        )


def _lacks_in_folder(path: Path, wanted: Mapping[str, Any], machine: Machine) -> Iterator[Need]:
    folder = machine.folder(path)
    needed = f"{path} is needed for {wanted['purpose']}, and"
    if not folder.is_directory:
        yield Need(
            f"{needed} {folder.ground} is not a folder.", "Remove that file, or choose another folder."
        )
    elif not folder.writable:
        yield Need(
            f"{needed} {folder.ground} is not writable.",
            "Make it writable for the user who runs this, or choose another folder.",
        )
    if wanted.get("programs_run") and not folder.programs_run:
        yield Need(
            f"{needed} its file system is mounted noexec.",
            "Choose a folder on one from which programs can be run.",
        )
    if folder.free_bytes < wanted["free_gb"] * GIGABYTE:
        yield Need(
            f"{needed} {wanted['free_gb']:g} GB must be free, not {folder.free_bytes / GIGABYTE:.1f} GB.",
            "Make room there, or choose another folder.",
        )
