# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind flux_install: on this machine the module gets no process of its own."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.modules import flux_install
from ansible_collections.gitops.flux_local.plugins.plugin_utils.here import HereAction


class ActionModule(HereAction):
    """Runs the module of this name."""

    module = flux_install
