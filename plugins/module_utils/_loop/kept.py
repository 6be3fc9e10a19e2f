# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How a loop is reached, from what the playbooks keep of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.state_files import read_kept


def default_state_dir(name: str, environment: Mapping[str, str]) -> Path:
    """Where the playbooks have the loop of that name unless they are told otherwise.

    https://specifications.freedesktop.org/basedir-spec/latest/#variables
    """
    data_home = environment.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(data_home) / "flux-local" / name


def kept_loop(name: str, state_dir: str | None = None) -> dict[str, str]:
    """What a client of the loop needs, as ``_reached`` names it.

    Raises LoopError when there is no such loop, or what is kept of it is damaged.
    """
    folder = Path(state_dir).expanduser() if state_dir else default_state_dir(name, os.environ)
    kept = read_kept(str(folder), "facts")
    if not kept:
        raise LoopError(
            f"There is no loop {name} in {folder}. Bring it up first with site.yml, or name another one."
        )
    return _reached(name, folder, kept)


def _reached(name: str, folder: Path, kept: Mapping[str, Any]) -> dict[str, str]:
    """Both addresses of the registry are ``host:port``: this machine's, and Flux's."""
    connection, registry = kept["cluster_connection"], kept["registry_endpoint"]
    return {
        "name": name,
        "state_dir": str(folder),
        "provider": str(connection.get("provider", "")),
        "kubeconfig": str(connection.get("kubeconfig", "")),
        "context": str(connection.get("context", "")),
        "registry": str(registry.get("host", "")),
        "registry_source": str(registry.get("cluster", "")),
    }
