# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux as somebody else installs it, by requests as ``kubectl`` makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubernetes import client

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    LOOP,
    MANAGED_BY,
    Settings,
    compose,
    kind_of,
    read_published,
)
from ansible_collections.gitops.flux_local.tests.integration.loops import Loop

CONTROLLERS = ("source-controller", "kustomize-controller")
# What each entry of the role binaries is called by the module flux_install.
MANIFESTS = {f"{name}-manifests": name for name in ("flux", *CONTROLLERS)}

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"


def send(loop: Loop, method: str, path: str, body: Any = None, media_type: str = JSON) -> Any:
    """What the API server answers; a refusal raises ApiException."""
    api = loop.api
    url = api.configuration.host + path
    response = api.call_api(method, url, {"Content-Type": media_type}, body, _request_timeout=10)
    answer = json.loads(response.read())
    if not 200 <= response.status <= 299:
        raise client.ApiException(status=response.status, reason=str(answer))
    return answer


def install_by_others(
    loop: Loop, binaries: Mapping[str, Any], namespace: str, images: Mapping[str, str]
) -> None:
    """What ``flux install`` of an older version leaves in a cluster."""
    folders = {name: binaries[entry]["manifests"] for entry, name in MANIFESTS.items()}
    settings = Settings(namespace=namespace, version="2.9.4", loop="", images=images)
    for item in compose(read_published(folders), settings):
        del item["metadata"]["labels"][MANAGED_BY], item["metadata"]["annotations"][LOOP]
        kind, metadata = kind_of(item), item["metadata"]
        root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        within = f"/namespaces/{namespace}" if kind.is_namespaced else ""
        path = f"{root}{within}/{kind.plural}/{metadata['name']}?fieldManager=flux&force=true"
        send(loop, "PATCH", path, item, APPLY)
