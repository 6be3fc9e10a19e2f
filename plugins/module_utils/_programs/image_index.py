# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""An image for many platforms: which one is for which (OCI image spec, "Image Index")."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import INDEX_TYPE, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import is_digest

INDEX_TYPES = (INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json")


def platform_entries(index: Manifest) -> dict[str, str]:
    """The digest of the image for each platform of an index, as ``<os>-<arch>``.

    Attestations, which have the platform ``unknown``, and variants beside the one that comes first (OCI image
    spec, "Image Index", says to take the first match) are left out.
    """
    return {platform: str(entry["digest"]) for platform, entry in reversed([*_platforms(index)])}


def only_platforms(index: Manifest, platforms: Sequence[str]) -> Manifest:
    """The index with nothing but the images for ``platforms``. Raises LoopError naming those it lacks."""
    offered = platform_entries(index)
    lacking = [platform for platform in platforms if platform not in offered]
    if lacking:
        raise LoopError(
            f"It is for {', '.join(sorted(offered)) or 'no platform'}, not for {', '.join(lacking)}."
        )
    kept = [entry for platform, entry in _platforms(index) if platform in platforms]
    fields = {**json_object(index.body), "manifests": kept}
    return Manifest(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode(), index.media_type)


def _platforms(index: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = json_object(index.body).get("manifests")
    for entry in entries if isinstance(entries, list) else []:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(platform, dict) or not is_digest(str(entry.get("digest"))):
            continue
        name = f"{platform.get('os')}-{platform.get('architecture')}"
        if re.fullmatch(r"[a-z0-9]+-[a-z0-9]+", name) and "unknown" not in name:
            yield name, entry


def json_object(body: bytes) -> Mapping[str, Any]:
    """The object that ``body`` is as JSON; an empty one for anything else."""
    try:
        fields = from_json(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
