# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The loop as a user lives with it: up, again, edited, broken, repaired, removed."""

from __future__ import annotations

import os
import shutil

import pytest
from kubernetes import client

from ansible_collections.gitops.flux_local.tests.integration.loops import (
    NEVER,
    ROOT,
    Loop,
    config_map,
    free_port,
    until,
    write,
)

UNCHANGING = ["site", "push", "status"]
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "broken", "namespace": "default"},
    "spec": {"ports": [{"port": 99999}]},
}


def test_from_nothing_to_everything_ready(loop):
    first = loop.runs[0].succeeded()
    assert first.playbook == "playbooks/site.yml"
    assert sorted(first.receipts) == ["backend", "base", "frontend"]
    for name, receipt in first.receipts.items():
        digest = loop.digest(name)
        assert digest
        assert receipt["ready"], receipt
        assert receipt["pushed_digest"] == digest
        assert receipt["source_revision"] == receipt["applied_revision"] == f"latest@{digest}"
        assert loop.source(name)["status"]["artifact"]["revision"] == f"latest@{digest}"
        assert loop.kustomization(name)["status"]["lastAppliedRevision"] == f"latest@{digest}"
    deployments = loop.get("/apis/apps/v1/deployments")["items"]
    assert {item["metadata"]["name"] for item in deployments} >= {"backend", "frontend"}
    for item in deployments:
        assert item["status"]["availableReplicas"] == item["spec"]["replicas"]


def test_the_summary_says_where_everything_is_and_how_it_stands(loop):
    for said, stands in (
        (loop.runs[0].text, "{0} latest {1} latest@{1} yes"),
        (loop.play("status").text, "{0} latest {1}"),
    ):
        assert f"kubeconfig  {loop.kubeconfig}" in said
        assert f"registry    {loop.registry}" in said
        assert "simulated" in said
        rows = {line.split()[0]: line.split() for line in said.splitlines() if line.startswith(("ba", "fr"))}
        for name in ("base", "backend", "frontend"):
            digest = loop.digest(name).removeprefix("sha256:")[:12]
            assert " ".join(rows[name]).startswith(stands.format(name, digest))


@pytest.mark.parametrize("playbook", UNCHANGING)
def test_a_second_run_changes_nothing(loop, playbook):
    assert loop.play(playbook).succeeded().changed == []


@pytest.mark.parametrize("playbook", ["site", "push"])
def test_check_mode_of_a_loop_that_is_as_it_should_be_foretells_nothing(loop, playbook):
    assert loop.play(playbook, "--check", "--diff").succeeded().changed == []


def test_an_edit_is_pushed_and_applied_and_foretold_by_check_mode(loop, folder):
    workload = {"name": "edited", "path": str(write(folder, greeting=config_map("greeting", text="hello")))}
    foretold = loop.push(workload, arguments=["--check"]).succeeded()
    assert foretold.receipts["edited"]["changed"]
    assert (loop.digest("edited"), loop.kustomization("edited")) == (None, None)

    first = loop.push(workload).succeeded().receipts["edited"]
    assert loop.config_map("greeting")["data"] == {"text": "hello"}

    write(folder, greeting=config_map("greeting", text="hello, world"))
    before = loop.kustomization("edited")
    foretold = loop.push(workload, arguments=["--check", "--diff"]).succeeded()
    assert foretold.receipts["edited"]["why"] == ["latest: content differs"]
    assert "greeting.yaml" in str(foretold.result("What the folders hold")["diff"])
    assert loop.digest("edited") == first["pushed_digest"]
    assert loop.kustomization("edited") == before

    second = loop.push(workload).succeeded().receipts["edited"]
    assert second["pushed_digest"] == loop.digest("edited") != first["pushed_digest"]
    assert second["applied_revision"] == f"latest@{second['pushed_digest']}"
    assert loop.config_map("greeting")["data"] == {"text": "hello, world"}
    assert loop.kustomization("edited")["metadata"]["generation"] == before["metadata"]["generation"]


def test_the_same_content_is_neither_pushed_nor_reconciled_again(loop, folder):
    workload = {"name": "same", "path": str(write(folder, same=config_map("same")))}
    loop.push(workload).succeeded()
    digest, source, kustomization = loop.digest("same"), loop.source("same"), loop.kustomization("same")

    os.utime(folder / "same.yaml", (1, 1))
    (folder / "same.yaml").chmod(0o600)
    folder.chmod(0o700)
    assert loop.push(workload, umask=0o077).succeeded().changed == []
    moved = folder.rename(folder.with_name("elsewhere"))
    assert loop.push({**workload, "path": str(moved)}).succeeded().changed == []

    assert loop.digest("same") == digest
    assert loop.source("same") == source
    assert loop.kustomization("same") == kustomization


