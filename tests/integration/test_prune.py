# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Old versions are removed from a loop's registry, while Flux uses some of them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import folder_by
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.integration.loops import (
    NEVER,
    Loop,
    config_map,
    until,
    write,
)


def held(loop, name: str) -> RegistryRepository:
    return RegistryRepository(parse_url(f"oci://{loop.registry}/{name}"))


def killed_while_it_collects(loop: Loop, folder: Path, listed: Mapping[str, Any]) -> None:
    """Prune with a collection that does not end by itself, and kill the playbook while it goes on."""
    collecting, slow = folder / "collecting", folder / "registry"
    program = json.loads((loop.state_dir / "loop.json").read_text())["binaries_paths"]["registry"]["program"]
    slow.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'  *--dry-run*) exec "{program}" "$@";;\n'
        f'  *) touch "{collecting}"; exec sleep {NEVER};;\n'
        "esac\n"
    )
    slow.chmod(0o700)
    run = loop.start("playbooks/prune.yml", registry_program=str(slow), **listed)
    until(collecting.exists, "the collection goes on")
    with pytest.raises(requests.ConnectionError):
        loop.digest("pruned")
    run.process.kill()
    run.process.communicate()
    until(lambda: loop.digest("pruned"), "the registry runs again")
    with folder_by(str(loop.state_dir / "registry" / "storage"), deadline=0):
        pass  # no collection has it any more


def test_old_versions_go_with_their_bytes_and_what_flux_uses_stays(loop, folder):
    digests = []
    for edit in range(4):
        write(folder, a=config_map("pruned", edit=str(edit)))
        noise = base64.b64encode(random.Random(edit).randbytes(30_000)).decode()
        (folder / "noise.txt").write_text(noise)
        run = loop.push({"name": "pruned", "path": str(folder)}).succeeded()
        digests.append(run.receipts["pruned"]["pushed_digest"])
    repository = held(loop, "pruned")
    listed = {"workloads_list": [{"name": "pruned", "path": str(folder)}], "flux_local_keep_last": 1}
    # Flux has applied them one after the other, and its history goes back five.
    kept = loop.play("prune", **listed).succeeded()
    assert kept.changed == []
    assert "pruned: 4 kept, 0 removed" in kept.text
    assert "Kustomization flux-system/pruned: history" in kept.text
    loop.remove("pruned")
    size = sum(path.stat().st_size for path in loop.state_dir.glob("registry/storage/**/*") if path.is_file())
    predicted = loop.play("prune", "--check", **listed).succeeded()
    assert "pruned: 1 kept, 3 to be removed" in predicted.text
    assert all(repository.manifest(digest) for digest in digests)
    killed_while_it_collects(loop, folder, listed)
    assert [bool(repository.manifest(digest)) for digest in digests] == [False, False, False, True]
    run = loop.play("prune", **listed).succeeded()
    assert "pruned: 1 kept, 0 removed" in run.text
    won = run.facts["registry_garbage"]["won"]
    assert won > 3 * 20_000
    left = sum(path.stat().st_size for path in loop.state_dir.glob("registry/storage/**/*") if path.is_file())
    assert size - left >= won
    assert [bool(repository.manifest(digest)) for digest in digests] == [False, False, False, True]
    assert loop.play("prune", **listed).succeeded().changed == []
    assert loop.play("push").succeeded().changed == []  # the registry is back, and the loop as it was
