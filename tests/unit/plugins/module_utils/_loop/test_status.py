# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a loop's status, each without the real thing behind it."""

from __future__ import annotations

import base64
import datetime
import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.managed_fields import hands_on
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.controllers import (
    DEPLOYMENT,
    POD,
    POD_METRICS,
    controllers,
    version_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._loop import usage as loop_machine
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.certificates import Wanted, issue
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.status import Edge, gather, reached_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.group import Live
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.version_lag import (
    Held,
    lag,
    read_held,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

CONFIG_MAP = Kind("", "v1", "configmaps", "ConfigMap")
NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)
BLOB = Descriptor("application/vnd.cncf.flux.content.v1.tar+gzip", "sha256:" + "0" * 64, 3)


def version(hour):
    created = {"org.opencontainers.image.created": f"2026-11-24T{hour:02d}:00:00Z"}
    return Manifest(manifest_bytes(BLOB, BLOB, created))


OLD, MIDDLE, NEW = version(10), version(11), version(12)


def repository(**tags):
    return MemoryRepository(Reference("127.0.0.1:5001", "shop"), dict(tags))


# --- versions


@pytest.mark.parametrize(
    ("applied", "behind"),
    [(NEW.digest, 0), (MIDDLE.digest, 1), (OLD.digest, 2), ("sha256:gone", None), ("", None)],
)
def test_how_many_versions_are_newer_than_the_applied_one(applied, behind):
    held = read_held(
        ["oci://a"], lambda url: repository(v1=OLD, v2=MIDDLE, latest=NEW), storage_dir=None, seconds=5
    )
    told = lag(held["oci://a"], applied)
    assert (told["behind"], told["newest"]["tags"], told["versions_total"]) == (behind, ["latest"], 3)


def test_a_registry_that_does_not_answer_is_told_and_nothing_is_made_up():
    def refuse(url):
        raise LoopError("nobody is there")

    held = read_held(["oci://a"], refuse, storage_dir=None, seconds=5)
    assert held["oci://a"].problem == "nobody is there"
    assert lag(held["oci://a"], NEW.digest) == {
        "behind": None,
        "newest": None,
        "versions": [],
        "versions_total": 0,
    }


def test_a_registry_that_takes_too_long_is_not_waited_for():
    held = read_held(["oci://a"], lambda url: repository(v1=OLD), storage_dir=None, seconds=-1)
    assert "not all 1 versions of oci://127.0.0.1:5001/shop could be read in time" in held["oci://a"].problem


def test_versions_older_than_the_applied_one_are_not_all_listed():
    many = {f"v{hour}": version(hour) for hour in range(20)}
    held = read_held(["oci://a"], lambda url: repository(**many), storage_dir=None, seconds=5)["oci://a"]
    told = lag(held, many["v18"].digest)
    assert [one["tags"] for one in told["versions"]] == [["v19"], ["v18"], ["v17"], ["v16"], ["v15"], ["v14"]]
    assert told["versions_total"] == 20


# --- drift


@pytest.mark.parametrize(
    ("manager", "entry", "seen"),
    [
        ("kubectl-edit", {"fieldsV1": {"f:spec": {}}}, ["kubectl-edit"]),
        ("flux", {"fieldsV1": {"f:metadata": {}, "f:spec": {"f:suspend": {}}}}, ["flux"]),
        ("kubectl-annotate", {"fieldsV1": {"f:metadata": {"f:annotations": {}}}}, []),
        ("kubectl-patch", {"fieldsV1": {"f:status": {}}, "subresource": "status"}, []),
        ("kustomize-controller", {"fieldsV1": {"f:spec": {}}}, []),
        ("gitops.flux_local", {"fieldsV1": {"f:spec": {}}}, []),
    ],
)
def test_only_what_people_asked_for_by_hand_is_drift(manager, entry, seen):
    assert hands_on({"metadata": {"managedFields": [{"manager": manager, **entry}]}}) == seen


def test_an_object_without_managed_fields_has_no_drift():
    assert hands_on({"metadata": {"name": "x"}}) == []


# --- the machine

LOG = """\
2026-11-24 10:00:00,000 INFO supervisord started with pid 1
2026-11-24 10:00:01,000 WARN exited: etcd (exit status 1; not expected)
2026-11-24 12:00:00,000 INFO supervisord started with pid 2
2026-11-24 12:00:00,100 INFO spawned: 'etcd' with pid 3
2026-11-24 12:05:00,000 WARN exited: etcd (terminated by SIGKILL; not expected)
2026-11-24 12:05:01,000 INFO spawned: 'etcd' with pid 4
2026-11-24 12:06:00,000 INFO stopped: registry (exit status 0)
2026-11-24 12:07:00,000 INFO exited: etcd (exit status 0; expected)
"""


def test_a_restart_is_an_end_that_nobody_asked_for_since_supervisord_began():
    assert loop_machine.restarts(LOG) == {"etcd": 2}
    assert loop_machine.restarts("") == {}


def test_programs_are_told_with_all_that_is_known():
    live = {
        "etcd": Live("RUNNING", pid=7, since=int(NOW.timestamp()) - 90),
        "registry": Live("FATAL", problem="cannot bind"),
    }
    etcd, registry = loop_machine.program_states(live, {"etcd": "3.6.8"}, {"etcd": 2}, {7: 1000}, NOW)
    assert (etcd["version"], etcd["memory"], etcd["restarts"], etcd["uptime"]) == ("3.6.8", 1000, 2, 90)
    assert (registry["running"], registry["state"], registry["message"]) == (False, "fatal", "cannot bind")
    assert (registry["memory"], registry["uptime"], registry["pid"]) == (None, None, None)


def test_what_a_folder_takes_is_told_the_largest_first(tmp_path):
    for name, amount in (("etcd", 90_000), ("logs", 10)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x" * amount)
    told = loop_machine.disk(str(tmp_path))
    assert [one["name"] for one in told["folders"]] == ["etcd", "logs"]
    assert told["folders"][0]["size"] >= 90_000
    assert told["used"] == sum(one["size"] for one in told["folders"])


def certificate(days):
    wanted = Wanted("ca", "ca", "test")
    return issue(wanted, None, now=NOW, days=days).certificate


def test_certificates_are_told_the_first_to_end_first_also_those_in_the_kubeconfig(tmp_path):
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_bytes(certificate(300))
    (tmp_path / "pki" / "broken.crt").write_text("no certificate")
    kubeconfig = tmp_path / "kubeconfig"
    inside = base64.b64encode(certificate(12)).decode()
    user = {"name": "admin", "user": {"client-certificate-data": inside}}
    kubeconfig.write_text(json.dumps({"clusters": [{"name": "c", "cluster": {}}], "users": [user]}))
    told = loop_machine.certificates(str(tmp_path), str(kubeconfig), NOW)
    assert [(one["name"], one["days_left"]) for one in told] == [("user admin", 12), ("ca", 300)]
    assert told[0]["path"] == str(kubeconfig)


@pytest.mark.parametrize("content", ["", "a: [", "users: none", '{"users": [{"name": "x"}], "clusters": []}'])
def test_a_kubeconfig_that_is_none_has_no_certificates(content):
    assert loop_machine.embedded_certificates(content.encode()) == {}


def test_the_default_kubeconfig_is_not_looked_into(tmp_path):
    assert loop_machine.certificates(str(tmp_path), "", NOW) == []


# --- Flux in the cluster


def deployment(**status):
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "source-controller"}},
        "template": {
            "spec": {"containers": [{"image": "ghcr.io/fluxcd/source-controller:v1.9.5@sha256:12"}]}
        },
    }
    labels = {"app.kubernetes.io/part-of": "flux"}
    metadata = {"name": "source-controller", "namespace": "flux-system", "labels": labels}
    return {"metadata": metadata, "spec": spec, "status": status}


