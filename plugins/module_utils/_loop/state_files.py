# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a loop keeps in its state folder from run to run, read in one way: whole, or told with a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import read_json_object


@dataclass(frozen=True)
class KeptFile:
    """A file of JSON: what it is, what helps where it is damaged, and the keys that it has at least."""

    name: str
    what: str
    remedy: str
    keys: Mapping[str, type]


FILES = {
    "ports": KeptFile("ports.json", "the loop's ports", "Remove it to have ports chosen anew.", {}),
    "provider": KeptFile(
        "provider.json",
        "what has the loop's cluster",
        "Remove it, and name the provider that the loop has once, with flux_local_provider.",
        {"provider": str, "engine": str},
    ),
    "facts": KeptFile(
        "loop.json",
        "the loop's facts",
        "Bring the loop up with site.yml, which writes it anew.",
        {"registry_endpoint": dict, "cluster_connection": dict, "flux_status": dict, "binaries_paths": dict},
    ),
    "workloads": KeptFile(
        "workloads.json",
        "the list of workloads",
        "Give the list to site.yml again, as workloads_list, which writes it anew.",
        {"workloads_base_dir": str, "workloads_list": list},
    ),
    "registry": KeptFile(
        "registry.json",
        "what has the registry's content",
        "Remove it, and name that once, with registry_engine and registry_volume.",
        {"engine": str, "storage": str},
    ),
}


def read_kept(state_dir: str, name: str) -> dict[str, Any]:
    """What the loop keeps under that name of ``FILES``; nothing where it keeps none. Raises LoopError."""
    file = FILES[name]
    path = f"{state_dir}/{file.name}"
    content = read_json_object(path, what=file.what, remedy=file.remedy)
    if content is None:
        return {}
    wrong = [key for key, kind in file.keys.items() if not isinstance(content.get(key), kind)]
    if wrong:
        raise LoopError(
            f"{path} cannot be read as {file.what}: {' and '.join(wrong)} must be in it. {file.remedy}"
        )
    return content
