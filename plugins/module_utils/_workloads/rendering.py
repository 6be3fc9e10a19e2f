# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a folder builds to, as kustomize-controller builds it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    GIT,
    NETWORK,
    for_child,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.ruled import first_rule
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import REMOTE_BASE

RENDER_SECONDS = 120
RENDER_BYTES = 1 << 30  # of memory; 10 MB of manifests take a third of it


class Renderer(Protocol):
    """Something that renders a folder as kustomize-controller will."""

    @property
    def is_there(self) -> bool:
        """Whether it can render: what it takes may have to be installed first."""

    def render(self, folder: str, kustomization: Mapping[str, Any], path: str, *, is_strict: bool) -> str:
        """The objects as YAML. Raises LoopError naming the file in the user's own ``path``.

        If ``is_strict``, that is also raised for a variable that has neither a value nor a default, as
        kustomize-controller does.
        """


@dataclass(frozen=True)
class FluxCli:
    """The flux program, which renders with the controller's own library."""

    program: str

    @property
    def is_there(self) -> bool:
        return os.path.exists(self.program)

    def render(self, folder: str, kustomization: Mapping[str, Any], path: str, *, is_strict: bool) -> str:
        name = str(kustomization["metadata"]["name"])
        with tempfile.TemporaryDirectory(prefix="flux-local-") as scratch:
            definition = os.path.join(scratch, "kustomization.json")
            with open(definition, "w", encoding="utf-8") as stream:
                json.dump(kustomization, stream)
            command = [
                self.program,
                "build",
                "kustomization",
                name,
                "--namespace",
                str(kustomization["metadata"]["namespace"]),
                "--path",
                folder,
                "--kustomization-file",
                definition,
                *(["--strict-substitute"] if is_strict else []),
            ]
            try:
                finished = run_bounded(
                    # Not --in-memory-build, which refuses names with blanks or umlauts, as Flux does not.
                    # What this writes is gone with the scratch copy that it is given.
                    [*command, "--dry-run"],
                    env=for_child(
                        os.environ,
                        *(NETWORK, GIT),  # for bases that are fetched
                        # A build that needs no cluster must not find one by accident.
                        KUBECONFIG=os.path.join(scratch, "none"),
                        # Half of its time went into collecting garbage that its end collects.
                        GOGC="off",
                        GOMEMLIMIT="256MiB",
                    ),
                    cwd=folder,
                    seconds=RENDER_SECONDS,
                    memory=RENDER_BYTES,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise LoopError(f"flux: {self.program} could not render {path}: {error}.") from error
        if finished.returncode != 0:
            raise LoopError(render_error(finished.stderr.decode(errors="replace"), folder, path))
        return finished.stdout.decode()


def run_bounded(
    command: Sequence[str], env: Mapping[str, str], cwd: str, *, seconds: float, memory: int
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that may take so many ``seconds``, and on Linux so many bytes of ``memory``.

    Raises OSError where it cannot be started, and subprocess.TimeoutExpired after it was killed.
    """
    with subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        # Not before it starts (preexec_fn), which may lock up where there are threads. A program in Go
        # reserves many times the memory that it uses: RLIMIT_AS would count that, this one does not.
        if hasattr(resource, "prlimit"):
            with suppress(OSError):  # it has ended already
                resource.prlimit(process.pid, resource.RLIMIT_DATA, (memory, memory))
        try:
            output, errors = process.communicate(timeout=seconds)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


_CRASH = re.compile(r"^fatal error: (?P<why>.*)$", re.MULTILINE)
_MALFORMED = re.compile(
    r".*failed to decode Kubernetes YAML from (?P<file>.*?): (?:MalformedYAMLError: )?"
    r"(?P<said>(?:yaml: line (?P<line>\d+): )?.*?)(?: <nil>)?"
)
_UNSET = re.compile(
    r"var substitution failed for '(?P<name>.*?)': .*variable not set \(strict mode\): \"(?P<variable>\w+)\""
)


def render_error(output: str, folder: str, path: str) -> str:
    """What ``flux build`` said, in sentences: the user's own path in place of ``folder``, with the line."""
    crash = _CRASH.search(output)
    if crash:
        return (
            f"{path} does not build: the flux program ended with {crash['why']!r}, and may use"
            f" {RENDER_BYTES >> 20} MiB of memory. Look for YAML aliases that multiply or contain themselves,"
            " also in patches."
        )
    said = said_at_last(output)
    unset = _UNSET.fullmatch(said)
    if unset:
        return _unset_error(unset["name"], unset["variable"], folder, path)
    return f"{readable_render_error(said, folder, path)}."


def said_at_last(output: str) -> str:
    """The last that a program of Flux said, in one line: what follows its last mark, if there is one."""
    _before, mark, said = output.rpartition("✗")
    lines = [line.strip() for line in (said if mark else output).splitlines() if line.strip()]
    return " ".join(lines if mark else lines[-1:]) or "it ended without a word"


def readable_render_error(said: str, folder: str, path: str) -> str:
    """What ``flux build`` said, after the user's own path in place of the scratch folder, with the line."""
    inside = r"(?:/[^\s:'\"]*)?" if os.path.isfile(path) else r"/?"
    named = re.sub(re.escape(folder) + inside, _below(path, "").replace("\\", r"\\"), said)
    malformed = _MALFORMED.fullmatch(named)
    if malformed:
        line = f":{malformed['line']}" if malformed["line"] else ""
        return f"{malformed['file']}{line} does not build: {malformed['said']}"
    remote = first_rule((REMOTE_BASE,), f"BuildFailed: {named}", {}, path)
    if remote:
        return f"{path} {remote.text.removeprefix('it ')} {remote.remedy.rstrip('.')}"
    return f"{path} does not build: {named.rstrip('.')}"


def _unset_error(name: str, variable: str, folder: str, path: str) -> str:
    """The sentences for a variable of an object that nothing gives a value."""
    line = line_with(folder, re.compile(rf"\$\{{?[#^,]*{variable}\b"), name)
    place = f"{_below(path, line.rpartition(':')[0])}:{line.rpartition(':')[2]}" if line else path
    return (
        f"{place}: the variable {variable} of {name} has no value. Give it one with substitute or"
        f" substitute_from, or a default as in ${{{variable}:=value}}; an object that has the annotation"
        " kustomize.toolkit.fluxcd.io/substitute: disabled keeps its variables as they are."
    )


def _below(path: str, inside: str) -> str:
    """A file as the user knows it, of what is called ``path``: a folder, or the one file that was packed."""
    return path if os.path.isfile(path) else os.path.join(path, inside)


def line_with(folder: str, pattern: re.Pattern[str], name: str) -> str:
    """``file:line`` of what a file in ``folder`` holds, one that names an object if there is such a file."""
    found: dict[bool, str] = {}
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            lines = Path(place, file).read_text("utf-8", errors="replace").splitlines()
            number = next((number for number, line in enumerate(lines, 1) if pattern.search(line)), 0)
            if number:
                inside = os.path.relpath(os.path.join(place, file), folder)
                found.setdefault(any(name in line for line in lines), f"{inside}:{number}")
    return found.get(True) or found.get(False, "")
