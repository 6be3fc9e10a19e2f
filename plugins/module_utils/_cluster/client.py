# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API on the kubernetes client.

Options and configuration are kubernetes.core's. Its public ``get_api_client`` is passed over because its
dynamic client asks for /version and the discovery documents first, while the few kinds needed here are known.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.connection import (
    REQUEST_TIMEOUT,
    Connection,
    Request,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import (
    auth_of,
    configuration_of,
    set_headers,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.origin import (
    Address,
    proxy_to,
    unloadable,
    unusable,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.paths import (
    kind_path,
    object_path,
    version_path,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    Listing,
    NotFoundError,
    Watch,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.refusals import Refusals
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

with suppress(ImportError):  # module.require() names what is missing
    import kubernetes.client

WATCH_GRACE = 10  # seconds a watch may be silent after the end that was asked for


class KubernetesCluster:
    """The cluster that kubernetes.core's options (kubeconfig, context, host …) name; requests come later."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        auth = auth_of(params)
        try:
            configuration = configuration_of(auth)
        except unloadable() as error:
            raise LoopError(unusable(auth, error)) from error
        # A dead cluster is to be told at once; waiting for one to come back is up to the caller.
        configuration.retries = False
        proxy = proxy_to(configuration.host, auth, configuration.proxy, os.environ)
        configuration.proxy, configuration.no_proxy = (proxy.url if proxy else None), auth.get("no_proxy")
        client = kubernetes.client.ApiClient(configuration)
        set_headers(client, params)
        self._address = Address(auth, configuration.host, proxy)
        self._connection = Connection(client, Refusals(self._address))

    @property
    def server(self) -> str:
        return self._address.host

    @property
    def origin(self) -> str:
        return self._address.origin

    @property
    def proxy(self) -> str:
        """The proxy that it is asked through, and what names that; empty for none."""
        return str(self._address.proxy or "")

    def get(self, ref: ObjectRef) -> Object | None:
        try:
            return self._connection.read(Request(f"read {ref}", ref.kind, "GET", object_path(ref)))
        except NotFoundError:
            return None

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        field_selector: str | None = None,
        label_selector: str | None = None,
        limit: int | None = None,
    ) -> Listing:
        query = {
            "fieldSelector": field_selector,
            "labelSelector": label_selector,
            "limit": str(limit) if limit else None,
        }
        listed = self._connection.read(_listing(kind, namespace, "list", query))
        for item in listed["items"]:
            item.setdefault("apiVersion", kind.api_version)
            item.setdefault("kind", kind.name)
        return Listing(listed["items"], listed["metadata"]["resourceVersion"])

    def create(self, kind: Kind, manifest: Object, *, dry_run: bool = False) -> Object:
        path = kind_path(kind, manifest.get("metadata", {}).get("namespace"))
        body = {"apiVersion": kind.api_version, "kind": kind.name, **manifest}
        query = _dry_run(dry_run)
        return self._connection.read(Request(f"create a {kind.name}", kind, "POST", path, query, body=body))

    def kinds(self, api_version: str) -> Sequence[Kind]:
        group, _slash, version = api_version.rpartition("/")
        any_kind = Kind(group, version, "", "")
        try:
            listed = self._connection.read(
                Request(f"list the kinds of {api_version}", any_kind, "GET", version_path(any_kind))
            )
        except ClusterError as error:
            if error.status == 404:
                return []
            raise
        return [
            Kind(group, version, resource["name"], resource["kind"], resource["namespaced"])
            for resource in listed["resources"]
            if "/" not in resource["name"]
        ]

    def apply(
        self,
        kind: Kind,
        manifest: Object,
        *,
        manager: str,
        dry_run: bool = False,
        force: bool = False,
        is_strict: bool = True,
    ) -> Object:
        query = {
            "fieldManager": manager,
            **_dry_run(dry_run),
            "force": str(force).lower(),
            "fieldValidation": "Strict" if is_strict else "Ignore",
        }
        return self._connection.read(_patch(ref_of(kind, manifest), manifest, "apply-patch+yaml", query))

    def would_become(self, ref: ObjectRef, item: Object, *, manager: str) -> Object:
        query = {"fieldManager": manager, **_dry_run(True)}
        request = Request(f"change {ref}", ref.kind, "PUT", object_path(ref), query, body=item)
        return self._connection.read(request)

    def merge_patch(self, ref: ObjectRef, patch: Object, *, manager: str) -> Object:
        return self._connection.read(_patch(ref, patch, "merge-patch+json", {"fieldManager": manager}))

    def delete(self, ref: ObjectRef, *, dry_run: bool = False) -> None:
        with suppress(NotFoundError):
            self._connection.read(
                Request(f"delete {ref}", ref.kind, "DELETE", object_path(ref), _dry_run(dry_run))
            )

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str,
        timeout_seconds: int,
        field_selector: str | None = None,
    ) -> Watch:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout_seconds),
            "fieldSelector": field_selector,
        }
        silence = float(timeout_seconds + WATCH_GRACE)
        request = _listing(kind, namespace, "watch", query, (REQUEST_TIMEOUT[0], silence))
        return self._connection.watch(request)

    def fetch(self, path: str, **query: str | int) -> str | None:
        return self._connection.fetch(path, query)


def _listing(
    kind: Kind,
    namespace: str | None,
    verb: str,
    query: Mapping[str, str | None],
    timeout: tuple[float, float] = REQUEST_TIMEOUT,
) -> Request:
    where = f" of namespace {namespace}" if namespace else " of all namespaces" if kind.is_namespaced else ""
    action = f"{verb} the {kind.plural}{where}"
    return Request(action, kind, "GET", kind_path(kind, namespace), query, timeout=timeout)


def _patch(ref: ObjectRef, body: Object, media_type: str, query: Mapping[str, str]) -> Request:
    return Request(
        f"change {ref}", ref.kind, "PATCH", object_path(ref), query, body=body, media_type=media_type
    )


def _dry_run(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
