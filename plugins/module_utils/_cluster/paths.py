# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where the API has its kinds and objects.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
"""

from __future__ import annotations

from urllib.parse import quote

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef


def version_path(kind: Kind) -> str:
    """The path of the version of the API that has a kind."""
    group, version = quote(kind.group, safe=""), quote(kind.version, safe="")
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def kind_path(kind: Kind, namespace: str | None) -> str:
    """The path of the objects of a kind, of all namespaces without ``namespace``."""
    root = version_path(kind)
    return (
        f"{root}/namespaces/{quote(namespace, safe='')}/{kind.plural}"
        if namespace
        else f"{root}/{kind.plural}"
    )


def object_path(ref: ObjectRef) -> str:
    """The path of one object."""
    return f"{kind_path(ref.kind, ref.namespace)}/{quote(ref.name, safe='')}"
