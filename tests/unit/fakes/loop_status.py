# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A loop's status for reports: as recorded, with hostile texts in it, and of a loop that answers nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

# What loop_info returned for a loop with the examples, copied into workloads in every state there is.
STATUS: dict[str, Any] = json.loads(Path(__file__).with_name("loop_status.json").read_text())
HOSTILE = st.one_of(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "'\"]]>--><svg/onload=x>",
            "\x1b[2J\x1b]0;owned\x07",
            "line\nbreak | pipe `code` **bold** [link](http://example.com)",
            "x" * 400,
            "&lt;b&gt;",
            "\u202egnirts\u0000",
        ]
    ),
    st.text(max_size=120),
)


def replaced(value, key, text):
    """The same status with ``text`` for every value of ``key``."""
    if isinstance(value, dict):
        return {
            name: text if name == key and isinstance(item, str) else replaced(item, key, text)
            for name, item in value.items()
        }
    return [replaced(item, key, text) for item in value] if isinstance(value, list) else value


def silent() -> dict[str, Any]:
    """The status of an empty loop that answers nothing."""
    nothing: dict[str, Any] = {
        "workloads": [],
        "sources": [],
        "kustomizations": [],
        "programs": [],
        "ports": [],
    }
    summary = dict.fromkeys(STATUS["summary"], 0) | {"well": False, "problems": 1}
    problems = [{"part": "flux", "message": "Flux could not be asked: nobody is there"}]
    return STATUS | nothing | {"disk": None, "certificates": [], "problems": problems, "summary": summary}
