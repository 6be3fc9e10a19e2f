# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import json
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import EVENT
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    REQUESTED_AT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import (
    assess,
    explained,
    reconcile,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile_module import run_reconcile
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.tracker import Tracker
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.watchers import Scope
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster
from ansible_collections.gitops.flux_local.tests.unit.fakes.conditions import condition

RECORDINGS = json.loads((Path(__file__).parent / "recordings" / "flux.json").read_text())
OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")


def tracker_of(recording):
    tracker = Tracker(Request("flux-system", "rec", 10, recording["expected_digest"]))
    for ref, tokens in (
        (ObjectRef(OCI_REPOSITORY, "flux-system", "rec"), recording["source_tokens"]),
        (tracker.ref, recording["kustomization_tokens"]),
    ):
        for token in tokens:
            tracker.asked(ref, token)
    return tracker


@pytest.mark.parametrize("title", RECORDINGS)
def test_recorded_events_lead_to_the_verdict_at_the_last_of_them_and_not_before(title):
    recording = RECORDINGS[title]
    tracker = tracker_of(recording)
    tracker.begin(0.0)
    for at, item in enumerate(recording["objects"]):
        assert not tracker.verdict.is_settled, f"settled before event {at}"
        tracker.observe(item, float(at))
        if tracker.verdict.is_settled:
            break
    assert (tracker.verdict.state.value, tracker.verdict.reason) == (recording["state"], recording["reason"])


def version(item):
    return int(item["metadata"]["resourceVersion"])


def objects_before(recording):
    """What was to be seen before the request, and may still be seen by a reader that lags behind."""
    first = min(version(item) for item in recording["objects"])
    everything = [item for other in RECORDINGS.values() for item in other["objects"]]
    return [item for item in everything if version(item) < first]


@given(st.data())
def test_no_interleaving_with_stale_objects_makes_another_revision_ready(data):
    title = data.draw(st.sampled_from([key for key, entry in RECORDINGS.items() if entry["expected_digest"]]))
    recording = RECORDINGS[title]
    before = objects_before(recording)
    stale = data.draw(st.lists(st.sampled_from(before), max_size=20)) if before else []
    mixed = data.draw(st.permutations([*recording["objects"], *stale]))
    tracker = tracker_of(recording)
    tracker.begin(0.0)
    for at, item in enumerate(mixed):
        if tracker.observe(item, float(at)).state is State.READY:
            break
    if tracker.verdict.state is State.READY:
        assert recording["state"] == "ready"
        fetched = tracker.sight.source["status"]["artifact"]["revision"]
        applied = tracker.sight.kustomization["status"]["lastAppliedRevision"]
        assert digest_of(fetched) == digest_of(applied) == recording["expected_digest"]


@given(st.data())
def test_no_interleaving_with_what_was_before_the_request_settles_it_without_a_digest(data):
    recording = RECORDINGS["asked without a digest"]
    before = objects_before(recording)
    tracker = tracker_of(recording)
    tracker.begin(0.0)
    for item in data.draw(st.lists(st.sampled_from(before), max_size=30)):
        tracker.observe(item, 1.0)
    assert not tracker.verdict.is_settled


# --- a controller in memory


def source(name="shop", digest=OLD, *conditions):
    return {
        "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1, "uid": f"s-{name}"},
        "spec": {"url": f"oci://x/{name}"},
        "status": {
            "observedGeneration": 1,
            "conditions": list(conditions) or [condition("Ready", "True")],
            "artifact": {"revision": f"latest@{digest}"},
        },
    }


def kustomization(name="shop", digest=OLD, *conditions, depends_on=(), **spec):
    return {
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1, "uid": f"k-{name}"},
        "spec": {
            "sourceRef": {"kind": "OCIRepository", "name": name},
            "dependsOn": [{"name": dependency} for dependency in depends_on],
            **spec,
        },
        "status": {
            "observedGeneration": 1,
            "conditions": list(conditions) or [condition("Ready", "True")],
            "lastAppliedRevision": f"latest@{digest}",
            "lastAttemptedRevision": f"latest@{digest}",
        },
    }


