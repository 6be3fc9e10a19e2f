# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is saved is pushed and proven: which workloads a change concerns, and a line for each round."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_rules import (
    is_left_by_an_editor,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import short_revision
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.listed import names_of

try:
    import watchfiles
except ImportError:  # module.require() names what is missing
    HAS_WATCHFILES = False
else:
    HAS_WATCHFILES = True

# Milliseconds: a save is over when nothing followed for QUIET, at the latest after LONGEST.
QUIET = 40
LONGEST = 500
PATIENCE = 200  # until it is said that there was none

Changes = Collection[str]


@dataclass(frozen=True)
class Saved:
    """A workload and the folder or file that it is made of, as an absolute path without symbolic links."""

    name: str
    path: str

    @property
    def folder(self) -> str:
        """What is watched: of a file its folder, since editors put a new file in the place of the old one."""
        return self.path if os.path.isdir(self.path) else os.path.dirname(self.path)

    def holds(self, path: str) -> bool:
        """Whether ``path`` is the workload's, or in it."""
        return path == self.path or path.startswith(f"{self.path}{os.sep}")


def saved_workloads(
    listed: Sequence[Mapping[str, Any]], only: Sequence[str], base_dir: str | None
) -> list[Saved]:
    """The workloads to watch: those that are present, or of them those named. Raises LoopError."""
    present = {
        str(workload.get("name")): str(workload["path"])
        for workload in listed
        if workload.get("path") and workload.get("state", "present") == "present"
    }
    only = names_of(only)
    unknown = [name for name in only if name not in present]
    if unknown:
        raise LoopError(
            f"only: there is no workload {', '.join(unknown)} with a path in the list. It has: "
            f"{', '.join(present) or 'none'}."
        )
    chosen = {name: path for name, path in present.items() if name in only or not only}
    if not chosen:
        raise LoopError("workloads: none of them has a path, so there is nothing to watch. Give one a path.")
    found = []
    for name, path in chosen.items():
        whole = os.path.realpath(os.path.join(base_dir or "", os.path.expanduser(path)))
        if not os.path.exists(whole):
            raise LoopError(f"Workload {name}: path is {path}, but there is no {whole}. Correct it.")
        found.append(Saved(name, whole))
    return found


def concerned(workloads: Iterable[Saved], changes: Changes) -> list[str]:
    """The names of the workloads that hold one of the paths that changed."""
    return [workload.name for workload in workloads if any(workload.holds(path) for path in changes)]


def line_of(names: Sequence[str], seconds: float, outcome: Mapping[str, Any] | LoopError, clock: str) -> str:
    """What became of a round, as one line."""
    subject = ", ".join(names)
    if isinstance(outcome, LoopError):
        return f"{clock}  {subject}  failed after {seconds:.2f} s: {' '.join(outcome.message.split())}"
    pushed = [
        f"{receipt['name']} {short_revision(receipt.get('pushed_digest'))}"
        for receipt in outcome["receipts"]
        if receipt["changed"]
    ]
    if not pushed:
        return f"{clock}  {subject}  is as it was ({seconds:.2f} s)"
    return f"{clock}  {', '.join(pushed)}  applied and proven in {seconds:.2f} s"


def follow(
    workloads: Sequence[Saved],
    changes: Iterator[Changes],
    bring_about: Callable[[Sequence[str]], Mapping[str, Any]],
    say: Callable[[str], None],
    *,
    rounds: int | None = None,
) -> int:
    """Bring all workloads about once, then after every change those it concerns; return how many rounds.

    A round that fails is a line as well, and ends nothing. Without ``rounds`` this has no end of its own.
    """
    done = 0
    names = [workload.name for workload in workloads]
    # So that nothing is missed that is saved during the first round.
    next(changes, None)
    while True:
        say(_round(names, bring_about))
        done += 1
        if done == rounds:
            return done
        names = []
        while not names:
            changed = next(changes, None)
            if changed is None:
                return done
            names = concerned(workloads, changed)


def _round(names: Sequence[str], bring_about: Callable[[Sequence[str]], Mapping[str, Any]]) -> str:
    began = time.monotonic()
    outcome: Mapping[str, Any] | LoopError
    try:
        outcome = bring_about(names)
    except LoopError as error:
        outcome = error
    except Exception as error:  # noqa: BLE001 - the next save may be the one that mends it
        outcome = LoopError(f"{type(error).__name__}: {error}")
    return line_of(names, time.monotonic() - began, outcome, time.strftime("%H:%M:%S"))


def saves(workloads: Sequence[Saved]) -> Iterator[Changes]:
    """The paths that changed, a set for each save, and an empty one when there was none for a while.

    What editors and git keep for themselves does not count. The watch has begun when the first set comes.
    """
    folders = sorted({workload.folder for workload in workloads})
    watch = watchfiles.watch(
        *folders,
        debounce=LONGEST,
        step=QUIET,
        rust_timeout=PATIENCE,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    for changes in watch:
        yield {path for _change, path in changes if not is_left_by_an_editor(os.path.basename(path))}
