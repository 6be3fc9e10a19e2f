# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind program_info: on this machine the module gets no process of its own."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.modules import program_info
from ansible_collections.gitops.flux_local.plugins.plugin_utils.here import HereAction


class ActionModule(HereAction):
    """Runs the module of this name."""

    module = program_info