def refs(name="shop"):
    return ObjectRef(OCI_REPOSITORY, "flux-system", name), ObjectRef(KUSTOMIZATION, "flux-system", name)


def cluster_of(*items, **options):
    cluster = MemoryCluster(**options)
    for item in items:
        kind = OCI_REPOSITORY if item["kind"] == "OCIRepository" else KUSTOMIZATION
        cluster.put(ObjectRef(kind, "flux-system", item["metadata"]["name"]), item)
    return cluster


def fetch(cluster, ref):
    """Have the source fetch NEW, as source-controller does after a request."""
    item = copy.deepcopy(cluster.objects[ref])
    item["status"]["lastHandledReconcileAt"] = item["metadata"].get("annotations", {}).get(REQUESTED_AT)
    item["status"]["artifact"]["revision"] = f"latest@{NEW}"
    cluster.put(ref, item)


def flux(cluster, ref):
    """Fetch NEW and apply it, as Flux does after a request."""
    if ref.kind == OCI_REPOSITORY:
        fetch(cluster, ref)
    own = refs(ref.name)[1]
    woken = copy.deepcopy(cluster.objects[own])
    fetched = cluster.objects[refs(ref.name)[0]]["status"]["artifact"]["revision"]
    woken["status"] |= {"lastAttemptedRevision": fetched, "lastAppliedRevision": fetched}
    woken["status"]["lastHandledReconcileAt"] = woken["metadata"].get("annotations", {}).get(REQUESTED_AT)
    woken["status"]["conditions"] = [condition("Ready", "True")]
    cluster.put(own, woken)


def request(name="shop", digest=NEW, timeout=5.0):
    return Request("flux-system", name, timeout, digest)


def patched(cluster):
    return [entry.removeprefix("patch ") for entry in cluster.asked if entry.startswith("patch ")]


def test_a_new_digest_is_proven_and_only_the_source_is_asked():
    cluster = cluster_of(source(), kustomization(), react=flux)
    [proof] = reconcile(cluster, [request()])
    assert proof.verdict.state is State.READY
    assert patched(cluster) == ["OCIRepository flux-system/shop"]
    receipt = proof.receipt()
    assert receipt["applied_revision"] == receipt["source_revision"] == f"latest@{NEW}"
    assert all(took is not None and took >= 0 for took in receipt["phases"].values())


def test_what_is_proven_costs_one_list_for_each_kind():
    cluster = cluster_of(source(digest=NEW), kustomization(digest=NEW))
    [proof] = reconcile(cluster, [request()])
    assert (proof.verdict.state, proof.is_triggered) == (State.READY, False)
    assert cluster.asked == [
        "list kustomizations flux-system metadata.name=shop",
        "list ocirepositories flux-system metadata.name=shop",
    ]


FAILED = condition("Ready", "False", "BuildFailed")
BUSY = condition("Ready", "Unknown", "Progressing")
WAITING = condition("Ready", "False", "DependencyNotReady")
SOURCE, OWN = "OCIRepository flux-system/shop", "Kustomization flux-system/shop"


@pytest.mark.parametrize(
    ("items", "digest", "asked"),
    [
        ((source(), kustomization()), None, [SOURCE, OWN]),
        ((source(), kustomization()), NEW, [SOURCE]),
        ((source(), kustomization("shop", OLD, BUSY)), NEW, [SOURCE]),
        ((source(), kustomization("shop", OLD, FAILED)), NEW, [SOURCE, OWN]),
        ((source(), kustomization("shop", OLD, WAITING)), NEW, [SOURCE, OWN]),
        ((source("shop", NEW), kustomization()), NEW, [OWN]),
        ((source("shop", NEW), kustomization("shop", NEW, FAILED)), NEW, [OWN]),
        ((source("shop", NEW), kustomization("shop", NEW, BUSY)), NEW, []),
        ((source("shop", NEW), kustomization("shop", NEW)), NEW, []),
        ((source("shop", NEW), kustomization("shop", NEW)), None, [SOURCE, OWN]),
        ((source("shop", OLD), kustomization("shop", NEW)), NEW, [SOURCE, OWN]),
        ((source(), kustomization(suspend=True)), NEW, []),
        ((source(),), NEW, []),
    ],
)
def test_what_flux_is_asked_for(items, digest, asked):
    cluster = cluster_of(*items)
    proof = assess(cluster, request(digest=digest))
    assert [str(ref) for ref in proof.triggers] == asked
    assert proof.is_triggered == bool(asked)
    assert patched(cluster) == []


