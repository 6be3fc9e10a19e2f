# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Status, the way back and push on save where Flux and the registry run in containers."""

from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import config_map, write

pytestmark = pytest.mark.xdist_group("the loop on kind")


def test_flux_in_the_cluster_is_told_by_its_deployments(kind_loop, tmp_path):
    file = tmp_path / "status.json"
    run = kind_loop.play("status", status_json=str(file)).succeeded()
    status = json.loads(file.read_text())
    assert status["problems"] == []
    assert status["flux"]["mode"] == "deployments"
    assert not status["cluster"]["simulates_pods"]
    controllers = {one["name"]: one for one in status["programs"] if one["kind"] == "deployment"}
    assert {"source-controller", "kustomize-controller"} <= set(controllers)
    for controller in controllers.values():
        assert controller["running"]
        assert controller["version"].startswith("1.")
        assert controller["uptime"] >= 0
        assert controller["restarts"] >= 0
    workloads = {one["name"]: one for one in status["workloads"]}
    assert all(one["ready"] for one in workloads.values())
    assert workloads["backend"]["newest"]["digest"] == kind_loop.digest("backend")
    assert workloads["backend"]["behind"] == 0
    assert status["certificates"][0]["days_left"] > 300
    assert "source-controller" in run.text


def test_a_workload_goes_back_where_the_registry_is_a_container(kind_loop, tmp_path):
    folder = tmp_path / "back"
    digests = []
    for word in ("one", "two"):
        write(folder, back=config_map("back", word=word))
        kind_loop.push({"name": "back", "path": str(folder)}).succeeded()
        digests.append(kind_loop.digest("back"))
    kind_loop.play("rollback", workload="back").succeeded()
    assert kind_loop.digest("back") == digests[0]
    assert kind_loop.config_map("back")["data"] == {"word": "one"}
    kind_loop.remove("back")
