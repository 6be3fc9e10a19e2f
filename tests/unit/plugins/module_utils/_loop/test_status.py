# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a loop's status, each without the real thing behind it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.status import Edge, gather, reached_url
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import cluster_with
from ansible_collections.gitops.flux_local.tests.unit.fakes.loop_status import STATUS
from ansible_collections.gitops.flux_local.tests.unit.fakes.versions import MIDDLE, NEW, repository

CONFIG_MAP = Kind("", "v1", "configmaps", "ConfigMap")
NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)
REGISTRY = {"host": "127.0.0.1:5001", "cluster": "registry:5000", "insecure": True}


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("oci://registry:5000/shop", "oci://127.0.0.1:5001/shop"),
        ("oci://ghcr.io/stefanprodan/podinfo", None),
        ("oci://registry:50001/shop", None),
    ],
)
def test_only_the_loop_s_own_registry_is_asked(url, reached):
    assert reached_url(url, REGISTRY) == reached


def params(state_dir):
    return {
        "name": "shop",
        "state_dir": str(state_dir),
        "connection": {"provider": "existing", "context": "c", "kubeconfig": "k"},
        "registry": REGISTRY,
        "flux": {"mode": "existing", "namespace": "flux-system", "versions": {}},
        "programs": {},
        "only": [],
    }


def flux_objects():
    metadata = {
        "name": "shop",
        "namespace": "flux-system",
        "generation": 1,
        "creationTimestamp": "2026-11-24T10:00:00Z",
        "uid": "u",
    }
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Succeeded",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-24T10:00:00Z",
    }
    revision = f"latest@{MIDDLE.digest}"
    artifact = {"digest": "sha256:a", "revision": revision, "lastUpdateTime": "2026-11-24T10:00:00Z"}
    source = {
        "kind": "OCIRepository",
        "metadata": metadata,
        "spec": {"url": "oci://registry:5000/shop"},
        "status": {"conditions": [ready], "artifact": artifact, "observedGeneration": 1},
    }
    kustomization = {
        "kind": "Kustomization",
        "metadata": metadata,
        "spec": {"sourceRef": {"kind": "OCIRepository", "name": "shop"}, "prune": True, "interval": "10m"},
        "status": {"conditions": [ready], "lastAppliedRevision": revision, "observedGeneration": 1},
    }
    return (OCI_REPOSITORY, source), (KUSTOMIZATION, kustomization)


def test_a_workload_is_put_together_of_all_parts(tmp_path):
    cluster = cluster_with(*flux_objects())
    edge = Edge(lambda: cluster, lambda url: repository(v1=MIDDLE, latest=NEW))
    status = gather(params(tmp_path), edge, now=NOW)
    (workload,) = status["workloads"]
    assert (workload["state"], workload["follows"], workload["behind"]) == ("ready", "latest", 1)
    assert workload["newest"]["digest"] == NEW.digest
    assert status["problems"] == []
    assert status["summary"]["well"]
    assert json.loads(json.dumps(status)) == status


@pytest.mark.parametrize(("only", "names"), [(["all"], ["shop"]), (["flux-system/shop"], ["shop"])])
def test_only_the_workloads_that_are_named_are_told_of(tmp_path, only, names):
    edge = Edge(lambda: cluster_with(*flux_objects()), lambda url: repository(latest=NEW))
    status = gather({**params(tmp_path), "only": only}, edge, now=NOW)
    assert [workload["name"] for workload in status["workloads"]] == names


def test_a_workload_that_nobody_has_is_an_error_unless_flux_does_not_answer(tmp_path):
    def nobody(*unused):
        raise ClusterError("nobody is there")

    asked = {**params(tmp_path), "only": ["shopp"]}
    edge = Edge(lambda: cluster_with(*flux_objects()), lambda url: repository(latest=NEW))
    with pytest.raises(LoopError, match="there is no workload shopp"):
        gather(asked, edge, now=NOW)
    assert gather(asked, Edge(nobody, nobody), now=NOW)["workloads"] == []


