# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests that nobody here wrote, from pinned Go modules (modules/go.mod): applied, ready, pruned."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import until

MODULES = Path(__file__).with_name("modules")


@pytest.fixture(scope="module")
def module_folder():
    """Where Go has put the modules, by their path, after go.sum has verified them."""
    done = subprocess.run(
        ["go", "mod", "download", "-json"],
        cwd=MODULES,
        env=os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    decoder, folders, rest = json.JSONDecoder(), {}, done.stdout.lstrip()
    while rest:
        downloaded, end = decoder.raw_decode(rest)
        folders[downloaded["Path"]] = Path(downloaded["Dir"])
        rest = rest[end:].lstrip()
    return folders


def test_podinfo_runs_and_goes(loop, module_folder):
    workload = {
        "name": "podinfo",
        "path": str(module_folder["github.com/stefanprodan/podinfo"] / "kustomize"),
        "target_namespace": "default",
    }
    receipt = loop.push(workload).succeeded().receipts["podinfo"]
    kinds = {entry["kind"] for entry in receipt["inventory"]}
    assert kinds == {"Deployment", "HorizontalPodAutoscaler", "Service"}
    path = "/apis/apps/v1/namespaces/default/deployments/podinfo"
    assert loop.get(path)["status"]["availableReplicas"] >= 1
    assert loop.push(workload).succeeded().changed == []
    loop.remove("podinfo")
    assert loop.get(path) is None


def test_prometheus_operator_with_its_large_definitions_runs_and_goes(loop, module_folder):
    bundle = module_folder["github.com/prometheus-operator/prometheus-operator"] / "bundle.yaml"
    definitions = re.findall(r"^  name: (\w+\.monitoring\.coreos\.com)$", bundle.read_text(), re.MULTILINE)
    assert len(definitions) >= 10
    run = loop.push({"name": "prometheus-operator", "path": str(bundle)}).succeeded()
    receipt = run.receipts["prometheus-operator"]
    assert receipt["ready"]
    assert receipt["files"] == 1
    inventory = [entry["name"] for entry in receipt["inventory"]]
    assert sorted(definitions) == sorted(name for name in inventory if "monitoring.coreos.com" in name)

    def served() -> list[str]:
        found = loop.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
        return [item["metadata"]["name"] for item in found]

    assert set(definitions) <= set(served())
    assert loop.get("/apis/monitoring.coreos.com/v1/prometheuses")["items"] == []
    loop.remove("prometheus-operator")
    # Flux asks for the deletion of each; the API server then takes its time to delete what it defined.
    until(lambda: not set(definitions) & set(served()), "all definitions are pruned")
