# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What has to be read from the cluster to know the cause of a failure: objects, Pods, logs and events.

Nothing of it is needed to know that something failed: what may not be read, or is gone, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import (
    Lack,
    Unhealthy,
    lack_of,
    unhealthiness,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import (
    NAMESPACE,
    Hold,
    hold_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Object,
    ObjectRef,
    identity_of,
    is_of,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.awaited import (
    Awaited,
    awaited_entries,
    kind_named,
    named_entries,
    read_awaited,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.examination import (
    Patient,
    called,
    examined,
    patients_of,
    read_json,
    troubles_of,
    unexamined,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Controller,
    Failure,
    failures_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    Named,
    ending_namespace,
    unhealthy_objects,
    unknown_kind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    HEALTH_CHECK_FAILED,
    NOT_HANDLED,
    OLDER_REVISION,
    State,
    is_checking_health,
    source_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import inventory
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    source_of,
)

MOST_OBJECTS = 10  # unhealthy ones that are told in full
MOST_LOOKED_AT = 50  # unhealthy ones whose Pods are looked at, to find those that say why
DEEPEST = 3  # Kustomizations within Kustomizations
VERSION_LABEL = "app.kubernetes.io/version"


def explore(cluster: Cluster, failure: Failure, depth: int = DEEPEST) -> Failure:
    """The failure with all that the cluster knows of it; what it applied is followed as far as ``depth``."""
    verdict = failure.verdict
    if failure.chain:
        last = failure.chain[-1]
        is_source = last.ref.kind != KUSTOMIZATION
        first = Failure(
            last.ref,
            replace(last.verdict, subject=last.ref),
            failure.seconds,
            source=last.item if is_source else None,
            kustomization=None if is_source else last.item,
        )
        return replace(failure, first=explore(cluster, first, depth))
    with suppress(ClusterError):
        failure = replace(
            failure, hold=_hold(cluster, verdict.message), served_as=_served_as(cluster, verdict.message)
        )
        named = unhealthy_objects(verdict.message) if verdict.state is not State.IN_PROGRESS else []
        is_awaiting = verdict.state is State.IN_PROGRESS and is_checking_health(failure.kustomization or {})
        if named or is_awaiting or verdict.reason == HEALTH_CHECK_FAILED:
            return _with_unhealthy(cluster, failure, named, depth)
        if verdict.state is State.IN_PROGRESS and verdict.reason in (NOT_HANDLED, OLDER_REVISION):
            return replace(failure, controller=_controller(cluster, failure))
    return failure


def _hold(cluster: Cluster, message: str) -> Hold | None:
    """What keeps the namespace from going that a message calls ending."""
    name = ending_namespace(message)
    namespace = cluster.get(ObjectRef(NAMESPACE, "", name)) if name else None
    return hold_of(namespace) if namespace else None


def shared_objects(
    cluster: Cluster, kustomizations: Sequence[ObjectRef]
) -> dict[ObjectRef, dict[str, list[ObjectRef]]]:
    """For each of the Kustomizations, the objects that others apply, too, and who these are."""
    owners: dict[Identity, list[ObjectRef]] = {}
    with suppress(ClusterError):
        for item in cluster.list(KUSTOMIZATION).items:
            for entry in inventory(item):
                owners.setdefault(entry.identity, []).append(ref_of(KUSTOMIZATION, item))
    return {
        ref: {
            str(identity): [other for other in refs if other != ref]
            for identity, refs in owners.items()
            if ref in refs and len(refs) > 1
        }
        for ref in kustomizations
    }


def _served_as(cluster: Cluster, message: str) -> list[str]:
    """The apiVersions under which the API server has a kind that a message calls unknown."""
    unknown = unknown_kind(message)
    if unknown is None:
        return []
    kind, api_version = unknown
    group = api_version.rpartition("/")[0]
    groups = (read_json(cluster, "/apis") or {}).get("groups", [])
    own = [each for each in groups if each["name"] == group]
    # Kubernetes has moved kinds from one of its own groups to another; definitions of others are not guessed.
    others = [each["preferredVersion"] for each in groups if each not in own and is_kubernetes(each["name"])]
    own_versions = [version for each in own for version in each["versions"]]
    served = _serving(cluster, kind, own_versions)
    if served or not is_kubernetes(group):
        return served
    return _serving(cluster, kind, [{"groupVersion": "v1"}, *others])


def is_kubernetes(group: str) -> bool:
    """Whether a group can be one of Kubernetes' own: a definition's group has a domain of its owner."""
    return "." not in group or group.endswith(".k8s.io")


def _serving(cluster: Cluster, kind: str, versions: Sequence[Object]) -> list[str]:
    """Those of the versions that have a kind."""
    named = [str(version["groupVersion"]) for version in versions]
    return [each for each in named if kind_named(cluster, each, kind) is not None]


def healthy_objects(cluster: Cluster, kustomization: Object) -> tuple[int, int] | None:
    """How many objects that Flux waits for are healthy, and of how many; None where it is not known.

    Those that are healthy as soon as they exist are not counted.
    """
    with suppress(ClusterError):
        awaited = read_awaited(cluster, kustomization, awaited_entries(kustomization))
        return sum(each.item is not None and not unhealthiness(each.item) for each in awaited), len(awaited)
    return None


def _with_unhealthy(cluster: Cluster, failure: Failure, named: Sequence[Named], depth: int) -> Failure:
    """The failure with what is not healthy, what says why first; ``named`` is what Flux calls so, if it does.

    All that is awaited is looked at; only then the most telling ones are looked into.
    """
    kustomization = failure.kustomization or {"spec": {}}
    entries = named_entries(kustomization, named) if named else awaited_entries(kustomization)
    awaited = read_awaited(cluster, kustomization, entries)
    patients = patients_of(awaited, {(each.kind, each.namespace, each.name): each for each in named})
    looked_at = [
        replace(patient, troubles=troubles_of(cluster, patient.awaited.item))
        for patient in patients[:MOST_LOOKED_AT]
    ]
    ordered = sorted([*looked_at, *patients[MOST_LOOKED_AT:]], key=lambda patient: not patient.says_why)
    read = {str(patient.awaited.identity) for patient in patients}
    unread = [each for each in named if str(each) not in read]
    return replace(
        failure,
        unhealthy=[
            *(examined(cluster, patient) for patient in ordered[:MOST_OBJECTS]),
            *(unexamined(patient) for patient in ordered[MOST_OBJECTS:]),
            *(Unhealthy(each.kind, each.namespace, each.name, called(each)) for each in unread),
        ],
        first=_nested(cluster, failure, ordered[0].awaited.item, depth) if ordered and depth else None,
    )


def _nested(cluster: Cluster, failure: Failure, item: Object | None, depth: int) -> Failure | None:
    """The failure of what is applied where that is a Kustomization or a source of Flux itself."""
    if item is not None and is_of(OCI_REPOSITORY, item):
        ref = ref_of(OCI_REPOSITORY, item)
        return Failure(ref, replace(source_verdict(item), subject=ref), failure.seconds, source=item)
    if item is None or not is_of(KUSTOMIZATION, item):
        return None
    source_ref = source_of(item)
    source = cluster.get(source_ref) if source_ref.kind == OCI_REPOSITORY else None
    failed = failures_of([item], {source_ref: source} if source else {})
    return explore(cluster, failed[0], depth - 1) if failed else None


def _controller(cluster: Cluster, failure: Failure) -> Controller:
    """The controller that has not done what it was asked for."""
    subject = failure.verdict.subject or failure.ref
    kind = KUSTOMIZATION if subject.kind == KUSTOMIZATION else OCI_REPOSITORY
    name = "kustomize-controller" if kind == KUSTOMIZATION else "source-controller"
    listed = read_json(cluster, "/apis/apps/v1/deployments", fieldSelector=f"metadata.name={name}") or {}
    definition = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.plural}.{kind.group}"
    crd = read_json(cluster, definition) or {}
    deployment = next(iter(listed.get("items", [])), None)
    if deployment is None:
        return Controller(name)
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment}
    patient = Patient(
        Awaited(identity_of(deployment), deployment),
        lack_of(deployment) or Lack(""),
        troubles_of(cluster, deployment),
    )
    return Controller(
        name,
        examined(cluster, patient),
        _label(deployment),
        _label(crd),
    )


def _label(item: Object) -> str:
    return str((item.get("metadata", {}).get("labels") or {}).get(VERSION_LABEL, ""))