def test_the_cause_of_a_failure_is_told(tmp_path):
    (source_kind, source), (own_kind, own) = flux_objects()
    failed = {
        "type": "Ready",
        "status": "False",
        "reason": "AuthenticationFailed",
        "message": "failed to determine artifact digest: GET http://x: UNAUTHORIZED: authentication required",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-24T10:00:00Z",
    }
    source["status"]["conditions"] = [failed]
    own["status"]["conditions"] = [failed | {"reason": "ArtifactFailed", "message": "source is not ready"}]
    cluster = cluster_with((source_kind, source), (own_kind, own))
    status = gather(params(tmp_path), Edge(lambda: cluster, lambda url: repository(v1=MIDDLE)), now=NOW)
    cause = status["workloads"][0]["cause"]
    assert (cause["kind"], cause["place"]) == ("authentication", "OCIRepository flux-system/shop")
    assert cause["remedy"]
    assert json.loads(json.dumps(status)) == status


def test_what_somebody_deleted_or_edited_is_drift(tmp_path):
    source, (kind, kustomization) = flux_objects()
    ids = [f"apps_{name}__ConfigMap" for name in ("kept", "edited", "deleted")]
    kustomization["status"]["inventory"] = {"entries": [{"id": each, "v": "v1"} for each in ids]}
    cluster = cluster_with(source, (kind, kustomization))
    cluster.known = (CONFIG_MAP,)
    for name, manager in (("kept", "kustomize-controller"), ("edited", "kubectl-edit")):
        managed = [{"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {}}}]
        cluster.objects[ObjectRef(CONFIG_MAP, "apps", name)] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": "apps",
                "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
                "managedFields": managed,
            },
        }
    status = gather(params(tmp_path), Edge(lambda: cluster, lambda url: repository(v1=MIDDLE)), now=NOW)
    assert status["workloads"][0]["drift"] == [
        "ConfigMap apps/edited was changed with kubectl-edit",
        "ConfigMap apps/deleted was deleted",
    ]
    assert status["summary"]["drifted"] == 1


def test_what_does_not_answer_is_a_problem_and_the_rest_is_told(tmp_path):
    def nobody(*unused):
        raise ClusterError("nobody is there")

    cluster = cluster_with(*flux_objects())
    (tmp_path / "ports.json").write_text('{"registry": 5001}')
    status = gather(params(tmp_path), Edge(nobody, nobody), now=NOW)
    assert status["problems"] == [{"part": "flux", "message": "Flux could not be asked: nobody is there"}]
    assert (status["workloads"], status["ports"]) == ([], [{"name": "registry", "port": 5001}])
    assert not status["summary"]["well"]

    status = gather(params(tmp_path / "gone"), Edge(lambda: cluster, nobody), now=NOW)
    assert {problem["part"] for problem in status["problems"]} == {"registry", "disk"}
    assert status["workloads"][0]["ready"]
    assert status["workloads"][0]["behind"] is None


def test_a_loop_that_is_stopped_is_said_to_be(tmp_path):
    (tmp_path / "supervisor").mkdir()
    (tmp_path / "supervisor" / "supervisord.conf").write_text("")
    status = gather(params(tmp_path), Edge(cluster_with, lambda url: repository()), now=NOW)
    (problem,) = status["problems"]
    assert "The loop is stopped" in problem["message"]
    assert "site.yml" in problem["message"]


def test_every_field_of_a_status_is_documented():
    page = (Path(__file__).parents[5] / "docs" / "status.md").read_text()

    def fields(value, path=""):
        if isinstance(value, list):
            for one in value[:1]:
                yield from fields(one, path)
        elif isinstance(value, dict):
            for name, one in value.items():
                yield name
                if path == "" or name in ("newest", "cause", "versions", "folders", "depends_on"):
                    yield from fields(one, name)

    own = {name: value for name, value in STATUS.items() if name not in ("sources", "kustomizations", "flux")}
    missing = sorted({name for name in [*STATUS, *fields(own)] if f"`{name}`" not in page})
    assert missing == []
