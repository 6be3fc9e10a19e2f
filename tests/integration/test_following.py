# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""flux_workloads while it waits: what it says, two of it at once, and one that is interrupted."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ansible_collections.gitops.flux_local.tests.integration.loops import (
    NEVER,
    Loop,
    Started,
    config_map,
    until,
    write,
)

SECONDS = r"\d+\.\d s"


def slow(image: str, seconds: int = 8) -> dict[str, Any]:
    """A Deployment whose Pods nobody schedules, of which Flux hears after ``seconds`` that it failed."""
    labels = {"app": "slow"}
    pod = {"schedulerName": "nobody", "containers": [{"name": "main", "image": image}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "slow", "namespace": "default"},
        "spec": {
            "progressDeadlineSeconds": seconds,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


@pytest.fixture
def workloads(loop: Loop, folder: Path) -> Iterator[list[dict[str, Any]]]:
    """One that is proven quickly, one that keeps Flux waiting, and one that depends on it; all are new."""
    new = str(time.time_ns())
    write(folder / "quick", quick=config_map("quick", new=new))
    write(folder / "slow", slow=slow(f"shop:{new}"))
    write(folder / "after", after=config_map("after", new=new))
    listed = [{"name": name, "path": str(folder / name)} for name in ("quick", "slow", "after")]
    listed[2]["depends_on"] = ["slow"]  # type: ignore[assignment]  # a list among strings
    yield listed
    loop.remove("quick", "slow", "after")


def lines_of(text: str, name: str) -> list[str]:
    """What is told of a workload; the summary in the end has more blanks."""
    return re.findall(rf"^{name}  (\S.*)$", text, re.MULTILINE)


def started(loop: Loop, *workloads: Mapping[str, Any], **options: Any) -> Started:
    """The push of workloads, in a process group of its own, as in a terminal of its own."""
    return loop.start("playbooks/push.yml", workloads_list=list(workloads), prefix=["setsid"], **options)


def test_what_happens_is_told_while_it_happens_in_plain_lines(loop, workloads):
    run = started(loop, *workloads)
    run.said("slow  pushed")
    assert run.is_running
    text = run.finish().text
    assert re.fullmatch(
        rf"pushed [0-9a-f]{{12}} {SECONDS} · source {SECONDS} · applied {SECONDS} · healthy {SECONDS}",
        lines_of(text, "quick")[-1],
    )
    *waiting, failed = lines_of(text, "slow")
    assert any(line.endswith("· health 0 of 1 ...") for line in waiting)
    assert "failed: HealthCheckFailed" in failed
    assert any(line.endswith("waits for slow ...") for line in lines_of(text, "after")), text
    assert "\x1b" not in text
    assert "\r" not in text


def test_it_is_quiet_when_asked_and_when_there_is_nothing_to_tell(loop, folder):
    workload = {
        "name": "still",
        "path": str(write(folder, still=config_map("still", new=str(time.time_ns())))),
    }
    assert lines_of(loop.push(workload, workloads_progress=False).succeeded().text, "still") == []
    assert lines_of(loop.push(workload).succeeded().text, "still") == []
    loop.remove("still")


def test_verbosity_shows_each_condition_as_it_changes_and_the_receipt_has_events(loop, folder):
    workload = {"name": "loud", "path": str(write(folder, loud=config_map("loud")))}
    run = loop.push(workload, arguments=["-v"]).succeeded()
    told = lines_of(run.text, "loud")
    assert any(line.startswith("OCIRepository Ready=True Succeeded: stored artifact") for line in told)
    assert any(line.startswith("Kustomization Ready=True ReconciliationSucceeded") for line in told)
    receipt = run.receipts["loud"]
    fetched = next(event for event in receipt["events"] if event["reason"] == "NewArtifact")
    assert receipt["pushed_digest"] in fetched["message"]
    loop.remove("loud")


def module(loop: Loop, *workloads: Mapping[str, Any]) -> dict[str, Any]:
    """The module without a playbook of this collection, whose lock would be before its own."""
    return {
        "name": "pushed",
        "gitops.flux_local.flux_workloads": {
            "registry": {"host": loop.registry},
            "flux": "{{ lookup('ansible.builtin.env', 'FLUX') }}",
            "workloads": list(workloads),
        },
    }


def test_of_two_at_once_on_one_workload_the_second_waits_for_the_first(loop, workloads, folder, binary):
    environment = {"FLUX": binary("flux")}
    write(folder / "slow", slow=slow(f"shop:{time.time_ns()}", seconds=120))
    other = {
        "name": "other",
        "path": str(write(folder / "other", other=config_map("other", new=str(time.time_ns())))),
    }
    first = loop.start_tasks([module(loop, workloads[1])], environment=environment)
    first.said("slow  pushed")
    second = loop.start_tasks([module(loop, workloads[1])], environment=environment)
    unrelated = loop.tasks([module(loop, other)], environment=environment).succeeded()
    assert first.is_running, "another workload is not waited for"
    assert unrelated.result("pushed")["changed"]
    waiting = second.said("which works on it")
    assert re.search(r"flux-system/slow  waits for process \d+, which works on it", waiting)
    assert first.is_running
    client.AppsV1Api(loop.api).patch_namespaced_deployment("slow", "default", {"spec": {"replicas": 0}})
    for run, is_changed in ((first, True), (second, False)):
        assert len(run.finish().succeeded().changed) == is_changed
    loop.remove("other")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
# The second one is when the task's process begins, which tells nothing for a while: Ansible never ends when a
# process of its own is interrupted while that hands something over.
@pytest.mark.parametrize("reached", ["quick  pushed", "TASK [gitops.flux_local.workloads : What the folders"])
def test_what_was_interrupted_is_completed_by_the_next_run(loop, workloads, folder, how, reached):
    run = started(loop, *workloads, environment={"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"})
    run.said(reached)
    os.killpg(run.process.pid, how)
    assert run.finish().code != 0
    write(folder / "slow", slow=config_map("slow"))
    again = loop.push(*workloads, workloads_timeout=NEVER).succeeded()
    assert all(receipt["ready"] for receipt in again.receipts.values())
    assert loop.config_map("slow")
    assert loop.push(*workloads).succeeded().changed == []
    until(lambda: loop.config_map("after"), "what depends on it is there")
