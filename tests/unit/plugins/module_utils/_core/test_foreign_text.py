# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What others have written: nothing of it commands a terminal, hides, or passes for a line of Ansible's."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import (
    LONGEST_MESSAGE,
    in_one_line,
    printable,
    printable_message,
    printable_result,
)

# Also what Python's os.fsdecode makes of bytes that are no text.
ANY_TEXT = st.text(st.characters(codec=None), max_size=40)
FORGED = "shop\nTASK [Destroy everything] ****\x1b[2K\rok"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("deployment.yaml", "deployment.yaml"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("a\nTASK [x] ***\rb\tc", r"a\nTASK [x] ***\rb\tc"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("sh\u200bop\ufeff\u00ad\u3164", r"sh\u200bop\ufeff\xad\u3164"),
        ("caf\udce9", r"caf\udce9"),
        ("\ufffe\uffff", r"\ufffe\uffff"),
        ("\U000e0041", r"\U000e0041"),
        ("Grüße, 東京 🚀 ❤️", "Grüße, 東京 🚀 ❤️"),
        (r"C:\new \x1b", r"C:\new \x1b"),
        (404, "404"),
    ],
)
def test_one_line(text: object, shown: str) -> None:
    assert printable(text) == shown


def test_prose_is_one_line() -> None:
    assert in_one_line(" no\r\n route\tto\x1b[2K\x85host ") == r"no route to\x1b[2K host"


def test_lines_are_kept_where_they_are_asked_for() -> None:
    assert printable("a:\n\tb\r\n\x1b", keeps_lines=True) == "a:\n\tb\\r\n\\x1b"


def test_a_limit_counts_what_is_shown() -> None:
    assert printable("\x1b" * 10, limit=9) == r"\x1b\x1b…"
    assert printable("123456789", limit=9) == "123456789"


@given(ANY_TEXT)
def test_nothing_is_obeyed_and_nothing_is_unseen(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1


def test_no_character_of_unicode_is_forgotten() -> None:
    unsafe = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert [char for char in unsafe if printable(char) == char] == []


@given(ANY_TEXT, st.none() | st.integers(1, 50), st.booleans())
def test_what_is_printable_stays(text: str, limit: int | None, keeps_lines: bool) -> None:
    shown = printable(text, limit=limit, keeps_lines=keeps_lines)
    assert printable(shown, limit=limit, keeps_lines=keeps_lines) == shown
    assert limit is None or len(shown) <= limit


@given(ANY_TEXT)
def test_only_the_first_line_of_a_message_begins_at_the_margin(text: str) -> None:
    shown = printable_message(text)
    assert all(line[:1] in ("", " ") for line in shown.splitlines()[1:])
    assert printable_message(shown) == shown


def test_a_message_is_bounded() -> None:
    assert len(printable_message("a\n" * LONGEST_MESSAGE)) == LONGEST_MESSAGE


def test_a_result_is_shown_safely_and_its_values_stay_what_they_are() -> None:
    result = {
        "msg": FORGED,
        "changed": True,
        "files": [{"name": "a\u200db.yaml", "size": 3, "before": None}, "x\x9b2K\u202e"],
        "text": "line\r\n\tline\n",
        "warnings": [FORGED],
        "diff": [{"before": "a: \u200b\n", "after": "\x1b\n", "before_header": FORGED, "after_header": "b"}],
    }
    told = "shop\n  TASK [Destroy everything] ****\\x1b[2K\\rok"
    assert printable_result(result) == {
        "msg": told,
        "changed": True,
        "files": [{"name": "a\u200db.yaml", "size": 3, "before": None}, r"x\x9b2K\u202e"],
        "text": "line\r\n\tline\n",
        "warnings": [told],
        "diff": [
            {
                "before": "a: \\u200b\n",
                "after": "\\x1b\n",
                "before_header": "shop\\nTASK [Destroy everything] ****\\x1b[2K\\rok",
                "after_header": "b",
            }
        ],
    }
