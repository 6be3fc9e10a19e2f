# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The Secrets by which Flux logs in to a registry and trusts it, as this machine does.

Their content leaves this module only for the cluster: it is in no message, diff or return value.
https://fluxcd.io/flux/components/source/ocirepositories/#secret-reference
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection

SECRET = Kind("", "v1", "secrets", "Secret")
MANAGER = "gitops.flux_local"
MANAGED_BY = "app.kubernetes.io/managed-by"

# Under which name Docker's configuration has the login to Docker Hub.
_LOGIN_NAMES = {"docker.io": "https://index.docker.io/v1/", "index.docker.io": "https://index.docker.io/v1/"}


@dataclass(frozen=True)
class Secret:
    """A Secret to be: what of an OCIRepository names it (``reference``), and what it holds."""

    reference: str
    name: str
    type: str
    data: Mapping[str, bytes] = field(repr=False)

    def ref(self, namespace: str) -> ObjectRef:
        return ObjectRef(SECRET, namespace, self.name)

    def encoded(self) -> dict[str, str]:
        return {key: b64encode(value).decode() for key, value in self.data.items()}

    def manifest(self, namespace: str) -> Object:
        return {
            "apiVersion": SECRET.api_version,
            "kind": SECRET.name,
            "metadata": {"name": self.name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}},
            "type": self.type,
            "data": self.encoded(),
        }


def secrets_of(registry: str, connection: Connection) -> list[Secret]:
    """The Secrets that Flux needs for a registry (``host[:port][/prefix]`` as Flux reaches it), maybe none.

    Raises LoopError for a certificate or key that cannot be read.
    """
    host = registry.partition("/")[0]
    called = f"registry-{re.sub(r'[^a-z0-9]+', '-', host.lower()).strip('-')}"
    secrets = []
    if connection.username is not None:
        login = f"{connection.username}:{connection.password}".encode()
        known = {
            "username": connection.username,
            "password": connection.password,
            "auth": b64encode(login).decode(),
        }
        content = json.dumps({"auths": {_LOGIN_NAMES.get(host, host): known}}).encode()
        kind = "kubernetes.io/dockerconfigjson"
        secrets.append(Secret("secret_ref", f"{called}-login", kind, {".dockerconfigjson": content}))
    files = {
        "ca.crt": ("ca_cert", connection.ca_cert),
        "tls.crt": ("client_cert", connection.client_cert),
        # A key can be in the file of its certificate.
        "tls.key": ("client_key", connection.client_key or connection.client_cert),
    }
    read = {key: _content(option, path) for key, (option, path) in files.items() if path}
    if read:
        secrets.append(Secret("cert_secret_ref", f"{called}-tls", "Opaque", read))
    return secrets


def _content(option: str, path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise LoopError(f"{option}: {path} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True)
class SecretPlan:
    """A Secret that is to be in a namespace; ``why`` is what is different, empty where it is as wanted."""

    secret: Secret
    namespace: str
    why: str


def plan_secret(cluster: Cluster, secret: Secret, namespace: str) -> SecretPlan:
    """What it takes to have the Secret in the namespace: one read, and a dry run where it is not as wanted.

    Raises LoopError when there is one of that name that is not this collection's.
    """
    ref = secret.ref(namespace)
    live = cluster.get(ref)
    if live is not None and not _is_ours(live):
        raise LoopError(
            f"{ref} is there already and was not made by {MANAGER}. Remove it, or name your own Secret"
            f" in the workload's {secret.reference}."
        )
    if live is not None and live.get("data") == secret.encoded() and live.get("type") == secret.type:
        return SecretPlan(secret, namespace, "")
    plan = SecretPlan(secret, namespace, "content differs" if live is not None else "created")
    _apply(cluster, plan, dry_run=True)
    return plan


def carry_out(cluster: Cluster, plan: SecretPlan) -> None:
    """Have the Secret as planned."""
    if plan.why:
        _apply(cluster, plan, dry_run=False)


def _apply(cluster: Cluster, plan: SecretPlan, *, dry_run: bool) -> None:
    item = plan.secret.manifest(plan.namespace)
    cluster.apply(SECRET, item, manager=MANAGER, dry_run=dry_run, force=True)


def unused_secret(
    cluster: Cluster, secret: Secret, namespace: str, sources: Mapping[ObjectRef, Object | None]
) -> ObjectRef | None:
    """The Secret in the namespace, if it is ours and no source names it: then a dry run has deleted it.

    ``sources`` are those that a run changes, as they will be; None for one that is removed.
    """
    ref = secret.ref(namespace)
    live = cluster.get(ref)
    if live is None or not _is_ours(live):
        return None
    there = {ref_of(OCI_REPOSITORY, item): item for item in cluster.list(OCI_REPOSITORY, namespace).items}
    if any(item and secret.name in _named_by(item) for item in ({**there, **sources}).values()):
        return None
    cluster.delete(ref, dry_run=True)
    return ref


def _named_by(source: Object) -> list[str]:
    spec = source["spec"]
    return [spec[key]["name"] for key in ("secretRef", "certSecretRef") if spec.get(key)]


def _is_ours(live: Object) -> bool:
    return bool((live["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER)
