# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind registry_garbage_collect: on this machine the module gets no process of its own."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.plugin_utils.in_process import action_of

ActionModule = action_of(__name__)
