# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How a loop is reached, from what is kept of it."""

from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.kept import (
    default_state_dir,
    kept_loop,
)

KEPT = {
    "cluster_connection": {
        "provider": "kind",
        "name": "shop",
        "kubeconfig": "/k/config",
        "context": "kind-shop",
    },
    "registry_endpoint": {"host": "localhost:5001", "cluster": "kind-registry:5000", "insecure": True},
    "flux_status": {},
    "binaries_paths": {},
}


def test_all_that_a_client_needs_is_there(tmp_path):
    (tmp_path / "loop.json").write_text(json.dumps(KEPT))
    assert kept_loop("shop", str(tmp_path)) == {
        "name": "shop",
        "state_dir": str(tmp_path),
        "provider": "kind",
        "kubeconfig": "/k/config",
        "context": "kind-shop",
        "registry": "localhost:5001",
        "registry_source": "kind-registry:5000",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no loop shop in .*Bring it up first"),
        ("", r"loop\.json cannot be read"),
        ('{"cluster_connection": {}}', r"loop\.json cannot be read as the loop's facts: .*site\.yml"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_remedy(tmp_path, content, said):
    if content is not None:
        (tmp_path / "loop.json").write_text(content)
    with pytest.raises(LoopError, match=said):
        kept_loop("shop", str(tmp_path))


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"XDG_DATA_HOME": "/data"}, "/data/flux-local/shop"), ({}, "/home/ada/.local/share/flux-local/shop")],
)
def test_a_loop_is_where_the_playbooks_have_it(monkeypatch, environment, folder):
    monkeypatch.setenv("HOME", "/home/ada")
    assert str(default_state_dir("shop", environment)) == folder
