# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The life of a loop with the installed ansible-core: scripts/test-core.sh has the lowest and the newest."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.tests.integration.loops import PROGRAMS, config_map, write


def test_a_loop_comes_and_goes(new_loop, tmp_path):
    folder = write(tmp_path / "shop", greeting=config_map("greeting", text="hello"))
    own = new_loop("core", workloads_list=[{"name": "shop", "path": str(folder)}])
    first = own.up().receipts["shop"]
    assert first["ready"]
    assert sorted(own.processes().values()) == PROGRAMS

    write(folder, greeting=config_map("greeting", text="hello, world"))
    foretold = own.play("push", "--check", "--diff").succeeded()
    assert foretold.receipts["shop"]["why"] == ["latest: content differs"]
    second = own.play("push").succeeded().receipts["shop"]
    assert second["pushed_digest"] == own.digest("shop") != first["pushed_digest"]
    assert second["applied_revision"] == f"latest@{second['pushed_digest']}"
    assert own.config_map("greeting")["data"] == {"text": "hello, world"}

    assert own.play("push").succeeded().changed == []
    assert own.up().changed == []
    assert second["pushed_digest"].removeprefix("sha256:")[:12] in own.play("status").succeeded().text

    own.play("stop").succeeded()
    assert own.processes() == {}
    assert own.play("stop").succeeded().changed == []
    own.up()
    assert sorted(own.processes().values()) == PROGRAMS
    assert own.config_map("greeting")["data"] == {"text": "hello, world"}

    own.play("rollback", workload="shop").succeeded()
    assert own.config_map("greeting")["data"] == {"text": "hello"}
    own.play("prune").succeeded()

    own.purge().succeeded()
    assert own.processes() == {}
    assert not own.state_dir.exists()
    assert own.play("destroy").succeeded().changed == []
