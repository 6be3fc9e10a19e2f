# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A list of workloads before anything is done with it: what can be known to be wrong, and which are meant."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import nearest
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.order import in_order
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import (
    FLUX_SYSTEM,
    Endpoint,
    Workload,
    read_workloads,
)

# In the place of names: all that are listed.
ALL = "all"
# What is wrong with a list does not depend on the registry.
_ANY_REGISTRY = Endpoint("localhost", "localhost", insecure=True)


def check_list(listed: Any, namespace: str = FLUX_SYSTEM) -> list[Workload]:
    """The workloads of a list, in the order of their dependencies. Raises LoopError naming what is wrong.

    What is no list is left to whoever knows the type of the option.
    """
    if not isinstance(listed, list):
        return []
    return in_order(read_workloads(listed, _ANY_REGISTRY, namespace))


def missing_folders(workloads: Sequence[Workload], base_dir: str) -> list[str]:
    """A sentence, without its full stop, for each workload whose folder or file is not there."""
    return [
        f"Workload {workload.name}: path: {path} does not exist. Name an existing folder or file"
        for workload in workloads
        if workload.is_present and not os.path.exists(path := path_of(workload, base_dir))
    ]


def path_of(workload: Workload, base_dir: str) -> str:
    """The folder or file that a workload is made of."""
    return os.path.normpath(os.path.join(base_dir, workload.options["path"]))


def names_of(given: str | Sequence[str]) -> list[str]:
    """The names in ``shop,web`` or a list; none where all workloads are meant."""
    parts = given.split(",") if isinstance(given, str) else given
    names = [part.strip() for part in parts if part.strip()]
    return [] if names == [ALL] else names


def chosen(workloads: Sequence[Workload], only: str | Sequence[str], option: str = "only") -> list[Workload]:
    """Those that are named, by ``name`` or ``namespace/name``; all without names.

    Raises LoopError that lists the known ones where a name is none of them.
    """
    names = names_of(only)
    known = {f"{workload.namespace}/{workload.name}" for workload in workloads}
    known |= {workload.name for workload in workloads}
    refuse_unknown(names, known, [workload.name for workload in workloads], option)
    return [
        workload
        for workload in workloads
        if not names or {workload.name, f"{workload.namespace}/{workload.name}"} & set(names)
    ]


def refuse_unknown(names: Sequence[str], known: set[str], listed: Sequence[str], option: str) -> None:
    """Raise LoopError where one of the ``names`` is not ``known``; it lists those that are ``listed``."""
    unknown = [name for name in names if name not in known]
    if unknown:
        near = nearest(unknown[0], listed)
        meant = f" The nearest name is {near}." if near else ""
        raise LoopError(
            f"{option}: there is no workload {', '.join(unknown)}. The list has: "
            f"{', '.join(sorted(listed)) or 'none'}.{meant}"
        )