@pytest.mark.parametrize(
    ("items", "state", "reason"),
    [
        ((source(), kustomization(suspend=True)), State.SUSPENDED, "Suspended"),
        ((source(),), State.FAILED, "NotFound"),
        ((kustomization(),), State.FAILED, "NotFound"),
    ],
)
def test_what_cannot_be_reconciled_is_told_at_once_and_nothing_is_asked(items, state, reason):
    cluster = cluster_of(*items)
    [proof] = reconcile(cluster, [request()])
    assert (proof.verdict.state, proof.verdict.reason) == (state, reason)
    assert patched(cluster) == []


def test_a_failure_of_before_the_request_is_not_taken_for_its_answer():
    def heal(cluster, ref):
        if ref.kind == KUSTOMIZATION:
            flux(cluster, ref)

    failed = kustomization("shop", NEW, condition("Ready", "False", "BuildFailed"))
    cluster = cluster_of(source("shop", NEW), failed, react=heal)
    [proof] = reconcile(cluster, [request()])
    assert proof.verdict.state is State.READY


def test_another_digest_than_the_pushed_one_is_a_failure_once_flux_has_looked():
    cluster = cluster_of(source(), kustomization(), react=flux)
    [proof] = reconcile(cluster, [request(digest="sha256:" + "c" * 64)])
    assert proof.verdict.reason == "UnexpectedRevision"
    [proof] = explained(cluster, [proof])
    assert proof.complaint() == (
        "Kustomization flux-system/shop is not ready: OCIRepository flux-system/shop: it is at"
        f" latest@{NEW}, not at the expected sha256:{'c' * 64}. Do its url, tag, semver and digest name what"
        " was pushed?"
    )


def test_the_time_is_over_and_says_what_was_awaited():
    cluster = cluster_of(source(), kustomization())
    [proof] = reconcile(cluster, [request(timeout=0.05)])
    assert proof.verdict.state is State.IN_PROGRESS
    [proof] = explained(cluster, [proof])
    assert proof.complaint() == (
        "Kustomization flux-system/shop is not proven after 0.05 s: OCIRepository flux-system/shop:"
        " source-controller has not taken it up for 0.05 s. Does source-controller run, and what does its log"
        " say? site.yml starts what is not running."
    )


def test_many_share_one_watch_for_each_kind_and_one_request_for_a_shared_source():
    names = ("a", "b", "c")
    shared = [kustomization(name) for name in names]
    for item in shared:
        item["spec"]["sourceRef"]["name"] = "shop"

    def fetch_for_all(cluster, ref):
        fetch(cluster, ref)
        for name in names:
            own = copy.deepcopy(cluster.objects[refs(name)[1]])
            own["status"] |= {
                "lastAttemptedRevision": f"latest@{NEW}",
                "lastAppliedRevision": f"latest@{NEW}",
            }
            cluster.put(refs(name)[1], own)

    cluster = cluster_of(source(), *shared, react=fetch_for_all)
    proofs = reconcile(cluster, [request(name) for name in names])
    assert [proof.verdict.state for proof in proofs] == [State.READY] * 3
    assert patched(cluster) == ["OCIRepository flux-system/shop"]
    assert sorted(watch.kind.name for watch in cluster.watches) == ["Event", "Kustomization", "OCIRepository"]


