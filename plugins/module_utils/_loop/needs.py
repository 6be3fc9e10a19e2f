# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a role needs of others when it begins: told before it changes anything, with how to give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]

# What binaries_paths has to say of each program, by what it is needed for.
_RUN = ("program",)
_RUN_WITH_MANIFESTS = ("program", "version", "manifests")
_INSTALL = ("version", "manifests")
PROGRAMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cluster_provider=embedded": {
        "etcd": _RUN,
        "kube-apiserver": _RUN,
        "kube-controller-manager": _RUN,
        "kube-scheduler": _RUN,
        "kwok": ("program", "manifests"),
    },
    "flux_mode=processes": {
        "source-controller": _RUN_WITH_MANIFESTS,
        "kustomize-controller": _RUN_WITH_MANIFESTS,
    },
    "flux_mode=deployments": {
        "flux-manifests": _INSTALL,
        "source-controller-manifests": _INSTALL,
        "kustomize-controller-manifests": _INSTALL,
    },
}
# What Flux beside a cluster is made known to it with.
_IDENTITY = ("server", "ca_cert", "identities", "kubeconfig", "context")


def missing(role: str, values: Values) -> list[str]:
    """A sentence, without its full stop, for each input of a role that is not there.

    ``values`` are the role's options as they are when it begins to bring something about.
    """
    return list(_OF_ROLE.get(role, _nothing)(values))


def no_registry_program(engine: str, program: str) -> str:
    """Why a registry cannot be run so; nothing where it can, or where no program is needed."""
    if engine != "process" or program:
        return ""
    return (
        "registry_program is missing, the program that a registry is run with. Run the role binaries "
        "first, name the program with this option, or use registry_engine=docker, podman or existing."
    )


def no_registry_address(engine: str, address: str) -> str:
    """Why a registry that exists cannot be used; nothing where it can."""
    if engine != "existing" or address:
        return ""
    return (
        "registry_address is missing, which registry_engine=existing needs. Give it as host[:port][/prefix]."
    )


def _nothing(_values: Values) -> Iterator[str]:
    return iter(())


def _of_cluster(values: Values) -> Iterator[str]:
    yield from _programs("cluster_binaries", f"cluster_provider={values.get('cluster_provider')}", values)


def _of_flux(values: Values) -> Iterator[str]:
    mode = values.get("flux_mode")
    yield from _programs("flux_binaries", f"flux_mode={mode}", values)
    yield from _connection("flux_connection", values, _IDENTITY if mode == "processes" else ())


def _of_workloads(values: Values) -> Iterator[str]:
    if not _entry(values, "workloads_registry").get("host"):
        yield (
            "workloads_registry is missing, the registry to push to. Run the role registry first, or give "
            "workloads_registry with its host"
        )
    yield from _connection("workloads_connection", values, ())
    if not values.get("workloads_flux"):
        yield (
            "workloads_flux is missing, the program with which folders are rendered. Run the role binaries "
            "first, or name the program with this option"
        )


_OF_ROLE: Mapping[str, Callable[[Values], Iterator[str]]] = {
    "cluster": _of_cluster,
    "flux": _of_flux,
    "workloads": _of_workloads,
}


def _programs(option: str, purpose: str, values: Values) -> Iterator[str]:
    known = _entry(values, option)
    lacking = [
        name
        for name, parts in PROGRAMS.get(purpose, {}).items()
        if not isinstance(known.get(name), Mapping) or not all(known[name].get(part) for part in parts)
    ]
    if lacking:
        yield (
            f"{option} has no {', '.join(lacking)}, which {purpose} needs. Run the role binaries first, "
            f"or give {option} as that role describes binaries_paths"
        )


def _connection(option: str, values: Values, parts: tuple[str, ...]) -> Iterator[str]:
    known = _entry(values, option)
    if not known:
        yield (
            f"{option} is missing, the cluster to work on. Run the role cluster first, or give {option} with "
            "kubeconfig and context; empty ones mean your default ones"
        )
        return
    lacking = [part for part in parts if not known.get(part)]
    if lacking:
        yield (
            f"{option} has no {', '.join(lacking)}, which Flux beside a cluster needs. Take the fact "
            "cluster_connection of the role cluster, or use flux_mode=deployments"
        )


def _entry(values: Values, option: str) -> Mapping[str, Any]:
    value = values.get(option)
    return value if isinstance(value, Mapping) else {}
