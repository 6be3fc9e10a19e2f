# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the collection uses of kubernetes.core: its options, and their meaning. No other file imports from it.

How kubernetes.core makes a client of its options is private there: a release may take it away. A unit test
(tests/unit/plugins/plugin_utils/test_private_parts.py) then says which name it was, and what needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import (
    AUTH_ARG_MAP as _AUTH_ARG_MAP,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import (
    AUTH_ARG_SPEC as _AUTH_ARG_SPEC,
)
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import (
    _create_auth_spec,
    _create_configuration,
    _create_headers,
    _set_header,
)

# The options that name a cluster: kubeconfig, context, host … as every module of kubernetes.core has them.
AUTH_ARG_SPEC: dict[str, Any] = _AUTH_ARG_SPEC


def auth_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say of a cluster.

    A kubeconfig that is named says the rest, as for kubectl. Without one, an option that is not given is
    taken from its K8S_AUTH_ variable.
    """
    if params.get("kubeconfig"):
        given = {name: params.get(option) for name, option in _AUTH_ARG_MAP.items()}
        return {name: value for name, value in given.items() if value is not None}
    auth: dict[str, Any] = _create_auth_spec(**params)
    return auth


def configuration_of(auth: Mapping[str, Any]) -> Any:
    """The kubernetes client's Configuration for what ``auth_of`` returned.

    Raises what the client raises for a kubeconfig that it cannot load.
    """
    return _create_configuration(dict(auth))


def set_headers(client: Any, params: Mapping[str, Any]) -> None:
    """Have the ApiClient send the headers that the options ask for (impersonation); likewise."""
    asked = dict(params)
    if params.get("kubeconfig"):
        # What is given, also as nothing, is not looked for in the environment.
        asked |= {option: params.get(option) or [] for option in ("impersonate_user", "impersonate_groups")}
    for header, value in _create_headers(**asked).items():
        _set_header(client, header, value)