def test_the_list_that_site_was_given_is_kept_for_runs_without_one(new_loop, folder):
    own = new_loop("own list")
    write(folder / "shop", shop=config_map("shop", text="for ${whom}"))
    listed = [{"name": "shop", "path": "./shop", "substitute": {"whom": "you"}}]
    run = own.up(workloads_list=listed, workloads_base_dir=str(folder))
    assert list(run.receipts) == ["shop"]
    assert (own.state_dir / "workloads.json").stat().st_mode & 0o777 == 0o600

    write(folder / "shop", shop=config_map("shop", text="edited for ${whom}"))
    own.push({"name": "other", "path": str(write(folder / "other", other=config_map("other")))}).succeeded()
    foretold = own.play("site", "--check").succeeded()
    assert [foretold.receipts["shop"]["changed"], *foretold.receipts] == [True, "shop"]
    assert list(own.play("push").succeeded().receipts) == ["shop"]
    assert own.config_map("shop")["data"] == {"text": "edited for you"}
    assert "shop" in own.play("prune", "--check").succeeded().text
    assert own.up().changed == []

    own.play("destroy").succeeded()
    assert not (own.state_dir / "workloads.json").exists()


def test_only_what_is_named_is_handled(loop, folder):
    one = {"name": "one", "path": str(write(folder / "one", one=config_map("one", text="1")))}
    two = {"name": "two", "path": str(write(folder / "two", two=config_map("two", text="1")))}
    loop.push(one, two).succeeded()
    write(folder / "one", one=config_map("one", text="2"))
    write(folder / "two", two=config_map("two", text="2"))
    before = loop.digest("two"), loop.source("two"), loop.kustomization("two")
    run = loop.push(one).succeeded()
    assert list(run.receipts) == ["one"]
    assert loop.config_map("one")["data"] == {"text": "2"}
    assert loop.config_map("two")["data"] == {"text": "1"}
    assert (loop.digest("two"), loop.source("two"), loop.kustomization("two")) == before


def test_dependencies_are_applied_in_order_and_substitution_is_flux_s(loop, folder):
    late = write(folder / "late", late=config_map("late", text="${greeting}"))
    early = write(folder / "early", early=config_map("early"))
    listed = [
        {
            "name": "late",
            "path": str(late),
            "depends_on": ["early"],
            "substitute": {"greeting": "Grüße"},
        },
        {"name": "early", "path": str(early)},
    ]
    receipts = loop.push(*listed).succeeded().receipts
    assert all(receipt["ready"] for receipt in receipts.values())
    assert loop.config_map("late")["data"] == {"text": "Grüße"}
    created = [loop.config_map(name)["metadata"]["resourceVersion"] for name in ("early", "late")]
    assert int(created[0]) < int(created[1])


