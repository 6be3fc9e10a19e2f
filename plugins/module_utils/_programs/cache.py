# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cache of programs: what it has, and how a program gets into it whole or not at all."""

from __future__ import annotations

import contextlib
import mmap
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import for_child
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import locked_file
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.commands import (
    Commands,
    LocalCommands,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.digests import FirstPulls
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_method import GoMethod
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_method import ImageMethod
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import (
    FolderMethod,
    Method,
    lacking,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    Place,
    Program,
    cached,
    last_lines,
    log_file,
    parse_program,
    proves_version,
    recorded_version,
    this_platform,
)

CHECK_SECONDS = 60

# What the option method names, made from the module's options and the platform.
METHODS: dict[str, Callable[[Mapping[str, Any], str, Commands], Method]] = {
    "folder": lambda options, platform, _commands: FolderMethod(Path(options["folder"]), platform),
    "image": lambda options, platform, commands: ImageMethod(
        Images.from_params(options),
        platform,
        GoMethod(Path(options["modules_dir"]), platform, commands),
        FirstPulls(Path(options["cache_dir"])),
    ),
    "go": lambda options, platform, commands: GoMethod(Path(options["modules_dir"]), platform, commands),
}


def run(options: Mapping[str, Any], *, check_mode: bool, warn: Callable[[str], None]) -> dict[str, Any]:
    """What the module program_install does with its options."""
    platform, commands = this_platform(), LocalCommands()
    method = METHODS[options["method"]](options, platform, commands)
    installer = Installer(Path(options["cache_dir"]), platform, method, commands, warn)
    return installer.install(parse_program(options["program"]), check_mode=check_mode)


@dataclass(frozen=True)
class Installer:
    """Puts programs that one method obtains into a cache, whole or not at all."""

    cache: Path
    platform: str
    method: Method
    commands: Commands
    warn: Callable[[str], None]

    def install(self, program: Program, *, check_mode: bool) -> dict[str, Any]:
        """Have the program in the cache, and say where it is.

        Raises LoopError with the end of the log when it cannot be obtained, or is not what it should be.
        """
        place = cached(self.cache, program, self.platform)
        log = log_file(self.cache, program)
        changed = bool(lacking(place, program))
        if changed and not check_mode:
            try:
                with _only_one_at_work(
                    self.cache / ".locks" / f"{program.name}-{program.version}-{self.platform}"
                ):
                    # Whoever had the lock before may have installed it.
                    changed = bool(lacking(place, program))
                    if changed:
                        self._put(program, place, log)
            except OSError as error:
                raise LoopError(
                    f"{program.name} could not be put into the cache {self.cache}: {error}. "
                    "Make room there or make it writable, or choose another folder as cache_dir.",
                    log=str(log),
                ) from error
        return {"changed": changed, "log": str(log), **place.as_fact(program)}

    def _put(self, program: Program, place: Place, log: Path) -> None:
        """Obtain the program, check it, and move it to its place in one step."""
        partial = self.cache / ".partial"
        partial.mkdir(exist_ok=True)
        prefix = f"{program.name}-{program.version}-{self.platform}-"
        for left_behind in partial.glob(f"{prefix}*"):
            shutil.rmtree(left_behind)
        log.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=partial) as temporary:
            whole, scratch = Path(temporary, "whole"), Path(temporary, "scratch")
            whole.mkdir()
            scratch.mkdir()
            obtained = Place(whole / program.name, whole / "manifests" if place.manifests else None)
            try:
                with log.open("w", encoding="utf-8") as stream:
                    pulled = self.method.obtain(program, obtained, scratch, stream)
                if program.has_program:
                    obtained.program.chmod(0o755)
                    self._check(program, obtained.program)
                if pulled:
                    FirstPulls(self.cache).record(pulled.image, {pulled.platform: pulled.digest})
            except LoopError as error:
                said = last_lines(log.read_text(encoding="utf-8", errors="replace"))
                raise LoopError(
                    f"{error.message} The log is {log}; it ends with:\n{said}", log=str(log)
                ) from error
            _write_to_disk(whole)
            place.program.parent.parent.mkdir(parents=True, exist_ok=True)
            if place.program.parent.exists():
                shutil.rmtree(place.program.parent)
            whole.rename(place.program.parent)

    def _check(self, program: Program, path: Path) -> None:
        """Run the program to see that it works and is the version wanted; warn when that cannot be told."""
        origin, remedy = self.method.origin(program), self.method.remedy(program)
        try:
            _status, output, complaints = self.commands.answer(
                [str(path), *program.check_arguments], for_child(os.environ), CHECK_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LoopError(f"{origin} does not run here: {error}. {remedy}") from error
        if not proves_version(program, output + complaints):
            said = (output + complaints).strip().partition("\n")[0]
            asked = shlex.join(program.check_arguments)
            raise LoopError(
                f"{origin} answers {asked} with {said!r}, not with {program.check_text!r}. {remedy}"
            )
        if not program.check_build_info:
            return
        recorded = _recorded_version(path, program.source)
        if not recorded:
            self.warn(f"{origin} does not say its version. That it is {program.version} is taken on trust.")
        elif recorded != program.version:
            raise LoopError(f"{origin} is version {recorded}, not {program.version}. {remedy}")


@contextlib.contextmanager
def _only_one_at_work(lock: Path) -> Iterator[None]:
    """Hold the lock, after waiting for whoever holds it; a process that ends gives it back."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with locked_file(str(lock), mode=0o666):  # less what the umask takes: a cache may be of several users
        yield


def _recorded_version(path: Path, source: str) -> str:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return recorded_version(content, source)


def _write_to_disk(folder: Path) -> None:
    """Have the files on disk before they get their name: a power cut must not leave an empty program."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
