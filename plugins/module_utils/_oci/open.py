# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The repository a module's options name: of a registry, or an OCI image layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    LAYOUT_SCHEME,
    parse_url,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository


def open_repository(params: Mapping[str, Any]) -> Repository:
    """What the option ``url`` names, reached as the other options of registries say. Raises LoopError."""
    url = str(params["url"])
    connection = Connection.from_params(params)
    if not url.startswith(LAYOUT_SCHEME):
        return RegistryRepository(parse_url(url), connection)
    path = url.removeprefix(LAYOUT_SCHEME)
    if not path:
        raise LoopError(f"url: {url!r} names no folder. Write {LAYOUT_SCHEME}/folder/of/the/layout.", url=url)
    return LayoutRepository(path)
