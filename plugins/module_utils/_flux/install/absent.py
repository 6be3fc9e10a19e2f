# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Remove what this loop installed, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.permissions import (
    Permission,
    refused,
    require_permissions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    Applied,
    carry_out_deletion,
    plan_deletion,
    predict_deletion,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import FIELD_MANAGER
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    flaws,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.lookup import (
    definitions,
    find_installations,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CRD,
    DEPLOYMENT,
    KINDS,
    MANAGED_BY,
    NAMESPACE,
    OURS,
    is_of,
    kind_of,
    ref_to,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.outcome import (
    Options,
    Outcome,
    left_alone,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.requests import for_all
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.waiting import (
    wait_for_the_end_of_pods,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.waiting import wait_until_gone


def uninstall(cluster: Cluster, options: Options) -> Outcome:
    """Remove what this loop installed, and nothing else.

    What workloads brought into the cluster stays, unless it is to be deleted: then Flux prunes it first.
    """
    found = find_installations(cluster, options.namespace)
    unseen = refused(cluster, [Permission("list", kind) for kind in KINDS])
    if any(installed.loop == options.loop for installed in found):
        require_permissions(cluster, unseen, "To remove Flux")
    owned = [] if unseen else _owned(cluster, options.loop)
    if not owned:
        return left_alone(found, options)
    if not options.deletes_workloads:
        owned = [item for item in owned if kind_of(item) != NAMESPACE]
    flux_kinds = [_defined_kind(item) for item in owned if kind_of(item) == CRD]
    needed = [
        Permission("delete", kind_of(item), item["metadata"].get("namespace", "")) for item in owned
    ] + [Permission(verb, kind) for kind in flux_kinds for verb in ("list", "patch")]
    require_permissions(cluster, refused(cluster, needed), "To remove Flux")
    removed = _prune_workloads(cluster, options) if options.deletes_workloads else []
    deployments = [item for item in owned if kind_of(item) == DEPLOYMENT]
    removed += _remove_all(cluster, deployments, options)
    if not options.check_mode:
        # A controller that still runs would give its finalizers back, or prune.
        for_all(deployments, lambda item: wait_for_the_end_of_pods(cluster, item, options.seconds))
        for_all(flux_kinds, lambda kind: _release(cluster, kind))
    removed += _remove_all(cluster, [item for item in owned if kind_of(item) != DEPLOYMENT], options)
    return Outcome(None, options.namespace, owner="none", applied=removed)


def _owned(cluster: Cluster, loop: str) -> list[Object]:
    """All objects that the loop installed, in the order in which they are to be removed."""
    selector = f"{MANAGED_BY}={OURS}"
    listed = for_all(KINDS[::-1], lambda kind: cluster.list(kind, label_selector=selector).items)
    return [item for items in listed for item in items if is_of(item, loop)]


def _defined_kind(crd: Object) -> Kind:
    spec = crd["spec"]
    name = next(version["name"] for version in spec["versions"] if version["storage"])
    return Kind(spec["group"], name, spec["names"]["plural"], spec["names"]["kind"])


def _prune_workloads(cluster: Cluster, options: Options) -> list[Applied]:
    """Delete all Kustomizations while Flux still runs, which prunes what they applied."""
    kustomizations = cluster.list(KUSTOMIZATION).items
    if not kustomizations:
        return []
    found = find_installations(cluster, options.namespace)
    installed = next((candidate for candidate in found if candidate.loop == options.loop), None)
    if installed is None or flaws(installed, definitions(cluster)):
        raise LoopError(
            "flux_delete_workloads is true, but Flux is not running, and only it can delete what it applied."
            " Start it first (flux_state=present), or set flux_delete_workloads=false."
        )
    refs = [ref_of(KUSTOMIZATION, item) for item in kustomizations]
    removed = for_all(refs, lambda ref: _remove(cluster, ref, options))
    if not options.check_mode:
        for_all(refs, lambda ref: wait_until_gone(cluster, ref, options.seconds))
    return removed


def _release(cluster: Cluster, kind: Kind) -> None:
    """Take Flux's finalizers from all objects of a kind: nobody is left who would remove them."""
    for item in cluster.list(kind).items:
        if item["metadata"].get("finalizers"):
            # An object that is being deleted is gone with its last finalizer.
            with suppress(ClusterError):
                cluster.merge_patch(
                    ref_of(kind, item), {"metadata": {"finalizers": None}}, manager=FIELD_MANAGER
                )


def _remove_all(cluster: Cluster, items: Sequence[Object], options: Options) -> list[Applied]:
    removed = for_all(items, lambda item: _remove(cluster, ref_to(item), options, options.seconds))
    return [applied for applied in removed if applied.before is not None]


def _remove(cluster: Cluster, ref: ObjectRef, options: Options, wait_seconds: float | None = None) -> Applied:
    plan = plan_deletion(cluster, ref)
    if options.check_mode:
        return predict_deletion(cluster, plan)
    return carry_out_deletion(cluster, plan, wait_seconds)
