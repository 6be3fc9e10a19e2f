# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of a machine to know its container engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import in_one_line

Answer = Mapping[str, Any]


class Machine(Protocol):
    """The edge: variables, files, and the modules of other collections. Nothing is changed."""

    environment: Mapping[str, str]

    def ask(self, module: str, options: Mapping[str, Any]) -> Answer:
        """What a module returns. One that fails returns ``failed`` and ``msg``, and raises nothing."""

    def text(self, path: str) -> str:
        """The content of a file; nothing where there is none."""

    def kept(self, state_dir: str, name: str) -> Mapping[str, Any]:
        """What a loop keeps, as ``read_kept``. Raises LoopError."""

    def exists(self, path: str) -> bool:
        """Whether there is anything at this path."""


def reason(answer: Answer) -> str:
    """Why a module failed, in its own words, as one line."""
    return in_one_line(answer.get("msg", "no reason given"))


def complaint(answer: Answer) -> str:
    """What a command said that failed, or else why there is none, as one line."""
    return in_one_line(answer.get("stderr") or "") or reason(answer)


def first(answers: Sequence[Answer]) -> Answer:
    """The first one, or nothing."""
    return answers[0] if answers else {}
