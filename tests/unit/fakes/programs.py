# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

"""Programs of the table, the cache they are looked for in, and images that have them."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import INDEX_TYPE, Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Images
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.sources import Sources, look

PLATFORM = "linux-amd64"
DIGEST = f"sha256:{'a' * 64}"
ETCD = {
    "name": "etcd",
    "version": "3.6.8",
    "module": "etcd",
    "source": "go.etcd.io/etcd/server/v3",
    "package": "go.etcd.io/etcd/server/v3",
    "check_text": "etcd Version: {version}",
}
KWOK = {
    **ETCD,
    "name": "kwok",
    "version": "0.8.0",
    "check_text": "kwok version v{version}",
    "manifests": [{"from": "stage", "to": "stages"}],
}


def seen(cache, entries=(ETCD, KWOK), names=(), source="auto", folder=None):
    warnings: list[str] = []
    return look(
        entries,
        names,
        cache,
        Sources(source=source, folder=folder, images=Images(), platform=PLATFORM),
        warnings.append,
    )


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)


def index(*entries: tuple[str, str, str]) -> Manifest:
    manifests = [
        {"digest": f"sha256:{number * 64}", "size": 1, "platform": {"os": system, "architecture": machine}}
        for system, machine, number in entries
    ]
    return Manifest(json.dumps({"manifests": [*manifests, {"digest": DIGEST}]}).encode(), INDEX_TYPE)
