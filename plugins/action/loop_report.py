# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action behind loop_report: a large status is rendered where it was gathered, without passing through Ansible."""

from __future__ import annotations

import datetime
import importlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase
from ansible.utils.color import ANSIBLE_COLOR

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.status import (
    ARGUMENTS,
    Edge,
    edge_of,
    gather,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._report.status_markdown import markdown_of
from ansible_collections.gitops.flux_local.plugins.module_utils._report.status_text import text_of
from ansible_collections.gitops.flux_local.plugins.plugin_utils.status_html import html_of
from ansible_collections.gitops.flux_local.plugins.plugin_utils.task_process import nothing_left
from ansible_collections.gitops.flux_local.plugins.plugin_utils.terminal import report

# https://www.ecma-international.org/publications-and-standards/standards/ecma-48/: CUP and ED
_HOME_AND_ERASE = "\033[H\033[2J"

_FILES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "markdown": markdown_of,
    "html": html_of,
    "json": lambda status: json.dumps(status, indent=2) + "\n",
}


def _write(option: str, path: str, content: str) -> None:
    try:
        # In place: what a CI job names for its summary may be no ordinary file.
        Path(path).write_text(content, encoding="utf-8")
    except OSError as error:
        raise AnsibleActionFail(
            f"{option}: {path} cannot be written: {error.strerror}. Name a file that you may write to, in a "
            "folder that exists."
        ) from None  # Ansible would tell the reason twice


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Shows the report, and keeps it in files; with ``watch`` again and again until it is interrupted."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the report and its summary; never, with ``watch``."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        spec = {
            **ARGUMENTS,
            **{name: {"type": "path"} for name in _FILES},
            "watch": {"type": "bool", "default": False},
            "interval": {"type": "float", "default": 2.0},
        }
        arguments = self.validate_argument_spec(argument_spec=spec)[1]
        for library in ("cryptography", "kubernetes", "oras", "supervisor"):
            try:
                importlib.import_module(library)
            except ImportError as error:
                raise AnsibleActionFail(missing_required_lib(library)) from error
        edge = edge_of(arguments)
        wanted = {name: arguments[name] for name in _FILES if arguments[name]}
        with nothing_left():
            while True:
                status = self._gathered(arguments, edge)
                self._keep(status, wanted)
                lines = self._show(text_of(status), is_watch=arguments["watch"])
                if not arguments["watch"]:
                    return {
                        **result,
                        "changed": bool(wanted),
                        "summary": status["summary"],
                        "lines": lines,
                    }
                time.sleep(arguments["interval"])

    @staticmethod
    def _gathered(arguments: Mapping[str, Any], edge: Edge) -> Mapping[str, Any]:
        try:
            return gather(arguments, edge, now=datetime.datetime.now(datetime.UTC))
        except LoopError as error:
            raise AnsibleActionFail(error.message) from None  # Ansible would tell it twice

    def _keep(self, status: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
        if not self._task.check_mode:
            for name, path in wanted.items():
                _write(name, path, _FILES[name](status))

    @staticmethod
    def _show(text: str, *, is_watch: bool) -> list[str]:
        # Ansible knows of a terminal by its colours; this process has none, whatever stdout is.
        begin = _HOME_AND_ERASE if is_watch and ANSIBLE_COLOR else "\n" if is_watch else ""
        return report(text, begin=begin)
