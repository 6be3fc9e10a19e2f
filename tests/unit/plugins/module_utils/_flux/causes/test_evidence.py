# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import (
    explore,
    shared_objects,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import cause_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Failure, Link
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.events import EVENT
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import MemoryCluster

SHOP = ObjectRef(KUSTOMIZATION, "flux-system", "shop")
POD = "/api/v1/namespaces/default/pods"
DISCOVERY = {
    "/apis/apps": {"versions": [{"groupVersion": "apps/v1"}]},
    "/apis/apps/v1": {
        "resources": [
            {"name": "deployments/status", "kind": "Deployment"},
            {"name": "deployments", "kind": "Deployment"},
        ]
    },
    "/api/v1": {"resources": [{"name": "configmaps", "kind": "ConfigMap"}]},
}
DEPLOYMENT = {
    "metadata": {"name": "web", "namespace": "default", "generation": 1},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web", "tier": "a"}}},
    "status": {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "m"}
        ],
    },
}
CRASHING = {
    "metadata": {"name": "web-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "status": {
        "containerStatuses": [
            {
                "name": "main",
                "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1}},
            }
        ]
    },
}


def kustomization(name="shop", **spec):
    return {
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        "spec": {"sourceRef": {"kind": "OCIRepository", "name": "shop"}, "wait": True, **spec},
        "status": {
            "conditions": [
                {"type": "Reconciling", "status": "True", "message": "Running health checks for revision x"}
            ],
            "inventory": {
                "entries": [
                    {"id": "default_web_apps_Deployment", "v": "v1"},
                    {"id": "default_web__ConfigMap", "v": "v1"},
                ]
            },
        },
    }


def cluster(**answers):
    texts = {path: json.dumps(body) for path, body in DISCOVERY.items()}
    texts["/apis/apps/v1/namespaces/default/deployments/web"] = json.dumps(DEPLOYMENT)
    texts[f"{POD}?labelSelector=app=web,tier=a"] = json.dumps({"items": [CRASHING]})
    texts[f"{POD}/web-1/log?container=main&previous=true&tailLines=10"] = "starting\nno database\n"
    return MemoryCluster(texts=texts | answers)


def failure(reason, message="", state=State.FAILED, **known):
    return Failure(SHOP, Verdict(state, reason, message, subject=SHOP), 3.0, **known)


UNHEALTHY = "health check failed after 3s: timeout waiting for: [Deployment/default/web status: 'InProgress']"


def test_what_is_not_healthy_is_read_with_its_pods_and_the_last_lines_of_their_logs():
    [web] = explore(
        cluster(), failure("HealthCheckFailed", UNHEALTHY, kustomization=kustomization())
    ).unhealthy
    assert (str(web), web.lacks) == ("Deployment default/web", "0 of 1 replicas available")
    assert [(trouble.pod, trouble.reason, trouble.log) for trouble in web.troubles] == [
        ("web-1", "CrashLoopBackOff", ["starting", "no database"])
    ]
    assert web.conditions[0]["type"] == "Available"


def test_an_object_that_nobody_applied_is_said_not_to_exist():
    message = UNHEALTHY.replace("web", "gone")
    found = explore(cluster(), failure("HealthCheckFailed", message, kustomization=kustomization()))
    assert [one.lacks for one in found.unhealthy] == ["it does not exist"]


def test_what_flux_still_waits_for_is_what_it_applied_and_what_it_was_told_to_look_at():
    late = failure("Progressing", state=State.IN_PROGRESS, kustomization=kustomization())
    assert [str(one) for one in explore(cluster(), late).unhealthy] == ["Deployment default/web"]
    check = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "other"}
    named = kustomization(wait=False, healthChecks=[check])
    late = failure("Progressing", state=State.IN_PROGRESS, kustomization=named)
    assert [str(one) for one in explore(cluster(), late).unhealthy] == ["Deployment default/other"]


def test_events_are_the_newest_warnings_about_the_object_and_its_pods():
    class WithEvents(MemoryCluster):
        def list(self, kind, namespace=None, *, field_selector=None, **options):
            listing = super().list(kind, namespace, field_selector=field_selector, **options)
            if kind == EVENT and field_selector == "regarding.name=web-1,type=Warning":
                listing.items.append({"type": "Warning", "reason": "BackOff", "note": "again"})
            return listing

    seeing = WithEvents(texts=cluster().texts)
    [web] = explore(seeing, failure("HealthCheckFailed", UNHEALTHY, kustomization=kustomization())).unhealthy
    assert [(event["reason"], event["message"]) for event in web.events] == [("BackOff", "again")]


def test_a_kind_in_another_version_is_looked_for():
    message = (
        'Deployment/default/web dry-run failed: no matches for kind "Deployment" in version "apps/v1beta9"'
    )
    assert explore(cluster(), failure("ReconciliationFailed", message)).served_as == ["apps/v1"]
    message = 'Order/default/web dry-run failed: no matches for kind "Order" in version "example.com/v1"'
    assert explore(cluster(), failure("ReconciliationFailed", message)).served_as == []


@pytest.mark.parametrize(
    ("ref", "name"),
    [(SHOP, "kustomize-controller"), (ObjectRef(OCI_REPOSITORY, "flux-system", "a"), "source-controller")],
)
def test_the_controller_that_is_silent_is_looked_for(ref, name):
    silent = Failure(SHOP, Verdict(State.IN_PROGRESS, "NotHandled", "m", subject=ref), 3.0)
    bare = explore(cluster(), silent).controller
    assert bare
    assert (bare.name, bare.deployment) == (name, None)
    labels = {"labels": {"app.kubernetes.io/version": "v2.1.0"}}
    deployment = {**DEPLOYMENT, "metadata": DEPLOYMENT["metadata"] | labels}
    path = f"/apis/apps/v1/deployments?fieldSelector=metadata.name={name}"
    found = explore(cluster(**{path: json.dumps({"items": [deployment]})}), silent).controller
    assert found
    assert found.deployment
    assert (found.version, found.crd_version) == ("v2.1.0", "")
    assert found.deployment.lacks == "0 of 1 replicas available"


def test_the_last_of_a_chain_is_looked_into():
    base = ObjectRef(KUSTOMIZATION, "flux-system", "base")
    link = Link(base, Verdict(State.FAILED, "HealthCheckFailed", UNHEALTHY), kustomization("base"))
    cause = cause_of(explore(cluster(), failure("DependencyFailed", chain=[link])))
    assert "no database" in cause.text


def test_what_may_not_be_read_is_left_out():
    class Forbidden(MemoryCluster):
        def fetch(self, path, **query):
            raise ClusterError("Not allowed.", 403)

    failed = failure("HealthCheckFailed", UNHEALTHY, kustomization=kustomization())
    assert explore(Forbidden(), failed) == failed


def test_objects_of_several_kustomizations_are_found():
    blog = ObjectRef(KUSTOMIZATION, "flux-system", "blog")
    alone = kustomization("alone")
    alone["status"]["inventory"]["entries"] = [{"id": "_x__Namespace", "v": "v1"}]
    objects = {
        SHOP: kustomization(),
        blog: kustomization("blog"),
        ObjectRef(KUSTOMIZATION, "flux-system", "alone"): alone,
    }
    assert shared_objects(MemoryCluster(objects), [SHOP]) == {
        SHOP: {"Deployment default/web": [blog], "ConfigMap default/web": [blog]}
    }
