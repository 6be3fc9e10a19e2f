# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of a request that the API server refused or did not answer, and what to do about it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.origin import Address
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import (
    ClusterError,
    NotFoundError,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json

FLUX_GROUPS = ("source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io")


@dataclass(frozen=True)
class Refusals:
    """The errors for requests to the cluster at an address."""

    address: Address

    def unreachable(self, error: Exception) -> ClusterError:
        """The error for a request that got no answer."""
        if self.address.proxy:
            return ClusterError(
                f"The API server {self.address.host} of {self.address.origin} does not answer through the"
                f" proxy {self.address.proxy}: {_reason(error)}. Correct the proxy, or name the server's host"
                " in NO_PROXY if no proxy leads there."
            )
        return ClusterError(
            f"The API server {self.address.host} of {self.address.origin} does not answer: {_reason(error)}."
            " Start the cluster, that of a loop with `make up` (the playbook site.yml), or name another"
            " kubeconfig."
        )

    def failure(
        self, action: str, kind: Kind, status: int, reason: str | None, body: str | None
    ) -> ClusterError:
        """The error for a request that the API server refused with HTTP ``status``."""
        told = status_in(body)
        error = self._failure(action, kind, status, reason, told)
        error.said, error.reason = str(told.get("message") or error.said), str(told.get("reason") or "")
        return error

    def _failure(
        self, action: str, kind: Kind, status: int, reason: str | None, told: Object
    ) -> ClusterError:
        said = told.get("message")
        where = f"in the cluster of {self.address.origin}"
        if self.address.proxy and not told:  # the proxy's own answer, most likely
            where += f", asked through the proxy {self.address.proxy}"
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
            if "certificate has expired" in flat:
                return ClusterError(
                    f"The certificate of {self.address.host} of {self.address.origin} has ended. Those of a"
                    " loop are renewed by `make up` (the playbook site.yml); renew another cluster's there.",
                    status,
                )
            return ClusterError(
                f"There is no secure connection to {self.address.host} of {self.address.origin}: {flat}."
                " Check ca_cert and validate_certs, or the certificates in the kubeconfig.",
                status,
            )
        if status == 401:
            return ClusterError(
                f"{self.address.host} does not accept the credentials of {self.address.origin}:"
                " log in again, or renew its certificate. That of a loop is renewed by `make up` (the"
                " playbook site.yml).",
                status,
            )
        if status == 403:
            return ClusterError(f"Not allowed to {action} {where}: {said or reason}.", status)
        causes = told.get("details", {}).get("causes", [])
        return ClusterError(f"Cannot {action} {where}: {said or reason or f'HTTP {status}'}", status, causes)


def status_in(body: str | None) -> Object:
    """The API's Status object in the body of a refusal; empty where it is none, as for an unknown path."""
    with suppress(ValueError):
        told = from_json(body or "")
        if isinstance(told, dict):
            return told
    return {}


def _reason(error: Exception) -> str:
    """The last part of urllib3's message, which wraps the system's own in representations of its objects."""
    return str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__
