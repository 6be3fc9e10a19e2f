# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    REQUESTED_AT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rollback import (
    healthy_digests,
    run,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster
from ansible_collections.gitops.flux_local.tests.unit.fakes.conditions import condition as any_condition
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

SOURCE, OWN = (ObjectRef(kind, "flux-system", "shop") for kind in (OCI_REPOSITORY, KUSTOMIZATION))
BLOB = Descriptor("application/vnd.cncf.flux.content.v1.tar+gzip", "sha256:" + "0" * 64, 3)


def version(hour):
    created = {"org.opencontainers.image.created": f"2026-11-24T{hour:02d}:00:00Z"}
    return Manifest(manifest_bytes(BLOB, BLOB, created))


FIRST, SECOND, THIRD = version(1), version(2), version(3)


def entry(manifest, status="ReconciliationSucceeded"):
    return {"lastReconciledStatus": status, "metadata": {"revision": f"latest@{manifest.digest}"}}


def condition(reason, status="True"):
    return any_condition("Ready", status, reason, "")


class Bench:
    """A workload at its third version, a registry with names for all three, and a Flux that applies."""

    def __init__(self):
        self.repository = MemoryRepository(
            Reference("127.0.0.1:5001", "shop"), {"v1": FIRST, "v2": SECOND, "latest": THIRD}
        )
        self.repository.blobs[BLOB.digest] = b"abc"
        self.connected = []
        self.cluster = MemoryCluster(react=self.reconcile)
        metadata = {"name": "shop", "namespace": "flux-system", "generation": 1, "resourceVersion": "1"}
        self.cluster.objects = {
            SOURCE: {
                "kind": "OCIRepository",
                "metadata": copy.deepcopy(metadata),
                "spec": {"url": "oci://registry:5000/shop", "ref": {"tag": "latest"}},
                "status": {},
            },
            OWN: {
                "kind": "Kustomization",
                "metadata": copy.deepcopy(metadata),
                "spec": {"sourceRef": {"kind": "OCIRepository", "name": "shop"}},
                "status": {},
            },
        }
        self.fine = True
        self.settle()
        self.history(entry(THIRD), entry(SECOND), entry(FIRST))

    def history(self, *entries):
        self.cluster.objects[OWN]["status"]["history"] = list(entries)

    def settle(self):
        revision = f"latest@{self.repository.manifests['latest'].digest}"
        source, own = (copy.deepcopy(self.cluster.objects[ref]) for ref in (SOURCE, OWN))
        source["status"] = {
            "observedGeneration": 1,
            "conditions": [condition("Succeeded")],
            "artifact": {"revision": revision},
            "lastHandledReconcileAt": source["metadata"].get("annotations", {}).get(REQUESTED_AT),
        }
        own["status"] |= {
            "observedGeneration": 1,
            "conditions": [
                condition("Succeeded") if self.fine else condition("HealthCheckFailed", status="False")
            ],
            "lastAttemptedRevision": revision,
            "lastHandledReconcileAt": own["metadata"].get("annotations", {}).get(REQUESTED_AT),
        } | ({"lastAppliedRevision": revision} if self.fine else {})
        self.cluster.put(SOURCE, source)
        self.cluster.put(OWN, own)

    def reconcile(self, _cluster, _ref):
        self.settle()

    def run(self, to="last_healthy", *, check_mode=False, **registry):
        params = {
            "name": "shop",
            "namespace": "flux-system",
            "to": to,
            "registry": {"host": "127.0.0.1:5001", "cluster": "registry:5000", **registry},
            "storage_dir": None,
            "timeout": 5,
        }

        def connect(url):
            self.connected.append(url)
            return self.repository

        return run(params, cluster=self.cluster, connect=connect, check_mode=check_mode)


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("last_healthy", SECOND),
        ("previous", SECOND),
        ("v1", FIRST),
        (FIRST.digest, FIRST),
        ("latest", THIRD),
    ],
)
def test_the_tag_names_the_version_again_and_it_is_proven(bench, to, expected):
    result = bench.run(to)
    assert bench.repository.manifests["latest"] == expected
    assert (result["from_digest"], result["to_digest"]) == (THIRD.digest, expected.digest)
    assert result["changed"] is (expected is not THIRD)
    assert result["receipt"]["ready"]
    assert result["receipt"]["applied_revision"] == f"latest@{expected.digest}"
    assert bench.connected == ["oci://127.0.0.1:5001/shop"]


