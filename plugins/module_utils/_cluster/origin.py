# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which cluster the options name, in words, and why a kubeconfig cannot be used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    Proxy,
    proxies_in,
    proxy_for,
)

try:
    import kubernetes.config
    import yaml
except ImportError:  # module.require() names what is missing
    pass

_ANEW = "That of a loop is written anew by `make up` (the playbook site.yml)."


def _kubeconfig_path(auth: Mapping[str, Any]) -> str:
    path: str = auth.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return os.path.expanduser(path)


def _is_in_cluster(auth: Mapping[str, Any]) -> bool:
    explicit = auth.get("kubeconfig") or auth.get("context")
    return not explicit and "KUBERNETES_SERVICE_HOST" in os.environ


def unloadable() -> tuple[type[Exception], ...]:
    """What the kubernetes client raises for a kubeconfig that it cannot load."""
    damaged = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
    return (kubernetes.config.ConfigException, yaml.YAMLError, OSError, *damaged)


def _contexts(path: str) -> tuple[list[str], str | None]:
    """The names of a kubeconfig's contexts and of its current one; none where it cannot be read."""
    try:
        list_contexts: Any = kubernetes.config.list_kube_config_contexts
        listed = list_contexts(path)
    except unloadable():
        return [], None
    return sorted(entry["name"] for entry in listed[0]), listed[1]["name"]


def _origin(auth: Mapping[str, Any]) -> str | None:
    """What the kubeconfig and context are called, None where a host was given instead."""
    has_credentials = auth.get("api_key") or auth.get("cert_file") or auth.get("username")
    if auth.get("host") and (has_credentials or not auth.get("kubeconfig")):
        return None
    if _is_in_cluster(auth):
        return "the service account of this Pod"
    if isinstance(auth.get("kubeconfig"), dict):
        context = auth.get("context") or auth["kubeconfig"].get("current-context")
        return f"the kubeconfig given as a dictionary#{context}"
    path = _kubeconfig_path(auth)
    context = auth.get("context")
    if not context:
        context = _contexts(path)[1]
    return f"{path}#{context}"


def unusable(auth: Mapping[str, Any], error: Exception) -> str:
    """The sentence for a configuration that cannot be loaded."""
    if isinstance(auth.get("kubeconfig"), dict):
        return f"The kubeconfig given as a dictionary cannot be used: {error}."
    path = _kubeconfig_path(auth)
    paths = path.split(os.pathsep)
    if not any(map(os.path.exists, paths)):
        return (
            f"There is no kubeconfig {path}: give the path of an existing one with kubeconfig, or the address"
            f" of an API server with host. {_ANEW}"
        )
    if auth.get("context") and isinstance(error, kubernetes.config.ConfigException):
        known = _contexts(path)[0]
        if known and auth["context"] not in known:
            return f"context is {auth['context']!r}, but the kubeconfig {path} has only: {', '.join(known)}."
    said = " ".join(str(error).split()).rstrip(".")
    return f"The kubeconfig {path} cannot be used: {said}. Mend it, or name another one. {_ANEW}"


def proxy_to(
    host: str, auth: Mapping[str, Any], configured: str | None, environment: Mapping[str, str]
) -> Proxy | None:
    """The proxy to the API server ``host``: that of the options, of the kubeconfig, or of the environment.

    ``configured`` is what the kubernetes client has made of these. It takes a proxy of the environment also
    where kubectl would not: for a server of this machine, and out of ALL_PROXY.
    """
    if auth.get("proxy"):
        return Proxy(str(auth["proxy"]), "the option proxy")
    if configured and configured not in proxies_in(environment):
        return Proxy(configured, "proxy-url of the kubeconfig")
    return proxy_for(host, environment)


@dataclass(frozen=True)
class Address:
    """Where a cluster is: what the options say of it, the URL of its API server, and the way there."""

    auth: Mapping[str, Any]
    host: str
    proxy: Proxy | None = None

    @cached_property
    def origin(self) -> str:
        """Which cluster this is: ``path of the kubeconfig#context``, or the host."""
        return _origin(self.auth) or self.host
