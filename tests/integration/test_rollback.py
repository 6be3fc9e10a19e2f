# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The way back, on the real registry and Flux: by hand, and by itself after a push that is not healthy."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import config_map, write


def push(loop, folder, name, word, **options):
    """Push a ConfigMap, and return the digest of what was pushed."""
    write(folder, back=config_map(name, word=word))
    loop.push({"name": name, "path": str(folder)}, **options).succeeded()
    return loop.digest(name)


def word(loop, name):
    return loop.config_map(name)["data"]["word"]


@pytest.fixture
def three(loop, folder):
    """A workload that was pushed three times: the digests, the oldest first."""
    digests = [push(loop, folder, "back", word) for word in ("one", "two", "three")]
    yield digests
    loop.remove("back")


def test_a_workload_goes_back_and_what_runs_is_proven(loop, three):
    first, second, third = three
    run = loop.play("rollback", workload="back").succeeded()
    assert loop.digest("back") == second
    assert word(loop, "back") == "two"
    receipt = run.result("The workload is taken back")["results"][0]["receipt"]
    assert receipt["ready"]
    assert receipt["applied_revision"] == f"latest@{second}"
    assert f"back: latest names {second}" in run.text
    assert loop.play("rollback", workload="back", to="previous").succeeded().changed
    assert (loop.digest("back"), word(loop, "back")) == (first, "one")
    assert loop.play("rollback", workload="back", to=third).succeeded().changed
    assert word(loop, "back") == "three"
    assert loop.play("rollback", workload="back", to=third).succeeded().changed == []


def test_check_mode_shows_what_would_change_and_changes_nothing(loop, three):
    run = loop.play("rollback", "--check", "--diff", workload="back").succeeded()
    [result] = run.result("The workload is taken back")["results"]
    assert result["to_digest"] == three[1]
    shown = "".join(f"{part['before']}|{part['after']}\n" for part in result["diff"])
    assert three[2] in shown
    assert 'data.word: "three"' in shown or "three" in shown
    assert "would name" in run.text
    assert (loop.digest("back"), word(loop, "back")) == (three[2], "three")


def test_what_is_not_there_is_named_with_what_is(loop, three):
    loop.play("rollback", workload="back", to="v9").refused("v9", *three)
    # Neither is taken back where one of them cannot be.
    loop.play("rollback", workload="back,nobody").refused("Kustomization flux-system/nobody", "backend")
    assert loop.digest("back") == three[2]
    loop.play("rollback").refused("workload is missing")
    assert loop.digest("back") == three[2]


def test_retention_keeps_what_a_rollback_needs(loop, three):
    listed = [{"name": "back", "path": "."}]
    loop.play("prune", workloads_list=listed, flux_local_keep_last=0).succeeded()
    assert loop.play("rollback", workload="back").succeeded().changed
    assert (loop.digest("back"), word(loop, "back")) == (three[1], "two")


# What the embedded cluster's simulation never makes ready: no node has the label.
UNHEALTHY = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "sick", "namespace": "default"},
    "spec": {
        "progressDeadlineSeconds": 1,
        "selector": {"matchLabels": {"app": "sick"}},
        "template": {
            "metadata": {"labels": {"app": "sick"}},
            "spec": {
                "nodeSelector": {"no-node-has": "this"},
                "containers": [{"name": "sick", "image": "registry.example/sick:1"}],
            },
        },
    },
}


def test_what_is_not_healthy_after_a_push_goes_back_by_itself_and_the_run_fails(loop, folder):
    healthy = push(loop, folder, "sick", "well")
    write(folder, back=config_map("sick", word="ill"), sick=UNHEALTHY)
    workload = {"name": "sick", "path": str(folder)}
    run = loop.push(workload, workloads_on_failure="rollback")
    run.refused("Deployment default/sick", f"It was taken back to {healthy}, which is applied and healthy.")
    receipt = run.receipts["sick"]
    assert (receipt["reason"], receipt["cause"]["kind"]) == ("HealthCheckFailed", "unhealthy")
    assert receipt["taken_back"] == {"digest": healthy, "proven": True}
    assert not receipt["ready"]
    assert loop.digest("sick") == healthy
    assert word(loop, "sick") == "well"
    assert loop.get("/apis/apps/v1/namespaces/default/deployments/sick") is None
    # Without it, it stays as it is.
    loop.push(workload).refused("Deployment default/sick")
    assert loop.digest("sick") != healthy
    loop.remove("sick")
