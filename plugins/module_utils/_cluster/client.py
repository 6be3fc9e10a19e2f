# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API on the kubernetes client.

Options and configuration are kubernetes.core's. Its public ``get_api_client`` is passed over because its
dynamic client asks for /version and the discovery documents first, while the few kinds needed here are known.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import quote

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
    origin_of,
    unloadable,
    unusable,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    Listing,
    NotFoundError,
    Watch,
    WatchEvent,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

try:
    import kubernetes.client
    import urllib3.exceptions
except ImportError:  # module.require() names what is missing
    pass

REQUEST_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes of an answer
WATCH_GRACE = 10  # seconds a watch may be silent after the end that was asked for
# What was turned away with 429 was not begun, and may come again, as with client-go. A kind whose definition
# was made a moment ago or is being deleted is answered so: "storage is (re)initializing".
ATTEMPTS = 10
SECONDS_BETWEEN_ATTEMPTS = 1.0

FLUX_GROUPS = ("source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io")


class KubernetesCluster:
    """The cluster that kubernetes.core's options (kubeconfig, context, host …) name; requests come later."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._auth = auth_of(params)
        try:
            configuration = configuration_of(self._auth)
        except unloadable() as error:
            raise LoopError(unusable(self._auth, error)) from error
        # A dead cluster is to be told at once; waiting for one to come back is up to the caller.
        configuration.retries = False
        client = kubernetes.client.ApiClient(configuration)
        set_headers(client, params)
        self._host: str = configuration.host
        self._client = client

    @property
    def server(self) -> str:
        return self._host

    @cached_property
    def origin(self) -> str:
        return origin_of(self._auth) or self._host

    def get(self, ref: ObjectRef) -> Object | None:
        try:
            return self._read(self._send(f"read {ref}", ref.kind, "GET", _path_of(ref)))
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
        listed = self._read(self._listing(kind, namespace, "list", query))
        for item in listed["items"]:
            item.setdefault("apiVersion", kind.api_version)
            item.setdefault("kind", kind.name)
        return Listing(listed["items"], listed["metadata"]["resourceVersion"])

    def create(self, kind: Kind, manifest: Object) -> Object:
        path = _path(kind, manifest.get("metadata", {}).get("namespace"))
        body = {"apiVersion": kind.api_version, "kind": kind.name, **manifest}
        return self._read(self._send(f"create a {kind.name}", kind, "POST", path, body=body))

    def kinds(self, api_version: str) -> Sequence[Kind]:
        group, _slash, version = api_version.rpartition("/")
        any_kind = Kind(group, version, "", "")
        try:
            listed = self._read(
                self._send(f"list the kinds of {api_version}", any_kind, "GET", _root(any_kind))
            )
        except ClusterError as error:
            if error.status == 404:
                return []
            raise
        return [
            Kind(group, version, each["name"], each["kind"], each["namespaced"])
            for each in listed["resources"]
            if "/" not in each["name"]
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
        options = {"force": str(force).lower(), "fieldValidation": "Strict" if is_strict else "Ignore"}
        return self._patch(ref_of(kind, manifest), manifest, "apply-patch+yaml", manager, dry_run, options)

    def would_become(self, ref: ObjectRef, item: Object, *, manager: str) -> Object:
        query = {"fieldManager": manager, **_dry_run(True)}
        return self._read(self._send(f"change {ref}", ref.kind, "PUT", _path_of(ref), query, body=item))

    def merge_patch(self, ref: ObjectRef, patch: Object, *, manager: str) -> Object:
        return self._patch(ref, patch, "merge-patch+json", manager, False, {})

    def _patch(
        self,
        ref: ObjectRef,
        body: Object,
        media_type: str,
        manager: str,
        dry_run: bool,
        options: Mapping[str, str],
    ) -> Object:
        query = {"fieldManager": manager, **_dry_run(dry_run), **options}
        response = self._send(
            f"change {ref}", ref.kind, "PATCH", _path_of(ref), query, body=body, media_type=media_type
        )
        return self._read(response)

    def delete(self, ref: ObjectRef, *, dry_run: bool = False) -> None:
        with suppress(NotFoundError):
            self._read(self._send(f"delete {ref}", ref.kind, "DELETE", _path_of(ref), _dry_run(dry_run)))

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
        response = self._listing(kind, namespace, "watch", query, (REQUEST_TIMEOUT[0], silence))
        return _ResponseWatch(response, self, kind)

    def fetch(self, path: str, **query: str | int) -> str | None:
        request = self._client.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": "*/*"},
            auth_settings=["BearerToken"],
        )
        try:
            response: Any = self._client.call_api(*request, _request_timeout=REQUEST_TIMEOUT)
            text: str = response.read().decode(errors="replace")
        except urllib3.exceptions.HTTPError as error:
            raise self.unreachable(error) from error
        if response.status == 404:
            return None
        if response.status != 200:
            said = _status(text).get("message") or response.reason
            raise ClusterError(
                f"Cannot read {path} in the cluster of {self.origin}: {said}.", response.status
            )
        return text

    def _listing(
        self,
        kind: Kind,
        namespace: str | None,
        verb: str,
        query: Mapping[str, str | None],
        timeout: tuple[float, float] = REQUEST_TIMEOUT,
    ) -> Any:
        where = (
            f" of namespace {namespace}" if namespace else " of all namespaces" if kind.is_namespaced else ""
        )
        action = f"{verb} the {kind.plural}{where}"
        return self._send(action, kind, "GET", _path(kind, namespace), query, timeout=timeout)

    def _send(
        self,
        action: str,
        kind: Kind,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        *,
        body: Object | None = None,
        media_type: str = "json",
        timeout: tuple[float, float] = REQUEST_TIMEOUT,
    ) -> Any:
        """The response, its body unread: a watch is read as it comes."""
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = f"application/{media_type}"
        request = self._client.param_serialize(
            method,
            path,
            query_params=[(name, value) for name, value in (query or {}).items() if value is not None],
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        for _again in range(ATTEMPTS - 1):
            try:
                return self._attempt(action, kind, request, timeout)
            except ClusterError as error:
                if error.status != 429:
                    raise
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        return self._attempt(action, kind, request, timeout)

    def _attempt(
        self, action: str, kind: Kind, request: tuple[Any, Any, Any, Any, Any], timeout: tuple[float, float]
    ) -> Any:
        try:
            answer: Any = self._client.call_api(*request, _request_timeout=timeout)
            if not 200 <= answer.status <= 299:
                raise self.failure(action, kind, answer.status, answer.reason, _text(answer.read()))
        except kubernetes.client.ApiException as error:
            raise self.failure(action, kind, error.status or 0, error.reason, _text(error.body)) from error
        except urllib3.exceptions.HTTPError as error:
            raise self.unreachable(error) from error
        return answer.response

    def _read(self, response: Any) -> Object:
        try:
            read: Object = json.loads(response.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise self.unreachable(error) from error
        return read

    def unreachable(self, error: Exception) -> ClusterError:
        """The error for a request that got no answer."""
        return ClusterError(
            f"The API server {self._host} of {self.origin} does not answer: {_reason(error)}."
            " Start the cluster, that of a loop with `make up` (the playbook site.yml), or name another"
            " kubeconfig."
        )

    def failure(
        self, action: str, kind: Kind, status: int, reason: str | None, body: str | None
    ) -> ClusterError:
        """The error for a request that the API server refused with HTTP ``status``."""
        told = _status(body)
        said = told.get("message")
        where = f"in the cluster of {self.origin}"
        if status == 404 and not said and kind.group in FLUX_GROUPS:
            return ClusterError(
                f"Flux is not installed {where}: it does not know {kind.plural}.{kind.group}."
                " Install it, for example with the role gitops.flux_local.flux.",
                status,
            )
        is_namespace = told.get("details", {}).get("kind") == "namespaces" and kind.plural != "namespaces"
        if status == 404 and is_namespace:
            missing = told["details"]["name"]
            return ClusterError(
                f"Cannot {action}: there is no namespace {missing} {where}: create it.", status
            )
        if status == 404:
            return NotFoundError(f"Cannot {action} {where}: {said or reason}.", status)
        if status == 0:
            flat = " ".join((reason or "").split())
            return ClusterError(
                f"There is no secure connection to {self._host} of {self.origin}: {flat}."
                " Check ca_cert and validate_certs, or the certificates in the kubeconfig.",
                status,
            )
        if status == 401:
            return ClusterError(
                f"{self._host} does not accept the credentials of {self.origin}:"
                " log in again, or renew its certificate.",
                status,
            )
        if status == 403:
            return ClusterError(f"Not allowed to {action} {where}: {said or reason}.", status)
        causes = told.get("details", {}).get("causes", [])
        return ClusterError(f"Cannot {action} {where}: {said or reason or f'HTTP {status}'}", status, causes)


class _ResponseWatch:
    """A watch that reads from an open HTTP response."""

    def __init__(self, response: Any, cluster: KubernetesCluster, kind: Kind) -> None:
        self._response = response
        self._cluster = cluster
        self._kind = kind
        self._closed = False

    def __iter__(self) -> Iterator[WatchEvent]:
        try:
            for line in _lines(self._response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    told = event["object"]
                    raise self._cluster.failure(
                        "watch", self._kind, int(told.get("code", 500)), told.get("reason"), json.dumps(told)
                    )
                yield WatchEvent(event["type"], event["object"])
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise self._cluster.unreachable(error) from error
        finally:
            self._response.close()

    def close(self) -> None:
        self._closed = True
        # The reading thread sits in a read of the socket: only shutting it down ends that.
        with suppress(OSError, ValueError, RuntimeError):
            self._response.shutdown()


def _root(kind: Kind) -> str:
    group, version = quote(kind.group, safe=""), quote(kind.version, safe="")
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def _path(kind: Kind, namespace: str | None) -> str:
    root = _root(kind)
    return (
        f"{root}/namespaces/{quote(namespace, safe='')}/{kind.plural}"
        if namespace
        else f"{root}/{kind.plural}"
    )


def _path_of(ref: ObjectRef) -> str:
    return f"{_path(ref.kind, ref.namespace)}/{quote(ref.name, safe='')}"


def _dry_run(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _text(body: bytes | str | None) -> str | None:
    return body.decode(errors="replace") if isinstance(body, bytes) else body


def _lines(response: Any) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=None, decode_content=False):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line)


def _status(body: str | None) -> Object:
    """The API's Status object in the body of a refusal; empty where it is none, as for an unknown path."""
    with suppress(ValueError):
        told = json.loads(body or "")
        if isinstance(told, dict):
            return told
    return {}


def _reason(error: Exception) -> str:
    """The last part of urllib3's message, which wraps the system's own in representations of its objects."""
    return str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__
