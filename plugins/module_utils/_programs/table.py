# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The pinned programs: where each one is kept, and how it proves its version."""

from __future__ import annotations

import mmap
import platform as python_platform
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import is_digest

# How platform.system() and platform.machine() call what Go calls GOOS and GOARCH.
GO_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
GO_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class ManifestFolder:
    """YAML files directly in the folder ``origin`` of a Go module; they go to ``target`` in the manifests."""

    origin: str
    target: str


@dataclass(frozen=True)
class Program:
    """One entry of the table, with its version filled in; without ``package`` it is manifests alone."""

    name: str
    version: str
    module: str
    source: str
    package: str = ""
    check_text: str = ""
    ldflags: str = ""
    embeds: str = ""
    check_arguments: tuple[str, ...] = ("--version",)
    check_build_info: bool = False
    build: int = 1
    manifests: tuple[ManifestFolder, ...] = ()
    image: str = ""
    path: str = ""

    @property
    def has_program(self) -> bool:
        """Whether there is a program, and not its manifests alone."""
        return bool(self.package)

    @property
    def edition(self) -> str:
        """The version, and after a hyphen which build of it this is: the first one is not counted."""
        return self.version if self.build == 1 else f"{self.version}-{self.build}"

    @property
    def targets(self) -> tuple[str, ...]:
        """The folders below the program's manifests, each once."""
        return tuple(dict.fromkeys(folder.target for folder in self.manifests))


@dataclass(frozen=True)
class Place:
    """Where a program and its manifests are; ``manifests`` is None for a program that has none."""

    program: Path
    manifests: Path | None

    def as_fact(self, program: Program) -> dict[str, str]:
        """The program's entry in the role's output fact."""
        return {
            "program": str(self.program) if program.has_program else "",
            "version": program.version,
            "manifests": str(self.manifests or ""),
        }


def parse_program(entry: Mapping[str, Any]) -> Program:
    """The table entry as a Program. Raises LoopError naming the keys it lacks."""
    is_manifests_alone = entry.get("manifests") and not entry.get("package")
    needed = (
        "name",
        "version",
        "module",
        "source",
        *(() if is_manifests_alone else ("package", "check_text")),
    )
    lacking = [key for key in needed if not entry.get(key)]
    if lacking:
        raise LoopError(f"The program {entry.get('name') or dict(entry)} lacks {', '.join(lacking)}.")
    version = str(entry["version"])
    return Program(
        name=entry["name"],
        version=version,
        module=entry["module"],
        source=entry["source"],
        package=entry.get("package") or "",
        check_text=(entry.get("check_text") or "").replace("{version}", version),
        ldflags=(entry.get("ldflags") or "").replace("{version}", version),
        embeds=entry.get("embeds") or "",
        check_arguments=tuple(entry.get("check_arguments") or ["--version"]),
        check_build_info=bool(entry.get("check_build_info")),
        build=int(entry.get("build") or 1),
        manifests=tuple(
            ManifestFolder(folder["from"], folder["to"]) for folder in entry.get("manifests") or []
        ),
        image=_pinned((entry.get("image") or "").replace("{version}", version), entry.get("digest")),
        path=entry.get("path") or "",
    )


def _pinned(image: str, digest: str | None) -> str:
    return f"{image.partition('@')[0]}@{digest}" if digest else image


def with_digests(entries: Sequence[Mapping[str, Any]], digests: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The table with the images of the programs that ``digests`` names pinned. Raises LoopError."""
    with_images = [str(entry["name"]) for entry in entries if entry.get("image")]
    unknown = sorted(set(digests) - set(with_images))
    if unknown:
        raise LoopError(
            f"digests: no image is known that has {', '.join(unknown)}. "
            f"There are images of {', '.join(with_images)}."
        )
    wrong = [f"{name}: {digest!r}" for name, digest in digests.items() if not is_digest(str(digest))]
    if wrong:
        raise LoopError(
            f"digests: {', '.join(wrong)} is no digest. It has to be sha256: and 64 hexadecimal digits."
        )
    return [
        {**entry, "digest": digests[entry["name"]]} if entry.get("name") in digests else dict(entry)
        for entry in entries
    ]


def select(programs: Sequence[Program], names: Collection[str]) -> list[Program]:
    """Those named, in the table's order; all programs without names. Raises LoopError for an unknown name."""
    known = [program.name for program in programs]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise LoopError(f"names: there is no program {', '.join(unknown)}. There are {', '.join(known)}.")
    return [program for program in programs if (program.name in names if names else program.has_program)]


def this_platform() -> str:
    """The platform that programs are installed for. Raises LoopError when there are none for it."""
    return platform_name(python_platform.system(), python_platform.machine())


def platform_name(system: str, machine: str) -> str:
    """``<os>-<arch>`` in Go's words, from Python's platform module. Raises LoopError for any other."""
    if system not in GO_SYSTEMS or machine not in GO_MACHINES:
        raise LoopError(f"{system} on {machine} is not supported. Use Linux (x86-64, arm64) or macOS.")
    return f"{GO_SYSTEMS[system]}-{GO_MACHINES[machine]}"


def cached(cache: Path, program: Program, platform: str) -> Place:
    """Where the cache keeps the program: ``<cache>/<name>/<version>/<platform>/``.

    Builds of one version from other modules are kept apart (``<version>-2``): an older one is replaced.
    """
    folder = cache / program.name / program.edition / platform
    return Place(folder / program.name, folder / "manifests" if program.manifests else None)


def flat(folder: Path, program: Program) -> Place:
    """Where a folder of programs side by side has it: ``<folder>/<name>``, ``<folder>/manifests/<name>/``."""
    return Place(folder / program.name, folder / "manifests" / program.name if program.manifests else None)


def log_file(cache: Path, program: Program) -> Path:
    """Where the output of the program's latest installation is."""
    return cache / "logs" / f"{program.name}-{program.version}.log"


def proves_version(program: Program, output: str) -> bool:
    """Whether what the program printed is its check text, and not the start of a longer version.

    The ``v`` that some builds put before the version, and others of the same version do not, does not matter.
    """
    version = re.escape(program.version)
    text = re.escape(program.check_text).replace(f"v{version}", version).replace(version, f"v?{version}")
    return re.search(text + r"(?![\w.+-]*\w)", output) is not None


def recorded_version(content: bytes | mmap.mmap, source: str) -> str:
    """The version of the Go module ``source`` that Go recorded in a program; empty when it recorded none.

    Go's debug.BuildInfo has lines of ``mod`` or ``dep``, path, version and hash, separated by tabs.
    """
    found = re.search(rb"(?:mod|dep)\t" + re.escape(source.encode()) + rb"\tv([^\t\n]+)", content)
    return found[1].decode() if found else ""


def last_lines(text: str, count: int = 15) -> str:
    """The end of a log, as an error message quotes it."""
    return "\n".join(text.strip().splitlines()[-count:])
