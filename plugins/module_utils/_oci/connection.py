# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How a registry is reached: the options all modules share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference

# The options of the documentation fragment `registry`.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "insecure": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10},
}


@dataclass(frozen=True)
class Connection:
    """How a registry is reached: the options all modules share. ``timeout`` in seconds."""

    insecure: bool = False
    validate_certs: bool = True
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Connection:
        """The registry options among a module's ``params``. Raises LoopError where they cannot work."""
        known = cls(
            **{name: params[name] for name in cls.__dataclass_fields__ if params.get(name) is not None}
        )
        for option in ("ca_cert", "client_cert", "client_key"):
            path = getattr(known, option)
            if path and not os.path.isfile(path):
                raise LoopError(f"{option}: {path} is no file. Name an existing PEM file.")
        if (known.username is None) != (known.password is None):
            missing = "username" if known.username is None else "password"
            raise LoopError(f"{missing} is missing. Set both `username` and `password`, or none of them.")
        if known.timeout <= 0:
            raise LoopError(
                f"timeout: {known.timeout:g} is no time to wait. Set a number of seconds above 0."
            )
        return known


def schemes_to_try(reference: Reference, connection: Connection) -> tuple[str, ...]:
    """What a registry may speak, in the order in which it is tried."""
    if connection.ca_cert or connection.client_cert:
        return ("https",)
    if reference.is_loopback:
        return ("http", "https")
    return ("https", "http") if connection.insecure else ("https",)
