# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import datetime

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import POD
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.controllers import (
    POD_METRICS,
    controllers,
    version_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import DEPLOYMENT
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import cluster_with

NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)


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


def test_controllers_in_the_cluster_are_told_by_their_deployments_and_pods():
    metrics = {
        "metadata": {"name": "source-1", "namespace": "flux-system"},
        "containers": [{"usage": {"memory": "50Mi"}}],
    }
    cluster = cluster_with(
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
    cluster = cluster_with((DEPLOYMENT, deployment()), (POD, pod("source-1", waiting)))
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
