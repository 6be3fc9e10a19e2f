# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How a program is obtained: one class per method, all alike to the cache."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.git_revision import (
    without_credentials,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_proxy import (
    ModuleProxy,
    proxies,
    recorded_hash,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    Place,
    Program,
    build_command,
    cached,
    download_command,
    flat,
    go_environment,
)


class Commands(Protocol):
    """Runs other programs."""

    def logged(self, command: Sequence[str], environment: Mapping[str, str], log: TextIO) -> int:
        """The exit status of a command that may take long and writes to ``log``."""

    def answer(
        self, command: Sequence[str], environment: Mapping[str, str], timeout: float | None = None
    ) -> tuple[int, str, str]:
        """Exit status, output and error output of a command.

        Raises OSError when it cannot be run, subprocess.TimeoutExpired after ``timeout`` seconds.
        """


class LocalCommands:
    """Runs them as processes of this machine."""

    def logged(self, command: Sequence[str], environment: Mapping[str, str], log: TextIO) -> int:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        ).returncode

    def answer(
        self, command: Sequence[str], environment: Mapping[str, str], timeout: float | None = None
    ) -> tuple[int, str, str]:
        finished = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )
        return finished.returncode, finished.stdout, finished.stderr


def go_runs(commands: Commands) -> bool:
    """Whether there is a Go in PATH."""
    try:
        return commands.answer(["go", "version"], os.environ, 30)[0] == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Method(Protocol):
    """A way to get programs."""

    def obtain(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:
        """Leave the program and its manifests in ``into``, using ``scratch`` meanwhile. Raises LoopError."""

    def origin(self, program: Program) -> str:
        """Where the program came from, as an error message says it."""

    def remedy(self, program: Program) -> str:
        """What to do when the program is not the right one."""


def lacking(place: Place, program: Program) -> list[Path]:
    """What is not there of a program and its manifests."""
    is_there = not program.has_program or (place.program.is_file() and os.access(place.program, os.X_OK))
    return [*([] if is_there else [place.program]), *lacking_manifests(place, program)]


def lacking_manifests(place: Place, program: Program) -> list[Path]:
    """The folders with manifests that are not there."""
    if place.manifests is None:
        return []
    folders = [place.manifests / target for target in program.targets]
    return [folder for folder in folders if not folder.is_dir()]


def find_in_folder(folder: Path, program: Program, platform: str) -> tuple[Place | None, list[Path]]:
    """Where a folder has the program, laid out flat or as a cache; else what a flat one lacks."""
    side_by_side = flat(folder, program)
    absent = lacking(side_by_side, program)
    for place in (side_by_side, cached(folder, program, platform)):
        if not lacking(place, program):
            return place, []
    return None, absent


@dataclass(frozen=True)
class FolderMethod:
    """Copies from a folder that has the programs already."""

    folder: Path
    platform: str

    def obtain(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:  # noqa: ARG002  # a copy needs no scratch
        place, absent = find_in_folder(self.folder, program, self.platform)
        if place is None:
            raise LoopError(f"folder {self.folder} lacks {', '.join(map(str, absent))}.")
        log.write(f"copied from {place.program if program.has_program else place.manifests}\n")
        if program.has_program:
            shutil.copyfile(place.program, into.program)
        if place.manifests and into.manifests:
            for target in program.targets:
                copy_manifests(place.manifests / target, into.manifests / target)

    def origin(self, program: Program) -> str:
        place, _absent = find_in_folder(self.folder, program, self.platform)
        return str(place.program if place else self.folder / program.name)

    def remedy(self, program: Program) -> str:
        return f"Put {program.name} {program.version} for {self.platform} there, or use another source."


@dataclass(frozen=True)
class GoMethod:
    """Builds from pinned Go modules; ``modules`` has a folder with a go.mod and a go.sum for each."""

    modules: Path
    platform: str
    commands: Commands

    def obtain(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:
        if program.has_program:
            self._build(program, into, scratch, log)
        self.obtain_manifests(program, into, scratch, log)

    def _build(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:
        environment = go_environment(os.environ, self.platform, scratch)
        pin = self.modules / program.module
        folder = self._writable_module(program, pin, scratch, environment, log) if program.embeds else pin
        command = build_command(program, folder, into.program)
        log.write(f"$ {shlex.join(command)}\n")
        log.flush()
        if self.commands.logged(command, environment, log) != 0:
            raise LoopError(
                f"{program.name} {program.version} could not be built from its Go module. "
                "Mend what the log names, then run this again: it continues where it ended."
            )

    def obtain_manifests(self, program: Program, into: Place, scratch: Path, log: TextIO) -> None:
        """Copy the manifests out of the program's Go module. Nothing is built for that."""
        if into.manifests:
            unpacked = self._module(program, scratch, log)
            for manifests in program.manifests:
                copy_manifests(unpacked / manifests.origin, into.manifests / manifests.target)

    def origin(self, program: Program) -> str:
        return f"{program.name}, just built,"

    def remedy(self, program: Program) -> str:
        return f"The table's version and {self.modules / program.module / 'go.mod'} must name the same."

    def _module(self, program: Program, scratch: Path, log: TextIO) -> Path:
        """The folder with the files of the program's module: had by Go where there is one, else without."""
        pin = self.modules / program.module
        urls = proxies(os.environ)
        if not urls or go_runs(self.commands):
            return self._unpacked(program, pin, go_environment(os.environ, self.platform, scratch), log)
        version = f"v{program.version}"
        log.write(f"{program.source} {version} from {', '.join(without_credentials(url) for url in urls)}\n")
        expected = recorded_hash((pin / "go.sum").read_text(encoding="utf-8"), program.source, version)
        return ModuleProxy(tuple(urls)).unpack(program.source, version, expected, scratch)

    def _unpacked(self, program: Program, pin: Path, environment: Mapping[str, str], log: TextIO) -> Path:
        command = download_command(program, pin)
        log.write(f"$ {shlex.join(command)}\n")
        log.flush()
        status, text, complaints = self.commands.answer(command, environment)
        log.write(text + complaints)
        if status != 0:
            raise LoopError(f"The Go module {program.source} could not be downloaded.")
        module = json.loads(text)
        if module["Version"] != f"v{program.version}":
            raise LoopError(
                f"{pin / 'go.mod'} pins {program.source} {module['Version']}, not v{program.version}."
            )
        return Path(module["Dir"])

    def _writable_module(
        self, program: Program, pin: Path, scratch: Path, environment: Mapping[str, str], log: TextIO
    ) -> Path:
        """A copy of the program's module with the file that it embeds and lacks."""
        unpacked = self._unpacked(program, pin, environment, log)
        copy = scratch / "module"
        for path in unpacked.rglob("*"):
            if path.is_file():
                # Not copytree: it would copy the module cache's read-only folders as such.
                (copy / path.relative_to(unpacked)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy / path.relative_to(unpacked))
        embedded = copy / program.embeds
        embedded.parent.mkdir(parents=True, exist_ok=True)
        embedded.write_text("# Not part of the published module.\n", encoding="utf-8")
        return copy


def copy_manifests(origin: Path, target: Path) -> None:
    """Copy the YAML files directly in ``origin``. Kustomize's own file is not a manifest."""
    if not origin.is_dir():
        raise LoopError(f"{origin} is no folder.")
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(origin.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            shutil.copyfile(path, target / path.name)
