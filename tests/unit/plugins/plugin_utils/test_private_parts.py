# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Every private part of kubernetes.core that the collection uses is there, and is used in one file."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
KUBERNETES_CORE = "ansible_collections.kubernetes.core"
CLUSTER_FILE = "plugins/module_utils/_cluster/kubernetes_core.py"


@dataclass(frozen=True)
class Part:
    """A name of somebody else's that no one has promised to keep."""

    module: str
    name: str
    needed_for: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


_CLIENT = f"{KUBERNETES_CORE}.plugins.module_utils.k8s.client"
PARTS = (
    Part(
        f"{KUBERNETES_CORE}.plugins.module_utils.args_common",
        "AUTH_ARG_SPEC",
        "the options that name a cluster are those of kubernetes.core's modules",
    ),
    Part(_CLIENT, "_create_auth_spec", "an option that is not given is taken from its K8S_AUTH_ variable"),
    Part(_CLIENT, "_create_configuration", "the options become a configuration of the kubernetes client"),
    Part(_CLIENT, "_create_headers", "the options of impersonation become headers"),
    Part(_CLIENT, "_set_header", "those headers are sent"),
)


def found(part: Part) -> Any:
    """What the installed version has under that name; fails with what is gone, and what needs it."""
    place: Any = importlib.import_module(part.module)
    for name in part.name.split("."):
        if not hasattr(place, name):
            core, ansible = metadata.version("ansible-core"), metadata.version("ansible")
            pytest.fail(
                f"{part} is gone in ansible-core {core} and the collections of ansible {ansible}. "
                f"It is needed so that {part.needed_for}."
            )
        place = getattr(place, name)
    return place


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_a_private_part_is_there(part: Part):
    assert found(part) is not None


def test_a_part_that_is_gone_is_named():
    gone = Part(_CLIENT, "_no_such_name", "nothing breaks")
    with pytest.raises(
        pytest.fail.Exception, match=r"client\._no_such_name is gone in ansible-core 2.*nothing breaks"
    ):
        found(gone)


def imported(source: Path) -> Iterator[tuple[str, str]]:
    """Module and name of all that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_kubernetes_core_is_imported_in_one_file_and_each_name_is_in_the_table():
    used = {
        (str(source.relative_to(ROOT)), module, name)
        for source in (ROOT / "plugins").rglob("*.py")
        for module, name in imported(source)
        if module.startswith(KUBERNETES_CORE)
    }
    assert used == {(CLUSTER_FILE, part.module, part.name) for part in PARTS}