def test_check_mode_moves_nothing_and_foretells_it(bench):
    bench.cluster.asked.clear()
    result = bench.run(check_mode=True)
    assert (result["changed"], result["to_digest"]) == (True, SECOND.digest)
    assert bench.repository.manifests["latest"] == THIRD
    assert not [asked for asked in bench.cluster.asked if not asked.startswith("get")]


def test_what_failed_its_health_checks_is_passed_over(bench):
    bench.history(entry(THIRD), entry(SECOND, "HealthCheckFailed"), entry(FIRST))
    assert bench.run()["to_digest"] == FIRST.digest


def test_after_a_failure_the_last_applied_revision_is_the_healthy_one_also_when_history_forgot_it(bench):
    own = bench.cluster.objects[OWN]
    own["status"]["lastAppliedRevision"] = f"latest@{FIRST.digest}"
    bench.history(*[entry(THIRD, "HealthCheckFailed")] * 5)
    assert healthy_digests(own) == [FIRST.digest]
    assert bench.run()["to_digest"] == FIRST.digest


def test_a_healthy_version_that_the_registry_lost_is_passed_over(bench):
    del bench.repository.manifests["v2"]
    assert bench.run()["to_digest"] == FIRST.digest


@pytest.mark.parametrize("to", ["v9", "sha256:" + "9" * 64, "last_healthy", "previous"])
def test_a_version_that_is_not_there_is_named_with_those_that_are(bench, to):
    bench.history()
    bench.repository.manifests = {"latest": THIRD}
    with pytest.raises(LoopError, match=to) as failed:
        bench.run(to)
    assert f"{THIRD.digest} latest, made 2026-11-24T03:00:00Z" in failed.value.message
    assert bench.repository.manifests == {"latest": THIRD}


@pytest.mark.parametrize("to", ["a/b", "", "white space"])
def test_what_is_no_tag_is_refused(bench, to):
    with pytest.raises(LoopError):
        bench.run(to)


@pytest.mark.parametrize(
    ("ref", "path", "value", "said"),
    [
        (SOURCE, "ref", {"semver": ">=1.0"}, "follows semver >=1.0"),
        (SOURCE, "ref", {"digest": FIRST.digest}, "follows digest"),
        (SOURCE, "suspend", True, "OCIRepository flux-system/shop is suspended"),
        (OWN, "suspend", True, "Kustomization flux-system/shop is suspended"),
        (SOURCE, "url", "oci://ghcr.io/shop", "registry.cluster"),
        (OWN, "sourceRef", {"kind": "GitRepository", "name": "shop"}, "no OCIRepository"),
    ],
)
def test_a_workload_that_cannot_be_taken_back_says_why_and_nothing_is_moved(bench, ref, path, value, said):
    bench.cluster.objects[ref]["spec"][path] = value
    with pytest.raises(LoopError, match=said):
        bench.run()
    assert bench.repository.manifests["latest"] == THIRD


def test_a_workload_that_is_not_there_is_named(bench):
    own = bench.cluster.objects.pop(OWN)
    bench.cluster.objects[replace(OWN, name="web")] = {**own, "metadata": {**own["metadata"], "name": "web"}}
    with pytest.raises(LoopError, match=r"there is no Kustomization flux-system/shop.* flux-system: web\."):
        bench.run()


def test_a_version_that_is_not_healthy_either_fails_with_the_receipt(bench):
    bench.fine = False
    with pytest.raises(LoopError, match="HealthCheckFailed") as failed:
        bench.run()
    assert failed.value.details["receipt"]["ready"] is False
    assert SECOND.digest in failed.value.message