def event(name, reason, kind="Kustomization", message="m"):
    """Of the events.k8s.io/v1 API, about an object of Flux."""
    return {
        "metadata": {"name": f"{name}.{reason}", "namespace": "flux-system", "uid": f"{name}-{reason}"},
        "regarding": {"kind": kind, "namespace": "flux-system", "name": name},
        "reason": reason,
        "note": message,
        "deprecatedLastTimestamp": "2026-11-26T12:00:00Z",
    }


def told(cluster, item):
    cluster.put(ObjectRef(EVENT, "flux-system", item["metadata"]["name"]), item)


def test_what_flux_tells_meanwhile_is_in_the_receipt_of_whom_it_is_about():
    def tell_and_apply(cluster, ref):
        told(cluster, event("a", "NewArtifact", "OCIRepository"))
        told(cluster, event("a", "Progressing", message="ConfigMap/default/a created"))
        told(cluster, event("a", "Progressing", message="ConfigMap/default/a configured"))
        told(cluster, event("b", "Progressing", "Deployment"))
        for watch in cluster.watches:  # one connection may be ahead of the other
            if watch.kind == EVENT:
                watch.events.join()
        flux(cluster, ref)

    cluster = cluster_of(
        source("a"), kustomization("a"), source("b"), kustomization("b"), react=tell_and_apply
    )
    told(cluster, event("a", "OfBefore"))
    a, b = reconcile(cluster, [request("a"), request("b")])
    assert [(heard["reason"], heard["message"]) for heard in a.receipt()["events"]] == [
        ("NewArtifact", "m"),
        ("Progressing", "ConfigMap/default/a configured"),
    ]
    assert b.receipt()["events"] == []
    assert "list events flux-system None" in cluster.asked


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_without_the_right_to_read_events_all_is_proven_as_with_it(verb):
    class Secretive(MemoryCluster):
        def list(self, kind, *args, **options):
            refuse(kind, "list")
            return super().list(kind, *args, **options)

        def watch(self, kind, namespace=None, *, resource_version, timeout_seconds, field_selector=None):
            refuse(kind, "watch")
            return super().watch(
                kind,
                namespace,
                resource_version=resource_version,
                timeout_seconds=timeout_seconds,
                field_selector=field_selector,
            )

    def refuse(kind, asked):
        if (kind, asked) == (EVENT, verb):
            raise ClusterError("events is forbidden", 403)

    cluster = Secretive(objects=cluster_of(source(), kustomization()).objects, react=flux)
    [proof] = reconcile(cluster, [request()])
    assert proof.verdict.state is State.READY
    assert proof.receipt()["events"] == []


def test_dependents_are_asked_again_when_what_they_wait_for_became_ready():
    waiting = condition("Ready", "False", "DependencyNotReady", "dependency 'flux-system/a' is not ready")

    def dependent_waits(cluster, ref):
        if ref.name == "b" and ref.kind == OCI_REPOSITORY:
            fetch(cluster, ref)
            own = copy.deepcopy(cluster.objects[refs("b")[1]])
            own["status"]["conditions"] = [waiting]
            cluster.put(refs("b")[1], own)
        else:
            flux(cluster, ref)

    cluster = cluster_of(
        source("a"),
        kustomization("a"),
        source("b"),
        kustomization("b", depends_on=["a"]),
        react=dependent_waits,
    )
    proofs = reconcile(cluster, [request("a"), request("b")])
    assert [proof.verdict.state for proof in proofs] == [State.READY, State.READY]
    assert patched(cluster)[-1] == "Kustomization flux-system/b"


UNANSWERED = condition(
    "Ready",
    "False",
    "ArtifactFailed",
    "failed to download archive: GET http://source-controller/a.tar.gz giving up after 2 attempt(s): Get"
    ' "http://source-controller/a.tar.gz": dial tcp 10.96.0.1:80: connect: connection refused',
)


