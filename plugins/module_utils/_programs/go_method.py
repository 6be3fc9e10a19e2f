# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Programs built from pinned Go modules, and manifests out of these."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ansible_collections.gitops.flux_local.plugins.module_utils._content.git_revision import (
    without_credentials,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.commands import (
    Commands,
    go_runs,
    go_variables,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_proxy import (
    ModuleProxy,
    proxies,
    recorded_hash,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import copy_manifests
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import Place, Program


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
        with _in_time(program):
            status = self.commands.logged(command, environment, log)
        if status != 0:
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
        with _in_time(program):
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


@contextmanager
def _in_time(program: Program) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise LoopError(
            f"{program.name} {program.version}: Go was ended after {error.timeout:g} s. Mend what the log "
            "names, then run this again: it continues where it ended."
        ) from error


def go_environment(inherited: Mapping[str, str], platform: str, scratch: Path) -> dict[str, str]:
    """The environment of every go command: the user's network and caches, nothing that changes the build."""
    system, machine = platform.split("-")
    return {
        **go_variables(inherited),
        "CGO_ENABLED": "0",
        # Flags also when `go env -w` has set some: an empty variable would not override those.
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOARCH": machine,
        "GOOS": system,
        "GOTMPDIR": str(scratch),
        "GOWORK": "off",
    }


def build_command(program: Program, folder: Path, output: Path) -> list[str]:
    """Builds the program with the go.mod in ``folder``.

    All programs are built with the same flags but for their version, so that they share what is compiled.
    With ``-v`` it says what it compiles while it does.
    """
    ldflags = f"-s -w {program.ldflags}".strip()
    return [
        "go",
        "build",
        "-C",
        str(folder),
        "-v",
        "-trimpath",
        "-ldflags",
        ldflags,
        "-o",
        str(output),
        program.package,
    ]


def download_command(program: Program, folder: Path) -> list[str]:
    """Says as JSON where the program's pinned Go module has been unpacked, after fetching it if need be."""
    return ["go", "mod", "download", "-C", str(folder), "-json", program.source]
