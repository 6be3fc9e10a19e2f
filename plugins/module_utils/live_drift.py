# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Who else has changed an object, as its managed fields tell; nothing is rendered or compared for that.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils.flux_resources import Object

# Parts of an object that say nothing of what it is asked to be.
_ASIDE = frozenset({"f:metadata", "f:status", "f:kind", "f:apiVersion"})
# Programs that people change objects with. Controllers change objects too, and are meant to.
HANDS = ("kubectl", "flux", "helm", "k9s", "Mozilla")


def hands_on(item: Object) -> list[str]:
    """The programs that people work with and that have set what the object asks for."""
    managers: dict[str, None] = {}
    for entry in item["metadata"].get("managedFields") or []:
        manager = str(entry.get("manager", ""))
        is_aside = entry.get("subresource") or not (set(entry.get("fieldsV1") or {}) - _ASIDE)
        if not is_aside and manager.startswith(HANDS):
            managers[manager] = None
    return list(managers)