def test_a_source_controller_that_is_starting_is_asked_for_the_artifact_again():
    asked = []

    def answers_the_second_time(cluster, ref):
        asked.append(ref.kind.name)
        if asked.count("Kustomization") == 2:
            return flux(cluster, ref)
        fetch(cluster, refs()[0])
        own = copy.deepcopy(cluster.objects[refs()[1]])
        own["status"] |= {"conditions": [UNANSWERED], "lastAttemptedRevision": f"latest@{NEW}"}
        own["status"]["lastHandledReconcileAt"] = own["metadata"].get("annotations", {}).get(REQUESTED_AT)
        return cluster.put(refs()[1], own)

    cluster = cluster_of(source(), kustomization(), react=answers_the_second_time)
    [proof] = reconcile(cluster, [request(timeout=10)])
    assert proof.verdict.state is State.READY
    assert asked == ["OCIRepository", "Kustomization", "Kustomization"]


@pytest.mark.parametrize(
    ("at", "state"), [(0.0, State.IN_PROGRESS), (29.9, State.IN_PROGRESS), (30.1, State.FAILED)]
)
def test_a_source_controller_that_never_answers_is_the_cause_after_half_a_minute(at, state):
    tracker = Tracker(request())
    tracker.begin(0.0)
    for item in (kustomization("shop", NEW, UNANSWERED), source("shop", NEW)):
        tracker.observe(item, 0.0)
    assert tracker.observe(kustomization("shop", NEW, UNANSWERED), at).state is state
    if state is State.FAILED:
        [proof] = explained(cluster_of(), [tracker.proof()])
        assert proof.cause is not None
        assert proof.cause.kind == "controller"
        assert proof.complaint().startswith(
            "Kustomization flux-system/shop is not ready: source-controller does not hand out the artifact:"
            " dial tcp 10.96.0.1:80: connect: connection refused. Does source-controller run"
        )


def test_what_waits_for_one_that_failed_fails_with_it_and_not_at_its_own_time_out():
    def waits_for(name):
        return condition(
            "Ready", "False", "DependencyNotReady", f"dependency 'flux-system/{name}' is not ready"
        )

    def first_fails(cluster, ref):
        if ref.kind == OCI_REPOSITORY:
            fetch(cluster, ref)
        own = copy.deepcopy(cluster.objects[refs(ref.name)[1]])
        own["status"]["lastHandledReconcileAt"] = own["metadata"].get("annotations", {}).get(REQUESTED_AT)
        own["status"]["lastAttemptedRevision"] = f"latest@{NEW}"
        broken = condition("Ready", "False", "ReconciliationFailed", "it is broken")
        own["status"]["conditions"] = [{"a": broken, "b": waits_for("a"), "c": waits_for("b")}[ref.name]]
        cluster.put(refs(ref.name)[1], own)

    items = [source(name) for name in "abc"]
    items += [kustomization("a"), kustomization("b", depends_on=["a"]), kustomization("c", depends_on=["b"])]
    cluster = cluster_of(*items, react=first_fails)
    proofs = reconcile(cluster, [request(name, timeout=60) for name in "abc"])
    assert [(proof.verdict.state, proof.verdict.reason) for proof in proofs] == [
        (State.FAILED, "ReconciliationFailed"),
        (State.FAILED, "DependencyFailed"),
        (State.FAILED, "DependencyFailed"),
    ]
    proofs = explained(cluster, proofs)
    assert proofs[2].complaint() == (
        "Kustomization flux-system/c is not ready: it waits for Kustomization flux-system/b -> Kustomization"
        " flux-system/a, which is not ready: ReconciliationFailed: it is broken. This is all that Flux says;"
        " its controllers' logs may have more."
    )


