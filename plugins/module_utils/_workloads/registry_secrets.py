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


def apply_secret(cluster: Cluster, secret: Secret, namespace: str, *, check_mode: bool) -> str:
    """Have the Secret in the namespace; what of it was different, without any value, or nothing.

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
        return ""
    cluster.apply(SECRET, secret.manifest(namespace), manager=MANAGER, dry_run=check_mode, force=True)
    return "content differs" if live is not None else "created"


def remove_unused_secret(
    cluster: Cluster, secret: Secret, namespace: str, removed: set[ObjectRef], *, check_mode: bool
) -> bool:
    """Delete the Secret if no source but those that are ``removed`` names it; whether that was so."""
    live = cluster.get(secret.ref(namespace))
    if live is None or not _is_ours(live):
        return False
    for source in cluster.list(OCI_REPOSITORY, namespace).items:
        named = [source["spec"].get(key, {}).get("name") for key in ("secretRef", "certSecretRef")]
        is_removed = ObjectRef(OCI_REPOSITORY, namespace, source["metadata"]["name"]) in removed
        if secret.name in named and not is_removed:
            return False
    cluster.delete(secret.ref(namespace), dry_run=check_mode)
    return True


def _is_ours(live: Object) -> bool:
    return bool((live["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER)
