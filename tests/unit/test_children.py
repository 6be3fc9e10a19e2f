# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""No child process gets the user's whole environment by accident: see module_utils/_core/environment.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PLUGINS = Path(__file__).parents[2] / "plugins"
# The user's own credential helpers, which need whatever their cloud or desktop tells them.
GET_EVERYTHING = {"module_utils/_oci/docker_config.py"}
STARTS = {"run", "Popen", "call", "check_call", "check_output"}


def started(path: Path) -> Iterator[ast.Call]:
    """The calls by which a file starts a program."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTS:
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == "subprocess":
                yield node


def test_every_program_is_given_its_environment():
    found = {
        path.relative_to(PLUGINS).as_posix(): call
        for path in PLUGINS.rglob("*.py")
        for call in started(path)
        if "env" not in {keyword.arg for keyword in call.keywords}
    }
    assert set(found) == GET_EVERYTHING


def test_the_environment_is_not_all_there_is():
    whole = [
        f"{path.relative_to(PLUGINS)}:{node.lineno}"
        for path in PLUGINS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.keyword) and node.arg == "env" and ast.unparse(node.value) == "os.environ")
        or (isinstance(node, ast.Dict) and ("os.environ" in map(ast.unparse, unpacked(node))))
    ]
    assert whole == []


def unpacked(node: ast.Dict) -> list[ast.expr]:
    """What a dictionary takes over whole: ``{**this}``."""
    return [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
