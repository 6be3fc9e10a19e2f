# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API as the collection needs it: a protocol, and its implementation on the kubernetes client.

Options and configuration are kubernetes.core's. Its public ``get_api_client`` is passed over because its
dynamic client asks for /version and the discovery documents first, while the few kinds needed here are known.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import (
    auth_of,
    configuration_of,
    set_headers,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)

try:
    import kubernetes.client
    import kubernetes.config
    import urllib3.exceptions
    import yaml
except ImportError:  # module.require() names what is missing
    pass

REQUEST_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes of an answer
WATCH_GRACE = 10  # seconds a watch may be silent after the end that was asked for
# What was turned away with 429 was not begun, and may come again, as with client-go. A kind whose definition
# was made a moment ago or is being deleted is answered so: "storage is (re)initializing".
ATTEMPTS = 10
SECONDS_BETWEEN_ATTEMPTS = 1.0

FLUX_GROUPS = ("source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io")


class ClusterError(LoopError):
    """A request that failed.

    ``status`` is the HTTP status, None where no answer came; ``causes`` are those of the API's Status, each
    with a message and, mostly, a field.
    """

    def __init__(self, message: str, status: int | None = None, causes: Sequence[Object] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.causes = causes

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status is None or self.status in (410, 429) or self.status >= 500


@dataclass(frozen=True)
class Listing:
    """Objects of one kind, and the resourceVersion from which a watch continues."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True)
class WatchEvent:
    """One event of a watch: type is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    item: Object


class Watch(Protocol):
    """The events of one watch. Iterating ends when the server ends it or when another thread closes it."""

    def __iter__(self) -> Iterator[WatchEvent]: ...

    def close(self) -> None: ...


class Cluster(Protocol):
    """What the collection asks of a cluster. Everything raises ClusterError."""

    @property
    def origin(self) -> str:
        """Which cluster this is: ``path of the kubeconfig#context``, or the host."""

    @property
    def server(self) -> str:
        """The address of its API server."""

    def get(self, ref: ObjectRef) -> Object | None:
        """The object, None where it does not exist."""

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        field_selector: str | None = None,
        label_selector: str | None = None,
        limit: int | None = None,
    ) -> Listing:
        """The objects of a kind, of all namespaces without ``namespace``; at most ``limit`` of them."""

    def create(self, kind: Kind, manifest: Object) -> Object:
        """The object after its creation; a review comes back with its answer."""

    def kinds(self, api_version: str) -> Sequence[Kind]:
        """The kinds of a version of the API; none where the cluster does not serve it."""

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
        """The object after a server-side apply; unless ``is_strict`` unknown fields are dropped."""

    def would_become(self, ref: ObjectRef, item: Object, *, manager: str) -> Object:
        """The object as it would be after a replacement by ``item``, which is not done."""

    def merge_patch(self, ref: ObjectRef, patch: Object, *, manager: str) -> Object:
        """The object after a JSON merge patch."""

    def delete(self, ref: ObjectRef, *, dry_run: bool = False) -> None:
        """Ask for the deletion of an object; one that does not exist is fine."""

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str,
        timeout_seconds: int,
        field_selector: str | None = None,
    ) -> Watch:
        """What happens to the objects of a kind after ``resource_version``."""

    def fetch(self, path: str, **query: str | int) -> str | None:
        """What the API has at ``path``, as text; None where there is nothing."""


class KubernetesCluster:
    """The cluster that kubernetes.core's options (kubeconfig, context, host …) name; requests come later."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._auth = auth_of(params)
        try:
            configuration = configuration_of(self._auth)
        except _unloadable() as error:
            raise LoopError(_unusable(self._auth, error)) from error
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
        return _origin(self._auth) or self._host

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


class NotFoundError(ClusterError):
    """The object does not exist, though its kind does."""


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


def _kubeconfig_path(auth: Mapping[str, Any]) -> str:
    path: str = auth.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return os.path.expanduser(path)


def _is_in_cluster(auth: Mapping[str, Any]) -> bool:
    explicit = auth.get("kubeconfig") or auth.get("context")
    return not explicit and "KUBERNETES_SERVICE_HOST" in os.environ


def _unloadable() -> tuple[type[Exception], ...]:
    """What the kubernetes client raises for a kubeconfig that it cannot load."""
    return (kubernetes.config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError)


def _contexts(path: str) -> tuple[list[str], str | None]:
    """The names of a kubeconfig's contexts and of its current one; none where it cannot be read."""
    try:
        list_contexts: Any = kubernetes.config.list_kube_config_contexts
        listed = list_contexts(path)
    except _unloadable():
        return [], None
    return sorted(entry["name"] for entry in listed[0]), listed[1]["name"]


def _origin(auth: Mapping[str, Any]) -> str | None:
    """What the kubeconfig and context are called, None where a host was given instead."""
    has_credentials = auth.get("api_key") or auth.get("cert_file") or auth.get("username")
    if auth.get("host") and (has_credentials or not auth.get("kubeconfig")):
        return None
    if _is_in_cluster(auth):
        return "the service account of this Pod"
    if isinstance(auth.get("kubeconfig"), dict):
        context = auth.get("context") or auth["kubeconfig"].get("current-context")
        return f"the kubeconfig given as a dictionary#{context}"
    path = _kubeconfig_path(auth)
    context = auth.get("context")
    if not context:
        context = _contexts(path)[1]
    return f"{path}#{context}"


def _unusable(auth: Mapping[str, Any], error: Exception) -> str:
    """The sentence for a configuration that cannot be loaded."""
    if isinstance(auth.get("kubeconfig"), dict):
        return f"The kubeconfig given as a dictionary cannot be used: {error}."
    path = _kubeconfig_path(auth)
    paths = path.split(os.pathsep)
    if not any(os.path.exists(one) for one in paths):
        return (
            f"There is no kubeconfig {path}: give the path of an existing one with kubeconfig, or the address"
            " of an API server with host."
        )
    if auth.get("context") and isinstance(error, kubernetes.config.ConfigException):
        known = _contexts(path)[0]
        if known and auth["context"] not in known:
            return f"context is {auth['context']!r}, but the kubeconfig {path} has only: {', '.join(known)}."
    return f"The kubeconfig {path} cannot be used: {' '.join(str(error).split())}"


def allow_kubeconfig(module: AnsibleModule) -> None:
    """Let messages name the kubeconfig's path.

    kubernetes.core declares kubeconfig as no_log because it may be a dictionary with keys and tokens. A path
    is no secret, and an error that may not name it is of no use.
    """
    if isinstance(module.params.get("kubeconfig"), str):
        module.no_log_values.discard(module.params["kubeconfig"])


def on_cluster(module: AnsibleModule, call: Callable[[Cluster], dict[str, Any]]) -> dict[str, Any]:
    """What ``call`` returns for the cluster that the module's options name; from -v on, with its origin."""
    allow_kubeconfig(module)
    cluster = KubernetesCluster(module.params)
    result = call(cluster)
    if module._verbosity >= 1:  # noqa: SLF001 - AnsibleModule has no public name for it
        result["kubeconfig_used"] = cluster.origin
    return result
