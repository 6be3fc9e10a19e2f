# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever is shown leaves through the places that make text of others safe (docs/architecture.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (r"\bmodule\.(exit_json|fail_json|warn|deprecate)\b", "module_utils/_core/module.py"),
        (r"\bDisplay\b", "plugin_utils/terminal.py"),
    ],
)
def test_there_is_one_place_for_all_that_is_shown(said: str, where: str) -> None:
    found = [
        str(path.relative_to(PLUGINS))
        for path in sorted(PLUGINS.rglob("*.py"))
        if re.search(said, path.read_text())
    ]
    assert found == [where]
