# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What child processes and clients get from the user's environment.

A child process gets variables by name: ``BASE``, and the groups that it has use for. Nothing else reaches it,
so that no variable can turn a program of a loop against another registry, cluster or build. (The credential
helpers of Docker and the credential plugins of a kubeconfig are the user's own programs: they get all.)

What is on this machine is reached without a proxy. Anything else is reached through the proxy that kubectl
and Flux use: HTTPS_PROXY and HTTP_PROXY, unless NO_PROXY exempts the host. They do not know ALL_PROXY.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

BASE = ("HOME", "LANG", "LANGUAGE", "LC_*", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_DIR", "SSL_CERT_FILE", "NIX_SSL_CERT_FILE"),
)
# How Git is configured and reaches others. Those that name a repository (GIT_DIR …) are not among them.
GIT = (
    *("GIT_ASKPASS", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_*", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
    *("GIT_SSH", "GIT_SSH_*", "GIT_SSL_*", "GIT_TERMINAL_PROMPT", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME"),
)
# Where Go gets modules from and keeps them. What changes a build (GOFLAGS, GOEXPERIMENT …) is not among them.
GO = (
    *("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOINSECURE", "GOAUTH"),
    *("GOVCS", "GOENV", "GOPATH", "GOMODCACHE", "GOCACHE", "GOMAXPROCS", "NETRC", "XDG_CACHE_HOME"),
)
# Where container engines are, how they are configured, and what they show to registries, for which they run
# helpers of clouds, password stores and desktops.
ENGINES = (
    *("AWS_*", "AZURE_*", "CLOUDSDK_*", "GOOGLE_*", "GNUPGHOME", "GPG_TTY", "PASSWORD_STORE_*", "DISPLAY"),
    *("DOCKER_*", "CONTAINER_*", "CONTAINERS_*", "BUILDAH_*", "PODMAN_*", "STORAGE_*", "NETAVARK_*"),
    *("KIND_EXPERIMENTAL_*", "K3D_*", "REGISTRY_AUTH_FILE", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
)

# This machine, as NO_PROXY names it.
_THIS_MACHINE = ("localhost", "127.0.0.0/8", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - nobody listens here
# kubernetes.core takes options from variables with this prefix; kubectl and Flux do not know them.
CLUSTER_PREFIX = "K8S_AUTH_"


def for_child(environment: Mapping[str, str], *groups: tuple[str, ...], **given: str) -> dict[str, str]:
    """The environment of a child process: what ``BASE`` and the ``groups`` name of it, and what is given."""
    patterns = [pattern for group in (BASE, *groups) for pattern in group]
    named = {
        name: value
        for name, value in environment.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    # Not all exempt this machine by themselves, as Go does: Git does not.
    direct = _reaching_this_machine(environment) if NETWORK in groups else {}
    return named | direct | given


def is_this_machine(host: str) -> bool:
    """Whether a host, without its port, is ``localhost``, a name below it, or an address of loopback."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@dataclass(frozen=True)
class Proxy:
    """The ``url`` of a proxy, and the variable or setting that names it."""

    url: str
    named_by: str

    def __str__(self) -> str:
        """For messages: a password stays out."""
        scheme, slashes, rest = self.url.rpartition("://")
        return f"{scheme}{slashes}{rest.rpartition('@')[2].rstrip('/')} ({self.named_by})"


def proxy_for(url: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy through which ``url`` is reached, None for none (as golang.org/x/net/http/httpproxy)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or is_this_machine(host) or _is_exempt(parts.netloc.rpartition("@")[2], host, environment):
        return None
    for name in (f"{parts.scheme.upper()}_PROXY", f"{parts.scheme.lower()}_proxy"):
        if value := environment.get(name):
            return Proxy(value if "://" in value else f"http://{value}", name)
    return None


def proxies_in(environment: Mapping[str, str]) -> set[str]:
    """All proxies that the environment names, whatever they are for."""
    names = (f"{scheme}_proxy" for scheme in ("http", "https", "all"))
    return {value for name in names for key in (name, name.upper()) if (value := environment.get(key))}


def ca_bundle_for(url_host: str, environment: Mapping[str, str]) -> str | None:
    """The file with the authorities that the environment trusts for a remote host, None for the usual ones.

    REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, as requests has it, and SSL_CERT_FILE, as Go has it.
    """
    if is_this_machine(url_host):
        return None
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((environment[name] for name in names if environment.get(name)), None)


def without_detours(environment: Mapping[str, str], *, names_cluster: bool) -> dict[str, str]:
    """The environment for a module of others, which reads it by itself: this machine is reached directly.

    Where the module's options name a kubeconfig, that says everything about its cluster, as for kubectl.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name.upper() != "ALL_PROXY" and not (names_cluster and name.startswith(CLUSTER_PREFIX))
    }
    return kept | _reaching_this_machine(environment)


def replace(environment: Mapping[str, str]) -> None:
    """Have this process, which has to be a task's own, live in another environment."""
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)


def _reaching_this_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY with this machine."""
    listed = ",".join(dict.fromkeys([*_entries(_no_proxy(environment)), *_THIS_MACHINE]))
    return {"NO_PROXY": listed, "no_proxy": listed}


def _no_proxy(environment: Mapping[str, str]) -> str:
    return environment.get("NO_PROXY") or environment.get("no_proxy") or ""


def _entries(no_proxy: str) -> Iterator[str]:
    yield from (entry for entry in map(str.strip, no_proxy.split(",")) if entry)


def _is_exempt(netloc: str, host: str, environment: Mapping[str, str]) -> bool:
    """Whether NO_PROXY has the host: its name, a domain above it, its address, or a network (CIDR)."""
    places = (netloc.lower(), host.lower())  # with and without the port
    return any(
        entry == "*"
        or any(place == entry or place.endswith(f".{entry.lstrip('.')}") for place in places)
        or _is_in_network(host, entry)
        for entry in map(str.lower, _entries(_no_proxy(environment)))
    )


def _is_in_network(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