def pod(name, state, *, restarts=0, app="source-controller"):
    return {
        "metadata": {"name": name, "namespace": "flux-system", "labels": {"app": app}},
        "status": {"phase": "Running", "containerStatuses": [{"restartCount": restarts, "state": state}]},
    }


def in_cluster(*items):
    cluster = MemoryCluster()
    for kind, item in items:
        cluster.objects[ObjectRef(kind, "flux-system", item["metadata"]["name"])] = item
    return cluster


def test_controllers_in_the_cluster_are_told_by_their_deployments_and_pods():
    metrics = {
        "metadata": {"name": "source-1", "namespace": "flux-system"},
        "containers": [{"usage": {"memory": "50Mi"}}],
    }
    cluster = in_cluster(
        (DEPLOYMENT, deployment(availableReplicas=1)),
        (POD, pod("source-1", {"running": {"startedAt": "2026-11-24T17:59:00Z"}}, restarts=2)),
        (POD, pod("other", {"running": {"startedAt": "2026-11-24T10:00:00Z"}}, restarts=9, app="other")),
        (POD_METRICS, metrics),
    )
    (one,) = controllers(cluster, "flux-system", NOW)
    assert (one["name"], one["version"], one["running"]) == ("source-controller", "1.9.5", True)
    assert (one["restarts"], one["uptime"], one["memory"]) == (2, 60, 50 * 2**20)


