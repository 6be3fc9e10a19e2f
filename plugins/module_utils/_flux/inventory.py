# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a Kustomization has applied: ``status.inventory`` of Flux, read in one place.

https://fluxcd.io/flux/components/kustomize/kustomizations/#inventory
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Identity, Object


@dataclass(frozen=True)
class Entry:
    """One object of an inventory, with the version of its API under which it was applied."""

    identity: Identity
    version: str

    @property
    def api_version(self) -> str:
        """The version of its API as a manifest names it: ``group/version``."""
        group = self.identity.group
        return f"{group}/{self.version}" if group else self.version

    @property
    def result(self) -> dict[str, str]:
        """It as data for Ansible."""
        return {
            "kind": self.identity.kind,
            "namespace": self.identity.namespace,
            "name": self.identity.name,
            "group": self.identity.group,
            "version": self.version,
        }


def identity_named(inventory_id: str) -> Identity:
    """The object that an inventory id names: ``<namespace>_<name>_<group>_<kind>``, with ``__`` for a ``:``.

    Namespace and group are empty for cluster-scoped objects and for the core group.
    """
    namespace, _sep, rest = inventory_id.partition("_")
    rest, _sep, kind = rest.rpartition("_")
    name, _sep, group = rest.rpartition("_")
    return Identity(group, kind, namespace, name.replace("__", ":"))


def inventory(kustomization: Object) -> list[Entry]:
    """Everything that a Kustomization has applied."""
    entries = (kustomization.get("status", {}).get("inventory") or {}).get("entries") or []
    return [Entry(identity_named(entry["id"]), entry["v"]) for entry in entries]


def inventory_result(kustomization: Object) -> list[dict[str, str]]:
    """Everything that a Kustomization has applied, as data for Ansible."""
    return [entry.result for entry in inventory(kustomization)]
