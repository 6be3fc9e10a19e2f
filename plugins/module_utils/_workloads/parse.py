# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked for: the one place that knows the options of the task as they come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS, Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.listed import chosen, path_of
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.order import in_order
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.registry_secrets import (
    Secret,
    secrets_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import (
    Endpoint,
    Workload,
    read_workloads,
)

# The options of a registry, with its address for this machine and for Flux in place of a url.
REGISTRY: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "cluster": {"type": "str"},
    **{name: spec for name, spec in ARGUMENTS.items() if name != "url"},
}


@dataclass(frozen=True)
class RegistryAccess:
    """A registry, how this machine logs in to it, and the Secrets by which Flux does so."""

    endpoint: Endpoint
    connection: Connection
    secrets: tuple[Secret, ...] = ()

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RegistryAccess:
        """What the option ``registry`` says. Raises LoopError where that cannot work."""
        connection = Connection.from_params(params)
        endpoint = endpoint_of(params)
        secrets = tuple(secrets_of(endpoint.cluster, connection))
        named = {secret.reference: secret.name for secret in secrets}
        return cls(replace(endpoint, secrets=named), connection, secrets)


@dataclass(frozen=True)
class Asked:
    """What one run is asked for: workloads in the order of their dependencies, and how to bring them about.

    ``timeout`` in seconds. ``source`` and ``revision`` are asked of git where they are None.
    """

    workloads: tuple[Workload, ...]
    registry: RegistryAccess
    base_dir: str
    source: str | None
    revision: str | None
    compare: str
    timeout: float
    on_failure: str
    unknown_fields: str

    def path_of(self, workload: Workload) -> str:
        """The folder or file that a workload is made of."""
        return path_of(workload, self.base_dir)


def parse(params: Mapping[str, Any]) -> Asked:
    """What the task's ``params`` ask for. Raises LoopError naming the option and its value."""
    registry = RegistryAccess.from_params(params["registry"])
    listed = in_order(read_workloads(params["workloads"], registry.endpoint, params["namespace"]))
    workloads = chosen(listed, params["only"])
    return Asked(
        workloads=tuple(workloads),
        registry=registry,
        base_dir=params["base_dir"] or "",
        source=params["source"],
        revision=params["revision"],
        compare=params["compare"],
        timeout=params["timeout"],
        on_failure=params["on_failure"],
        unknown_fields=params["unknown_fields"],
    )


def endpoint_of(registry: Mapping[str, Any]) -> Endpoint:
    """Where a registry is, of the option ``registry``."""
    return Endpoint(registry["host"], registry["cluster"] or registry["host"], registry["insecure"])
