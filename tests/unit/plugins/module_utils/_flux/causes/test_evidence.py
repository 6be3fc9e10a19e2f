# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import NAMESPACE
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import (
    explore,
    healthy_objects,
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
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
INGRESSES = Kind("networking.k8s.io", "v1", "ingresses", "Ingress")
ORDERS = Kind("shop.example.com", "v2", "orders", "Order")
GROUPS = {
    "groups": [
        {
            "name": group,
            "versions": [{"groupVersion": f"{group}/{version}"}],
            "preferredVersion": {"groupVersion": f"{group}/{version}"},
        }
        for group, version in (("apps", "v1"), ("networking.k8s.io", "v1"), ("shop.example.com", "v2"))
    ]
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "default",
        "generation": 1,
        "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
    },
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


def kustomization(name="shop", **spec) -> dict[str, Any]:
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
    texts = {"/apis": json.dumps(GROUPS)}
    texts[f"{POD}?labelSelector=app=web,tier=a"] = json.dumps({"items": [CRASHING]})
    texts[f"{POD}/web-1/log?container=main&previous=true&tailLines=10"] = "starting\nno database\n"
    return MemoryCluster(
        {ObjectRef(DEPLOYMENTS, "default", "web"): DEPLOYMENT},
        texts=texts | answers,
        known=(DEPLOYMENTS, INGRESSES, KUSTOMIZATION, ORDERS),
    )


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

    seeing = WithEvents(cluster().objects, texts=cluster().texts, known=cluster().known)
    [web] = explore(seeing, failure("HealthCheckFailed", UNHEALTHY, kustomization=kustomization())).unhealthy
    assert [(event["reason"], event["message"]) for event in web.events] == [("BackOff", "again")]


def test_a_kind_in_another_version_is_looked_for():
    message = (
        'Deployment/default/web dry-run failed: no matches for kind "Deployment" in version "apps/v1beta9"'
    )
    assert explore(cluster(), failure("ReconciliationFailed", message)).served_as == ["apps/v1"]
    message = 'Order/default/web dry-run failed: no matches for kind "Order" in version "example.com/v1"'
    assert explore(cluster(), failure("ReconciliationFailed", message)).served_as == []
    for version in ("extensions/v1beta1", "v1"):
        message = f'Ingress/default/web dry-run failed: no matches for kind "Ingress" in version "{version}"'
        assert explore(cluster(), failure("ReconciliationFailed", message)).served_as == [
            "networking.k8s.io/v1"
        ]


def deployments(count, *, ill):
    """Deployments of which one is not well."""
    status = {"observedGeneration": 1, "availableReplicas": 1, "updatedReplicas": 1}
    return {
        ObjectRef(DEPLOYMENTS, "default", f"web-{number}"): {
            **DEPLOYMENT,
            "metadata": {**DEPLOYMENT["metadata"], "name": f"web-{number}"},
            "status": {"observedGeneration": 1} if number == ill else status,
        }
        for number in range(count)
    }


def inventory_of(objects):
    entries = [{"id": f"default_{ref.name}_apps_Deployment", "v": "v1"} for ref in objects]
    return {"entries": entries}


def test_all_that_is_awaited_is_looked_at_however_much_it_is():
    objects = deployments(40, ill=39)
    item = kustomization()
    item["status"]["inventory"] = inventory_of(objects)
    asked = MemoryCluster(objects, known=(DEPLOYMENTS,))
    late = failure("Progressing", state=State.IN_PROGRESS, kustomization=item)
    assert [str(one) for one in explore(asked, late).unhealthy] == ["Deployment default/web-39"]
    assert healthy_objects(asked, item) == (39, 40)
    assert len([line for line in asked.asked if line.startswith("list deployments")]) == 2


def test_of_many_that_are_not_healthy_the_one_that_says_why_is_told_first():
    objects = deployments(30, ill=-1)
    for item in objects.values():
        item["status"] = {"observedGeneration": 1}
    last = list(objects.values())[-1]
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    last["status"]["conditions"] = [refused]
    item = kustomization()
    item["status"]["inventory"] = inventory_of(objects)
    late = failure("Progressing", state=State.IN_PROGRESS, kustomization=item)
    found = explore(MemoryCluster(objects, known=(DEPLOYMENTS,)), late)
    cause = cause_of(found)
    assert cause.place == "Deployment default/web-29"
    assert cause.text.startswith("0 of 1 replicas available, exceeded quota. Nor healthy: ")
    assert "and 19 more" in cause.text
    assert (len(cause.details["objects"]), cause.details["unhealthy"]) == (10, 30)


def test_a_kustomization_among_what_is_applied_is_explained_in_its_turn():
    child: dict[str, Any] = kustomization("child")
    child |= {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization"}
    child["status"] = {
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "BuildFailed",
                "message": "kustomize build failed: no",
                "observedGeneration": 1,
            }
        ]
    }
    parent = kustomization()
    entry = {"id": "flux-system_child_kustomize.toolkit.fluxcd.io_Kustomization", "v": "v1"}
    parent["status"]["inventory"] = {"entries": [entry]}
    objects = {ObjectRef(KUSTOMIZATION, "flux-system", "child"): child}
    late = failure("Progressing", state=State.IN_PROGRESS, kustomization=parent)
    cause = cause_of(explore(MemoryCluster(objects, known=(KUSTOMIZATION,)), late))
    assert cause.place == "Kustomization flux-system/child"
    assert cause.text == "it is not ready: it does not build: no."


def test_what_keeps_a_namespace_is_looked_for():
    namespace = {
        "metadata": {"name": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c"]}
    }
    asked = MemoryCluster({ObjectRef(NAMESPACE, "", "shop"): namespace}, known=(NAMESPACE,))
    message = "timeout waiting for: [Namespace/shop status: 'Terminating']"
    cause = cause_of(explore(asked, failure("ReconciliationFailed", message, kustomization=kustomization())))
    assert cause.kind == "namespace_terminating"
    assert "a.b/c" in cause.text


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
        def get(self, ref):
            raise ClusterError("Not allowed.", 403)

    failed = failure("HealthCheckFailed", UNHEALTHY, kustomization=kustomization())
    [web] = explore(Forbidden(known=(DEPLOYMENTS,)), failed).unhealthy
    assert web.lacks == "Flux calls it InProgress"


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
