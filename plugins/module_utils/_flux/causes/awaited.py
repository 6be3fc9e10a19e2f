# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The objects whose health Flux waits for, read with one request for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import is_always_healthy
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Kind,
    Object,
    ObjectRef,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import Named
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.inventory import Entry, inventory
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION

# How kustomize-controller marks what it has applied.
OWNER = f"{KUSTOMIZATION.group}/name"
# What Flux waits for before the inventory tells of it: later stages take these.
_FIRST = (
    Entry(Identity("", "Namespace", "", ""), "v1"),
    Entry(Identity("apiextensions.k8s.io", "CustomResourceDefinition", "", ""), "v1"),
)


class Awaited(NamedTuple):
    """An object whose health Flux waits for; ``item`` is None where it does not exist."""

    identity: Identity
    item: Object | None


def awaited_entries(kustomization: Object) -> list[Entry]:
    """What a Kustomization waits for: all that it has applied, or else what its healthChecks name.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#wait
    """
    if kustomization["spec"].get("wait"):
        entries = inventory(kustomization)
    else:
        entries = [_checked(check) for check in kustomization["spec"].get("healthChecks") or []]
    metadata = kustomization.get("metadata", {})
    itself = Identity(
        KUSTOMIZATION.group, KUSTOMIZATION.name, metadata.get("namespace", ""), metadata.get("name", "")
    )
    return [
        entry
        for entry in entries
        if entry.identity != itself and not is_always_healthy(entry.identity.group, entry.identity.kind)
    ]


def named_entries(kustomization: Object, named: Sequence[Named]) -> list[Entry]:
    """What a message of Flux names, with the group and version that the Kustomization has it in."""
    known = [
        *inventory(kustomization),
        *(_checked(check) for check in kustomization["spec"].get("healthChecks") or []),
        *_FIRST,
    ]
    entries = []
    for each in named:
        same = [entry for entry in known if entry.identity.kind == each.kind]
        exact = [
            entry
            for entry in same
            if (entry.identity.namespace, entry.identity.name) == (each.namespace, each.name)
        ]
        for entry in (exact or same)[:1]:
            identity = Identity(entry.identity.group, each.kind, each.namespace, each.name)
            entries.append(Entry(identity, entry.version))
    return entries


def _checked(check: Object) -> Entry:
    group, _slash, version = str(check["apiVersion"]).rpartition("/")
    return Entry(Identity(group, check["kind"], check.get("namespace", ""), check["name"]), version)


def read_awaited(cluster: Cluster, kustomization: Object, entries: Iterable[Entry]) -> list[Awaited]:
    """The objects, kind by kind; those that may not be read, or are not served, are left out.

    Raises ClusterError where the cluster does not answer.
    """
    sorts: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        sorts.setdefault((entry.api_version, entry.identity.kind), []).append(entry)
    owner = kustomization.get("metadata", {}).get("name", "")
    return [
        awaited
        for (api_version, name), wanted in sorts.items()
        if (kind := kind_named(cluster, api_version, name)) is not None
        for awaited in _read(cluster, kind, owner, [entry.identity for entry in wanted])
    ]


def kind_named(cluster: Cluster, api_version: str, name: str) -> Kind | None:
    """A kind by its name; None where the cluster does not serve it."""
    return next((kind for kind in cluster.kinds(api_version) if kind.name == name), None)


def _read(cluster: Cluster, kind: Kind, owner: str, wanted: Sequence[Identity]) -> list[Awaited]:
    namespaces = {identity.namespace for identity in wanted}
    namespace = next(iter(namespaces)) if len(namespaces) == 1 else None
    found: dict[Identity, Object] = {}
    try:
        if len(wanted) > 1:
            listed = cluster.list(kind, namespace or None, label_selector=f"{OWNER}={owner}").items
            found = {identity_of(item): item for item in listed}
        return [Awaited(each, found.get(each) or _get(cluster, kind, each)) for each in wanted]
    except ClusterError as error:
        if error.status != 403:
            raise
        return []


def _get(cluster: Cluster, kind: Kind, identity: Identity) -> Object | None:
    item = cluster.get(ObjectRef(kind, identity.namespace, identity.name))
    return {"apiVersion": kind.api_version, "kind": kind.name, **item} if item else None
