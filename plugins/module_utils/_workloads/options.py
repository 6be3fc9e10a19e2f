# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of what brings workloads about, whether once or after every save."""

from __future__ import annotations

from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS

# The options of a registry, with its address for this machine and for Flux in place of a url.
REGISTRY: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "cluster": {"type": "str"},
    **{name: spec for name, spec in ARGUMENTS.items() if name != "url"},
}

WORKLOADS: dict[str, Any] = {
    "workloads": {"type": "list", "elements": "raw", "required": True},
    "namespace": {"type": "str", "default": "flux-system"},
    "registry": {"type": "dict", "required": True, "options": REGISTRY},
    "flux": {"type": "path", "required": True},
    "base_dir": {"type": "path"},
    "source": {"type": "str"},
    "revision": {"type": "str"},
    "compare": {"type": "str", "choices": ["content", "exact"], "default": "content"},
    "timeout": {"type": "int", "default": 300},
    "on_failure": {"type": "str", "choices": ["stop", "rollback"], "default": "stop"},
}