def test_what_the_api_refuses_fails_with_flux_s_message_before_the_timeout_and_heals(loop, folder):
    workload = {"name": "broken", "path": str(write(folder, fine=config_map("fine"), broken=SERVICE))}
    run = loop.push(workload, workloads_timeout=NEVER)
    run.refused("Kustomization flux-system/broken", "ports[0].port", "99999")
    receipt = run.receipts["broken"]
    assert not receipt["ready"]
    assert receipt["pushed_digest"] == loop.digest("broken")
    [ready] = [
        condition
        for condition in loop.kustomization("broken")["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert ready["message"] in receipt["message"], "Flux's own words"
    # Trying again without a repair says so again, instead of waiting.
    loop.push(workload, workloads_timeout=NEVER).refused("99999")

    write(folder, broken=config_map("broken"))
    assert loop.push(workload).succeeded().receipts["broken"]["ready"]
    assert loop.config_map("broken")


def test_a_failed_workload_is_told_by_status_and_keeps_no_other_from_being_well(loop, folder):
    broken = {"name": "broken", "path": str(write(folder / "broken", broken=SERVICE))}
    sound = {"name": "sound", "path": str(write(folder / "sound", sound=config_map("sound")))}
    run = loop.push(broken, sound)
    run.refused("99999")
    assert "sound" not in run.message
    assert run.receipts["sound"]["ready"]
    assert loop.config_map("sound")
    status = loop.play("status").succeeded()
    assert "99999" in " ".join(status.text.split())
    # Flux would try again and again, while other tests look at what changes.
    loop.remove("broken")


def test_a_kustomization_that_does_not_build_is_refused_before_the_push(loop, folder):
    workload = {"name": "unbuilt", "path": str(write(folder, fine=config_map("fine")))}
    loop.push(workload).succeeded()
    before = loop.digest("unbuilt"), loop.source("unbuilt"), loop.kustomization("unbuilt")
    for files, said in (
        ({"kustomization": {"resources": ["fine.yaml", "missing.yaml"]}}, "missing.yaml"),
        ({"kustomization": {"resources": ["fine.yaml"]}, "fine": "a: [1\n"}, "fine.yaml"),
    ):
        write(folder, **files)
        loop.push(workload).refused("Workload unbuilt", str(folder), said, "Nothing was pushed")
        assert (loop.digest("unbuilt"), loop.source("unbuilt"), loop.kustomization("unbuilt")) == before


def test_a_removed_workload_is_pruned(loop, folder):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "held"}}
    # A namespace stays as long as something in it has a finalizer that nobody takes off.
    metadata = {"name": "held", "namespace": "held", "finalizers": ["example.com/hold"]}
    held = config_map("held") | {"metadata": metadata}
    files = write(folder, going=config_map("going"), namespace=namespace, held=held)
    workload = {"name": "going", "path": str(files)}
    loop.push(workload).succeeded()
    assert loop.config_map("going")
    foretold = loop.push({"name": "going", "state": "absent"}, arguments=["--check"]).succeeded()
    assert foretold.receipts["going"]["changed"]
    assert loop.config_map("going")
    removed = loop.remove("going")
    assert removed.changed == ["What the folders hold is what runs"]
    warnings = str(removed.result("What the folders hold")["warnings"])
    assert "going: the namespace held is still being deleted: finalizers keep" in warnings
    assert "ConfigMap held/held (example.com/hold)" in warnings
    client.CoreV1Api(loop.api).patch_namespaced_config_map("held", "held", {"metadata": {"finalizers": None}})
    until(lambda: loop.get("/api/v1/namespaces/held") is None, "the namespace is gone")
    assert (loop.source("going"), loop.kustomization("going"), loop.config_map("going")) == (None,) * 3
    assert loop.remove("going").changed == []


def test_a_file_that_leaves_the_folder_is_pruned_and_what_prune_false_applied_stays(loop, folder):
    workload = {"name": "shrinking", "path": str(write(folder, a=config_map("a"), b=config_map("b")))}
    loop.push(workload).succeeded()
    (folder / "b.yaml").unlink()
    assert loop.push(workload).succeeded().receipts["shrinking"]["ready"]
    assert loop.config_map("b") is None
    loop.push({**workload, "prune": False}).succeeded()
    loop.remove("shrinking")
    assert loop.kustomization("shrinking") is None
    assert loop.config_map("a")


def test_a_suspended_workload_is_left_alone_and_no_failure(loop, folder):
    workload = {"name": "paused", "path": str(write(folder, paused=config_map("paused", text="1")))}
    loop.push(workload).succeeded()
    write(folder, paused=config_map("paused", text="2"))
    receipt = loop.push({**workload, "suspend": True}).succeeded().receipts["paused"]
    assert (receipt["verdict"], receipt["ready"]) == ("suspended", False)
    assert loop.config_map("paused")["data"] == {"text": "1"}
    assert loop.push({**workload, "suspend": True}).succeeded().changed == []
    assert loop.push({**workload, "suspend": False}).succeeded().receipts["paused"]["ready"]
    assert loop.config_map("paused")["data"] == {"text": "2"}


