# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Have this loop's Flux not running; its objects and those of the workloads stay."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Object,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.permissions import (
    Permission,
    refused,
    require_permissions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import POD
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import Applied
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import FIELD_MANAGER
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.lookup import find_installations
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    DEPLOYMENT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.outcome import (
    Options,
    Outcome,
    field_lines,
    left_alone,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.requests import for_all
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.waiting import (
    wait_for_the_end_of_pods,
)


def stop(cluster: Cluster, options: Options) -> Outcome:
    """Have this loop's Flux not running; its objects and those of the workloads stay."""
    found = find_installations(cluster, options.namespace)
    installed = next((candidate for candidate in found if candidate.loop == options.loop), None)
    if installed is None:
        return left_alone(found, options)
    running = [item for item in installed.controllers.values() if item["spec"].get("replicas", 1)]
    needed = [
        Permission("patch", DEPLOYMENT, installed.namespace),
        Permission("list", POD, installed.namespace),
    ]
    if running:
        require_permissions(cluster, refused(cluster, needed), "To stop Flux")

    def scale(item: Object) -> Applied:
        ref = ref_of(DEPLOYMENT, item)
        after = {**item, "spec": {**item["spec"], "replicas": 0}}
        if not options.check_mode:
            after = cluster.merge_patch(ref, {"spec": {"replicas": 0}}, manager=FIELD_MANAGER)
            wait_for_the_end_of_pods(cluster, item, options.seconds)
        return Applied(ref, item, after, field_lines(item, after))

    return Outcome(installed, installed.namespace, applied=for_all(running, scale))