def test_a_controller_that_does_not_come_up_says_why():
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    cluster = in_cluster((DEPLOYMENT, deployment()), (POD, pod("source-1", waiting)))
    (one,) = controllers(cluster, "flux-system", NOW)
    assert (one["running"], one["state"]) == (False, "0 of 1 available")
    assert one["message"] == "ImagePullBackOff: no such image"
    assert (one["memory"], one["uptime"]) == (None, None)


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("localhost:5001/fluxcd/source-controller:v1.9.5", "1.9.5"),
        ("source-controller@sha256:12", None),
        ("localhost:5001/source-controller", None),
    ],
)
def test_a_controller_s_version_is_its_image_s(image, shown):
    item = deployment()
    item["spec"]["template"]["spec"]["containers"][0]["image"] = image
    assert version_of(item) == shown


# --- all together

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
    cluster = in_cluster(*flux_objects())
    edge = Edge(lambda: cluster, lambda url: repository(v1=MIDDLE, latest=NEW))
    status = gather(params(tmp_path), edge, now=NOW)
    (workload,) = status["workloads"]
    assert (workload["state"], workload["follows"], workload["behind"]) == ("ready", "latest", 1)
    assert workload["newest"]["digest"] == NEW.digest
    assert status["problems"] == []
    assert status["summary"]["well"]
    assert json.loads(json.dumps(status)) == status


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
    cluster = in_cluster((source_kind, source), (own_kind, own))
    status = gather(params(tmp_path), Edge(lambda: cluster, lambda url: repository(v1=MIDDLE)), now=NOW)
    cause = status["workloads"][0]["cause"]
    assert (cause["kind"], cause["place"]) == ("authentication", "OCIRepository flux-system/shop")
    assert cause["remedy"]
    assert json.loads(json.dumps(status)) == status


def test_what_somebody_deleted_or_edited_is_drift(tmp_path):
    source, (kind, kustomization) = flux_objects()
    ids = [f"apps_{name}__ConfigMap" for name in ("kept", "edited", "deleted")]
    kustomization["status"]["inventory"] = {"entries": [{"id": each, "v": "v1"} for each in ids]}
    cluster = in_cluster(source, (kind, kustomization))
    cluster.known = [CONFIG_MAP]
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

    cluster = in_cluster(*flux_objects())
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
    status = gather(params(tmp_path), Edge(in_cluster, lambda url: repository()), now=NOW)
    (problem,) = status["problems"]
    assert "The loop is stopped" in problem["message"]
    assert "site.yml" in problem["message"]


def test_nothing_held_is_nothing_known():
    assert lag(Held(), "")["behind"] is None
