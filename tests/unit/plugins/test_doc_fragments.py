# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options that name a cluster are documented as they are: kubernetes.core has them."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.gitops.flux_local.plugins.doc_fragments.cluster import ModuleDocFragment
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC


def shape(options: dict[str, dict[str, Any]], suboptions: str) -> dict[str, Any]:
    """Of each option what documentation and argument_spec both say."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "aliases": option.get("aliases", []),
            "options": shape(option.get(suboptions) or {}, suboptions),
        }
        for name, option in options.items()
    }


def test_the_options_of_a_cluster_are_documented_as_they_are():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert shape(documented, "suboptions") == shape(AUTH_ARG_SPEC, "options")