def test_where_things_are_can_be_chosen(loop, folder):
    """Everything that a workload can say in its own way, in one that says it all."""
    inside = folder / "überall" / "mit Leerzeichen"
    write(inside, kustomization={"resources": ["there.yaml"]}, there=config_map("there", text="${who}"))
    (inside / "notes.md").write_text("not for Flux")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}}
    given = config_map("values", who="you") | {"metadata": {"name": "values", "namespace": "elsewhere"}}
    loop.apply(namespace, given)
    workload = {
        "name": "chosen",
        "namespace": "elsewhere",
        "path": str(folder),
        "repository": "teams/a/chosen",
        "tag": "v1.2.3",
        "ignore": ["*.md"],
        "kustomization_path": "./überall/mit Leerzeichen",
        "target_namespace": "elsewhere",
        "substitute_from": [{"kind": "ConfigMap", "name": "values"}],
        "interval": "1h",
        "timeout": "30s",
    }
    receipt = loop.push(workload).succeeded().receipts["chosen"]
    assert receipt["pushed_digest"] == loop.digest("teams/a/chosen", "v1.2.3")
    assert receipt["files"] == 2
    assert loop.config_map("there", "elsewhere")["data"] == {"text": "you"}
    assert loop.kustomization("chosen", "elsewhere")["spec"]["interval"] == "1h"
    assert loop.push(workload).succeeded().changed == []


def test_an_edited_example_in_a_folder_of_one_s_own(loop, folder):
    """The examples copied, one of them edited, as a new user tries first."""
    shutil.copytree(ROOT / "examples", folder)
    deployment = folder / "backend" / "deployment.yaml"
    deployment.write_text(deployment.read_text().replace("replicas: 2", "replicas: 3"))
    run = loop.play("push", workloads_base_dir=str(folder)).succeeded()
    assert [name for name, receipt in run.receipts.items() if receipt["changed"]] == ["backend"]
    [backend] = [
        item
        for item in loop.get("/apis/apps/v1/deployments")["items"]
        if item["metadata"]["name"] == "backend"
    ]
    assert backend["status"]["availableReplicas"] == 3
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    loop.play("push", workloads_base_dir=str(folder)).succeeded()


def test_loops_of_different_homes_take_different_ports(folder):
    port = free_port()
    loops = [Loop("same name", folder / home) for home in ("one", "two", "three")]
    for one in loops:
        one.home.mkdir(parents=True)

    def choosing(loop):
        options = {"state_dir": str(loop.state_dir), "wanted": {"registry": port}}
        return loop.start_tasks([{"gitops.flux_local.loop_ports": options}])

    for started in [choosing(one) for one in loops]:
        started.finish().succeeded()
    # None of them listens, as when they are stopped.
    chosen = [one.ports["registry"] for one in loops]
    assert len(set(chosen)) == 3


def test_of_two_playbooks_at_once_the_second_waits(loop, folder):
    folder.mkdir(parents=True)
    locked, done = folder / "locked", folder / "done"
    lock = {"state_dir": str(loop.state_dir)}
    other = Loop("vergangen", folder)
    other.state_dir.mkdir(parents=True)
    shutil.copy(loop.state_dir / "loop.json", other.state_dir)
    first = loop.start_tasks(
        [
            {"gitops.flux_local.loop_lock": lock},
            {"gitops.flux_local.loop_lock": {"state_dir": str(other.state_dir)}},
            {"ansible.builtin.file": {"path": str(locked), "state": "touch", "mode": "0600"}},
            {"ansible.builtin.wait_for": {"path": str(done), "timeout": 60, "sleep": 1}},
        ]
    )
    until(locked.exists, "the first playbook has the lock")
    second = loop.start("playbooks/push.yml")
    late = other.start("playbooks/push.yml")
    late.said("Waiting for process")
    (other.state_dir / "loop.json").unlink()
    first_line = second.said("\n").partition("\n")[0]
    assert f"Waiting for process {first.process.pid}, ansible-playbook" in first_line
    impatient = loop.tasks([{"gitops.flux_local.loop_lock": {**lock, "timeout": 1}}])
    impatient.refused(f"process {first.process.pid}", "ansible-playbook", "Wait for it to end")
    assert second.is_running
    done.touch()
    first.finish().succeeded()
    waited = second.finish().succeeded().result("No other playbook works on this loop")["waited"]
    assert waited >= 1
    late.finish().refused(
        f"The loop vergangen in {other.state_dir} was destroyed by the playbook that this one"
    )


def test_a_tag_and_a_name_do_only_a_part(loop):
    run = loop.play("site", "--tags", "workloads", workload="backend").succeeded()
    assert list(run.receipts) == ["backend"]
    assert run.changed == []
    names = [name for name, _result in run.results]
    assert "What the folders hold is what runs" in names
    assert not [name for name in names if name in ("The registry is running", "The control plane is running")]
