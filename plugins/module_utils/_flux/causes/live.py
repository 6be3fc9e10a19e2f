# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Why the workloads of a cluster that have failed have done so, as they are now."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import explore
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import cause_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import Cause, failures_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)

MOST = 20  # failures that are looked into; each takes a few requests


def causes_of(cluster: Cluster) -> Mapping[ObjectRef, Cause]:
    """The cause for each Kustomization that has failed, or whose source has. Raises ClusterError."""
    sources = {ref_of(OCI_REPOSITORY, item): item for item in cluster.list(OCI_REPOSITORY).items}
    failures = failures_of(cluster.list(KUSTOMIZATION).items, sources)
    return {failure.ref: cause_of(explore(cluster, failure)) for failure in failures[:MOST]}
