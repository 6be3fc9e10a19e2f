# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which kind of repository a module's options name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils.artifact_manifest import parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils.registry import (
    Connection,
    OrasRepository,
    Repository,
)


def open_repository(params: Mapping[str, Any]) -> Repository:
    """The repository of the option ``url``, reached as the other options say. Raises LoopError."""
    return OrasRepository(parse_url(params["url"]), Connection.from_params(params))
