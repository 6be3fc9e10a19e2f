# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which provider a loop has or may have, by what is asked for, what was kept and what the registry is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.provider import Asked, look
from ansible_collections.gitops.flux_local.tests.unit.plugins.module_utils._loop.engine.recorded import (
    RecordedMachine,
)

STORAGE, CONTAINER = "/state/registry/storage", "/state/registry.json"
INSIDE = ["flux", "flux-manifests", "source-controller-manifests", "kustomize-controller-manifests"]


def looked(files=(), **given: Any):
    asked: dict[str, Any] = {"name": "shop", "state_dir": "/state", "provider": "auto", **given}
    return look(Asked(**asked), RecordedMachine({}, dict.fromkeys(files, ""), {"PATH": "/usr/bin:/bin"}))


def kept(provider, engine=""):
    return {"provider": provider, "engine": engine}


@pytest.mark.parametrize(
    ("given", "files", "expected"),
    [
        # nothing is there yet
        ({}, [], ("auto", False, "embedded")),
        ({"provider": "kind"}, [], ("kind", False, "kind")),
        # a loop keeps what it has
        ({"kept": kept("kind", "docker")}, [], ("kind", True, "kind")),
        ({"kept": kept("kind", "docker"), "provider": "kind"}, [], ("kind", True, "kind")),
        ({"kept": kept("kind", "docker"), "provider": "embedded"}, [], ("embedded", False, "kind")),
        # content of a process keeps it from nodes in containers
        ({}, [STORAGE], ("embedded", False, "embedded")),
        ({}, [STORAGE, CONTAINER], ("auto", False, "embedded")),
        ({"registry_engine": "process"}, [], ("embedded", False, "embedded")),
        ({"registry_engine": "existing"}, [STORAGE], ("auto", False, "embedded")),
        # to attach a registry, the engine of a cluster that exists has to be known
        ({"kept": kept("existing"), "attach_registry": True}, [], ("existing", False, "existing")),
        ({"kept": kept("existing", "docker"), "attach_registry": True}, [], ("existing", True, "existing")),
    ],
)
def test_what_the_loop_has(given, files, expected):
    found = looked(files, **given)
    assert (found.open, found.is_settled, found.present) == expected


@pytest.mark.parametrize(
    ("given", "files", "refused"),
    [
        ({}, [], {}),
        (
            {},
            [STORAGE],
            {"kind": "which the nodes of kind do not reach", "k3d": "which the nodes of k3d do not reach"},
        ),
        ({"kept": kept("existing")}, [], {}),
        (
            {"kept": kept("kind", "docker"), "provider": "embedded"},
            [],
            dict.fromkeys(("embedded", "k3d", "existing"), "has a cluster of the provider kind. Leave the"),
        ),
    ],
)
def test_what_is_refused(given, files, refused):
    told = {provider: text for provider, text in looked(files, **given).refused.items() if text}
    assert list(told) == list(refused)
    for provider, text in told.items():
        assert refused[provider] in text
        assert text.startswith(f"flux_local_provider: {given.get('provider', 'auto')}: ")


@pytest.mark.parametrize(
    ("given", "files", "provider", "programs"),
    [
        ({}, [], "embedded", []),
        ({}, [], "existing", [*INSIDE, "registry"]),
        ({"registry_engine": "existing"}, [], "existing", INSIDE),
        ({"attach_registry": True}, [], "existing", INSIDE),
        ({}, [], "kind", [*INSIDE, "kind"]),
        ({"registry_engine": "process"}, [], "existing", [*INSIDE, "registry"]),
        ({"registry_engine": "docker"}, [], "kind", [*INSIDE, "kind"]),
        ({"registry_engine": "docker"}, ["/bin/kind"], "kind", INSIDE),
        ({"registry_engine": "docker"}, ["/bin/kind"], "k3d", [*INSIDE, "k3d"]),
        ({"registry_engine": "docker", "k3d_program": "/opt/k3d"}, [], "k3d", INSIDE),
    ],
)
def test_what_has_to_be_installed(given, files, provider, programs):
    assert looked(files, **given).programs[provider] == programs