def test_lost_connections_are_outlived_and_refusals_are_not():
    cluster = cluster_of(source(), kustomization())

    def in_trouble(error):
        while len(cluster.watches) < 3:
            time.sleep(0.01)
        for watch in list(cluster.watches):
            watch.events.put(error)

    def recover():
        in_trouble(ClusterError("The resource version is too old.", 410))
        while len(cluster.watches) < 6:
            time.sleep(0.01)
        flux(cluster, refs()[0])

    threading.Thread(target=recover).start()
    [proof] = reconcile(cluster, [request()])
    assert proof.verdict.state is State.READY

    cluster = cluster_of(source(), kustomization())
    threading.Thread(target=in_trouble, args=(ClusterError("Not allowed", 403),)).start()
    with pytest.raises(ClusterError, match="Not allowed"):
        reconcile(cluster, [request()])


def test_a_connection_that_stays_lost_is_what_is_told_at_the_end():
    class Unreachable(MemoryCluster):
        def watch(self, *args, **options):
            raise ClusterError("The API server does not answer.")

    cluster = Unreachable(objects=cluster_of(source(), kustomization()).objects)
    [proof] = reconcile(cluster, [request(timeout=0.1)])
    assert (proof.verdict.reason, proof.verdict.message) == (
        "ConnectionLost",
        "The API server does not answer.",
    )


def test_nothing_to_prove_asks_for_nothing():
    cluster = MemoryCluster()
    assert reconcile(cluster, []) == []
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("refs_", "namespace", "selector"),
    [
        ([refs("a")[0]], "flux-system", "metadata.name=a"),
        ([refs("a")[0], refs("b")[0]], "flux-system", None),
        ([refs("a")[0], ObjectRef(OCI_REPOSITORY, "apps", "a")], None, None),
    ],
)
def test_the_narrowest_scope(refs_, namespace, selector):
    assert Scope.of(refs_) == Scope(OCI_REPOSITORY, namespace, selector)


@pytest.mark.parametrize(
    "own", [kustomization(), kustomization("shop", NEW, FAILED), kustomization(suspend=True)]
)
@pytest.mark.parametrize("seen_too", [(), (source("shop", NEW),)])
def test_what_was_seen_already_is_assessed_as_if_it_were_read(own, seen_too):
    cluster = cluster_of(source("shop", NEW), own)
    read = assess(cluster, request())
    assert cluster.asked == [f"get {OWN}", f"get {SOURCE}"]
    cluster.asked.clear()
    proof = assess(cluster, request(), [own, *seen_too])
    assert (proof.verdict, proof.triggers) == (read.verdict, read.triggers)
    assert cluster.asked == ([] if seen_too else [f"get {SOURCE}"])


def test_what_is_gone_is_assessed_as_not_found():
    for seen in ([], [kustomization()]):
        assert assess(MemoryCluster(), request(), seen).verdict.reason == "NotFound"


PARAMS = {"namespace": "flux-system", "name": "shop", "timeout": 5.0, "expected_digest": NEW}


def test_the_modules_result_and_its_prediction():
    cluster = cluster_of(source(), kustomization(), react=flux)
    predicted = run_reconcile(cluster, PARAMS, check_mode=True)
    assert (predicted["changed"], predicted["receipt"]["ready"]) == (True, False)
    result = run_reconcile(cluster, PARAMS, check_mode=False)
    assert (result["changed"], result["receipt"]["ready"]) == (True, True)
    assert run_reconcile(cluster, PARAMS, check_mode=False)["changed"] is False
    assert run_reconcile(MemoryCluster(), PARAMS, check_mode=True)["changed"] is True


def test_the_modules_failure_carries_the_receipt():
    with pytest.raises(LoopError, match=r"flux-system/shop is not ready: it does not exist") as raised:
        run_reconcile(MemoryCluster(), PARAMS, check_mode=False)
    assert raised.value.details["receipt"]["reason"] == "NotFound"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expected_digest": "latest"}, "expected_digest is 'latest'"),
        ({"name": "A"}, "name is 'A'"),
        ({"namespace": "A"}, "namespace is 'A'"),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(change, said):
    cluster = MemoryCluster()
    with pytest.raises(LoopError, match=said):
        run_reconcile(cluster, {**PARAMS, **change}, check_mode=False)
    assert cluster.asked == []
