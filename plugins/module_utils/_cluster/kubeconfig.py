# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which cluster a context of a kubeconfig means, and whether it looks like one of this machine."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    CLUSTER_PREFIX,
    proxy_for,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

with suppress(ImportError):  # module.require() names what is missing
    import yaml

DEFAULT = "~/.kube/config"
# Of kubernetes.core's variables, those that name what is in a kubeconfig.
NAMING = (f"{CLUSTER_PREFIX}KUBECONFIG", f"{CLUSTER_PREFIX}CONTEXT")

# What programs that make local clusters call their contexts.
_LOCAL_CONTEXT = re.compile(
    r"(kind|k3d)-.+|minikube|docker-desktop|rancher-desktop|colima(-.+)?|orbstack|microk8s"
)
# Names of loopback, of Docker Desktop's and Podman's machine, and of containers that kind and k3d make.
_LOCAL_HOST = re.compile(
    r"localhost|.+\.localhost|(kubernetes|host)\.docker\.internal|host\.containers\.internal"
    r"|[a-z0-9-]+-(control-plane\d*|external-load-balancer)|k3d-[a-z0-9-]+"
)


@dataclass(frozen=True)
class Context:
    """A context of a kubeconfig, and the API server that it means; ``kubeconfig`` has absolute paths."""

    kubeconfig: str
    name: str
    contexts: Sequence[str]
    server: str


def read_context(kubeconfig: str, context: str, environment: Mapping[str, str]) -> Context:
    """The context of that name, or the current one.

    ``kubeconfig`` can be a list of paths, as in the variable KUBECONFIG. Where it is empty, the environment
    says which one: it is found here, once, and named from then on. Raises LoopError that names what there is
    instead.
    """
    paths, context = (kubeconfig, context) if kubeconfig else _named_by(environment, context)
    merged = _merged(paths)
    contexts = {entry["name"]: entry.get("context") or {} for entry in merged["contexts"]}
    name = context or merged["current-context"]
    there = f"it has {', '.join(sorted(contexts))}" if contexts else "it has none"
    if not name:
        raise LoopError(f"context: the kubeconfig {paths} says no current context, and {there}. Name one.")
    if name not in contexts:
        raise LoopError(f"context: the kubeconfig {paths} has no context {name}: {there}. Name one of these.")
    clusters = {entry["name"]: entry.get("cluster") or {} for entry in merged["clusters"]}
    server = (clusters.get(contexts[name].get("cluster", "")) or {}).get("server", "")
    if not server:
        raise LoopError(
            f"context: the kubeconfig {paths} names no server for the cluster of its context {name}."
            " Correct it, or name another context."
        )
    return Context(os.pathsep.join(_files(paths)), name, sorted(contexts), server)


def _named_by(environment: Mapping[str, str], context: str) -> tuple[str, str]:
    """The kubeconfig and context that the environment names. Raises LoopError where it says more."""
    given = sorted(name for name, value in environment.items() if name.startswith(CLUSTER_PREFIX) and value)
    if more := [name for name in given if name not in NAMING]:
        raise LoopError(
            f"kubeconfig: the environment has {', '.join(more)}, and later runs would not find a cluster that"
            f" no kubeconfig describes. Unset {'it' if len(more) == 1 else 'them'}, or name a kubeconfig with"
            " this option: then it alone counts."
        )
    by_core, core_context = (environment.get(name, "") for name in NAMING)
    return by_core or environment.get("KUBECONFIG") or DEFAULT, context or core_context


def _files(paths: str) -> list[str]:
    """The same for every run, wherever it starts."""
    return [os.path.abspath(os.path.expanduser(path)) for path in paths.split(os.pathsep) if path]


def _merged(paths: str) -> dict[str, Any]:
    """What kubectl sees of several files: of two entries with one name, and of current-context, the first."""
    merged: dict[str, Any] = {"contexts": [], "clusters": [], "current-context": ""}
    found = [path for path in _files(paths) if os.path.exists(path)]
    if not found:
        raise LoopError(f"kubeconfig: there is no file {paths}. Name the kubeconfig of an existing cluster.")
    for path in found:
        read = _read(path)
        for part in ("contexts", "clusters"):
            known = {entry["name"] for entry in merged[part]}
            merged[part] += [
                entry
                for entry in read.get(part) or []
                if isinstance(entry, dict) and entry.get("name") and entry["name"] not in known
            ]
        merged["current-context"] = merged["current-context"] or read.get("current-context") or ""
    return merged


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            read = yaml.safe_load(stream)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        # The content is not shown: it may be a key.
        reason = error.strerror if isinstance(error, OSError) else "it is no YAML"
        raise LoopError(
            f"kubeconfig: {path} cannot be read: {reason}. Correct it, or name another."
        ) from error
    if not isinstance(read, dict):
        raise LoopError(f"kubeconfig: {path} is no kubeconfig. Name another.")
    return read


def looks_local(server: str, context: str, is_own_address: Callable[[str], bool]) -> bool:
    """Whether the API server at the URL ``server`` looks like one of this machine.

    The address decides: loopback, an address of this machine, or a name that containers of kind and k3d or
    Docker Desktop have. In a private network, as those of container engines and virtual machines are, and for
    a name without a domain, the name of the context has to be that of a local cluster, too.
    """
    host = _host_of(server).rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_plain = "." not in host and host != ""
        return bool(_LOCAL_HOST.fullmatch(host)) or (is_plain and bool(_LOCAL_CONTEXT.fullmatch(context)))
    if address.is_loopback or address.is_unspecified or is_own_address(host):
        return True
    return address.is_private and bool(_LOCAL_CONTEXT.fullmatch(context))


def _host_of(server: str) -> str:
    """The host in a URL or an address; none where it is not valid, as with half of the brackets of IPv6."""
    try:
        return urlsplit(server if "//" in server else f"//{server}").hostname or ""
    except ValueError:
        return ""


def is_own_address(address: str) -> bool:
    """Whether ``address`` is that of a network interface of this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def run(
    params: Mapping[str, Any], *, environment: Mapping[str, str], owns: Callable[[str], bool]
) -> dict[str, Any]:
    """The return values of the module kubeconfig_info. Raises LoopError."""
    found = read_context(params["kubeconfig"] or "", params["context"] or "", environment)
    return {
        "changed": False,
        "kubeconfig": found.kubeconfig,
        "context": found.name,
        "contexts": list(found.contexts),
        "server": found.server,
        "proxy": str(proxy_for(found.server, environment) or ""),
        "looks_local": looks_local(found.server, found.name, owns),
    }
