# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a folder builds to, as kustomize-controller builds it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

RENDER_SECONDS = 120


class Renderer(Protocol):
    """Something that renders a folder as kustomize-controller will."""

    @property
    def is_there(self) -> bool:
        """Whether it can render: what it takes may have to be installed first."""

    def render(self, folder: str, kustomization: Mapping[str, Any], path: str) -> str:
        """The objects as YAML. Raises LoopError naming the file in the user's own ``path``."""


@dataclass(frozen=True)
class FluxCli:
    """The flux program, which renders with the controller's own library."""

    program: str

    @property
    def is_there(self) -> bool:
        return os.path.exists(self.program)

    def render(self, folder: str, kustomization: Mapping[str, Any], path: str) -> str:
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
            ]
            try:
                finished = subprocess.run(
                    # Not --in-memory-build, which refuses names with blanks or umlauts, as Flux does not.
                    # What this writes is gone with the scratch copy that it is given.
                    [*command, "--dry-run"],
                    env={
                        **os.environ,
                        # A build that needs no cluster must not find one by accident.
                        "KUBECONFIG": os.path.join(scratch, "none"),
                        # Half of its time went into collecting garbage that its end collects.
                        "GOGC": "off",
                        "GOMEMLIMIT": "256MiB",
                    },
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=RENDER_SECONDS,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise LoopError(f"flux: {self.program} could not render {path}: {error}.") from error
        if finished.returncode != 0:
            said = readable_render_error(finished.stderr.decode(errors="replace"), folder, path)
            raise LoopError(f"{said}. Nothing was pushed.")
        return finished.stdout.decode()


_MALFORMED = re.compile(
    r".*failed to decode Kubernetes YAML from (?P<file>.*?): (?:MalformedYAMLError: )?"
    r"(?P<said>(?:yaml: line (?P<line>\d+): )?.*?)(?: <nil>)?"
)


def readable_render_error(output: str, folder: str, path: str) -> str:
    """What ``flux build`` said, after the user's own path in place of the scratch folder, with the line."""
    lines = [line.strip().removeprefix("✗").strip() for line in output.splitlines()]
    said = next((line for line in reversed(lines) if line), "it ended without a word")
    named = re.sub(re.escape(folder) + r"/?", f"{path.rstrip('/')}/", said)
    malformed = _MALFORMED.fullmatch(named)
    if malformed:
        line = f":{malformed['line']}" if malformed["line"] else ""
        return f"{malformed['file']}{line} does not build: {malformed['said']}"
    return f"{path} does not build: {named}"
