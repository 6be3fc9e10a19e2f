# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Asks a cluster what rendered manifests would make of it: dry runs as kustomize-controller's own."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Identity,
    Kind,
    Object,
    ObjectRef,
    identity_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    Cluster,
    ClusterError,
    NotFoundError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.schemas import Schemas
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Change,
    change_of,
    creation,
    loss,
    pruning,
    recreation,
    refusal,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.drift import inventory_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.ignored import (
    differs_besides,
    ignored_fields,
    left_to_others,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.refusals import (
    dry_run_message,
    is_final,
    no_namespace_message,
    refused_by,
    unknown_kind_message,
    without_allocations,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.rules import (
    CONTROLLER,
    OWNER_NAME,
    applied_by_others,
    deletes_what_it_applied,
    is_forced,
    is_left_alone,
    is_normalized,
    is_pruned,
    kinds_brought,
    may_be_immutable,
    namespaces_brought,
    undone,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.zeros import without_zeros
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask

# What the flux program shows in place of what only Flux can decrypt.
_ENCRYPTED = base64.b64encode(b"**SOPS**").decode()


@dataclass
class Predictor:
    """What would become of objects. What the run itself brings first is told by ``expect``."""

    cluster: Cluster
    mask: Mask = field(default_factory=Mask)
    schemas: Schemas = field(init=False)
    _kinds: dict[str, Sequence[Kind]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _brought_kinds: set[tuple[str, str]] = field(default_factory=set)
    _brought_namespaces: set[str] = field(default_factory=set)
    _expected: dict[Identity, Change] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.schemas = Schemas(self.cluster)

    def expect(self, rendered: Iterable[Object]) -> None:
        """Take note of the kinds and namespaces among what is to be applied."""
        items = list(rendered)
        self._brought_kinds |= kinds_brought(items)
        self._brought_namespaces |= namespaces_brought(items)

    def take(self, changes: Iterable[Change]) -> None:
        """Take note of what would become of objects, for those that depend on them."""
        self._expected |= {change.identity: change for change in changes if change.is_certain}

    def expected(self, identity: Identity) -> Change | None:
        """What would become of an object, as far as that was taken note of."""
        return self._expected.get(identity)

    def kind(self, api_version: str, name: str) -> Kind | None:
        """A kind by its name; None where the cluster does not know it."""
        with self._lock:
            if api_version not in self._kinds:
                self._kinds[api_version] = self.cluster.kinds(api_version)
        return next((kind for kind in self._kinds[api_version] if kind.name == name), None)

    def find(self, identity: Identity, api_version: str) -> Object | None:
        """An object as it is; None where there is none, or no such kind."""
        kind = self.kind(api_version, identity.kind)
        if kind is None:
            return None
        return self.cluster.get(ObjectRef(kind, identity.namespace, identity.name))

    def unknown_fields(self, desired: Object) -> list[str]:
        """The fields that the controller drops from an object before it is applied, as its kind has none."""
        kind = self.kind(str(desired["apiVersion"]), str(desired["kind"]))
        if kind is None or not is_normalized(kind):
            return []
        return self.schemas.known_part(kind, desired)[1]

    def change(self, desired: Object, kustomization: Object) -> Change | None:
        """What the controller would make of one object; None where it would leave it as it is.

        The message of a refusal is the one that the controller would report.
        """
        if is_encrypted(desired):
            return refusal(desired, "It is encrypted, and only Flux can read it.", is_final=False)
        kind = self.kind(str(desired["apiVersion"]), str(desired["kind"]))
        identity = identity_of(desired)
        if kind is None:
            if (identity.group, identity.kind) in self._brought_kinds:
                return creation(desired)
            return refusal(desired, unknown_kind_message(identity, str(desired["apiVersion"])))
        if kind.is_namespaced and not identity.namespace:
            return refusal(desired, no_namespace_message(identity))
        if not kind.is_namespaced:
            desired = in_no_namespace(desired)
        if is_normalized(kind):
            desired, _dropped = self.schemas.known_part(kind, desired)
        return self._answer(
            desired, kustomization, ObjectRef(kind, identity_of(desired).namespace, identity.name)
        )

    def _answer(self, desired: Object, kustomization: Object, ref: ObjectRef) -> Change | None:
        live: Object | None = None
        try:
            live = self.cluster.get(ref)
            if is_left_alone(desired, live):
                return None
            after = self._applied(desired, ref)
            if live is None:
                return creation(desired)
            if is_normalized(ref.kind) and (slim := without_zeros(desired, after)) != desired:
                desired, after = slim, self._applied(slim, ref)
            ignored = ignored_fields(kustomization, after)
            if ignored:
                if undone(desired, live, after) is None and not differs_besides(live, after, ignored):
                    return None
                desired = left_to_others(desired, live, after, ignored, applied_by_others(live))
                after = self._applied(desired, ref)
        except ClusterError as error:
            return self._refused(error, desired, live, kustomization, ref)
        except LoopError as error:
            return refusal(desired, error.message)
        kept = undone(desired, live, after)
        if kept is not None:
            after = self.cluster.would_become(ref, kept, manager=CONTROLLER)
        return change_of(live, after, self.mask)

    def _applied(self, desired: Object, ref: ObjectRef) -> Object:
        """An object as it would be once the controller has applied it."""
        return self.cluster.apply(
            ref.kind, desired, manager=CONTROLLER, dry_run=True, force=True, is_strict=False
        )

    def _refused(
        self, error: ClusterError, desired: Object, live: Object | None, kustomization: Object, ref: ObjectRef
    ) -> Change:
        if error.status in (None, 0, 401):
            raise error
        is_without_namespace = error.status == 404 and not isinstance(error, NotFoundError)
        if is_without_namespace and ref.namespace in self._brought_namespaces:
            return creation(desired)
        if (
            live is not None
            and may_be_immutable(error.status, error.said)
            and is_forced(desired, live, kustomization)
        ):
            return self._recreated(desired, live, ref)
        return refused_by(error, desired)

    def _recreated(self, desired: Object, live: Object, ref: ObjectRef) -> Change:
        """What becomes of an object that is deleted and created anew, which may be refused then."""
        try:
            self.cluster.create(ref.kind, without_allocations(desired, live), dry_run=True)
        except ClusterError as error:
            if error.status in (None, 0, 401):
                raise
            # It would have been created, but for the one that is there.
            if error.reason != "AlreadyExists" and is_final(error):
                return loss(live, desired, dry_run_message(identity_of(desired), error))
        return recreation(live, desired, self.mask)

    def prunings(self, kustomization: Object, applied: Iterable[Identity]) -> list[Change]:
        """What the controller would delete of what a Kustomization had applied, but no longer is."""
        kept = set(applied)
        gone = {
            identity: api_version
            for identity, api_version in inventory_of(kustomization).items()
            if identity not in kept
        }
        owner = kustomization["metadata"]
        found = [self.find(identity, api_version) for identity, api_version in gone.items()]
        return [pruning(live) for live in found if live is not None and is_pruned(live, owner)]

    def deletions(self, kustomization: Object) -> list[Change]:
        """What the controller would delete as a Kustomization goes."""
        if not deletes_what_it_applied(kustomization):
            return []
        return self.prunings(kustomization, ())

    def identity(self, item: Object) -> Identity:
        """What an object is called in the inventory: without a namespace where its kind has none."""
        kind = self.kind(str(item["apiVersion"]), str(item["kind"]))
        return identity_of(item if kind is None or kind.is_namespaced else in_no_namespace(item))


def in_no_namespace(item: Object) -> Object:
    """An object without a namespace, which kustomize gives to all kinds that it does not know."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "namespace"}
    return {**item, "metadata": metadata}


def is_encrypted(item: Object) -> bool:
    """Whether the values of an object are encrypted with SOPS."""
    data = item.get("data") if item["kind"] == "Secret" else None
    return "sops" in item or (isinstance(data, dict) and _ENCRYPTED in data.values())


def live_inventories(
    predictor: Predictor,
    kustomizations: Sequence[Object],
    together: Callable[[Callable[[tuple[str, str]], None], Iterable[tuple[str, str]]], object],
) -> tuple[dict[Identity, Object], dict[str, str]]:
    """What there is of all that was applied, one request for each kind; and the kinds that cannot be seen."""
    applied: dict[tuple[str, str], set[str]] = {}
    for kustomization in kustomizations:
        for identity, api_version in inventory_of(kustomization).items():
            applied.setdefault((api_version, identity.kind), set()).add(identity.namespace)
    names = {kustomization["metadata"]["name"] for kustomization in kustomizations}
    selector = f"{OWNER_NAME}={next(iter(names))}" if len(names) == 1 else OWNER_NAME
    found: dict[Identity, Object] = {}
    unseen: dict[str, str] = {}

    def read(sort: tuple[str, str]) -> None:
        kind = predictor.kind(*sort)
        namespaces = applied[sort]
        if kind is None:
            return
        namespace = next(iter(namespaces)) if len(namespaces) == 1 else None
        try:
            listing = predictor.cluster.list(kind, namespace or None, label_selector=selector)
        except ClusterError as error:
            if error.status != 403:
                raise
            unseen[kind.name] = error.message
            return
        found.update({identity_of(item): item for item in listing.items})

    together(read, applied)
    return found, unseen
