# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
r"""Text that others have written, made safe to show: a terminal obeys nothing of it, nothing is unseen.

Registries, artifacts, manifests, clusters, programs and file names may say anything. What a terminal would
obey, or a reader could not see, is shown as Python would write it: ``\x1b``, ``\u202e``. All that is shown
passes through here once, where it leaves; docs/architecture.md says where that is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST_MESSAGE = 100_000  # characters

# Unicode's Bidi_Control: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# C0, DEL, C1 (ECMA-48), Unicode's own line ends, and surrogates, which are bytes that are no text.
_OBEYED = f"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_BIDI}"
# The rest of category Cf, and what else is Default_Ignorable_Code_Point and no variant of a picture.
_UNSEEN = (
    "\u00ad\u034f\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d"
    "\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_IN_A_LINE = re.compile(f"[\t\n\r{_OBEYED}{_UNSEEN}]")
_IN_LINES = re.compile(f"[\r{_OBEYED}{_UNSEEN}]")
_IN_A_NAME = re.compile(f"[\t\n\r{_OBEYED}]")
_IN_A_VALUE = re.compile(f"[{_OBEYED}]")
_LINE_WITHOUT_INDENT = re.compile(r"\n(?=[^ \n])")
_INDENT = "  "


def printable(text: object, *, limit: int | None = None, keeps_lines: bool = False) -> str:
    """``text`` in one line, of at most ``limit`` characters; what is cut off is replaced by ``…``.

    ``keeps_lines`` leaves line feeds and tabs as they are. What is printable already comes back unchanged.
    """
    shown = (_IN_LINES if keeps_lines else _IN_A_LINE).sub(_escape, str(text))
    return shown if limit is None or len(shown) <= limit else f"{shown[: limit - 1]}…"


def in_one_line(text: object) -> str:
    """Prose as one printable line: whatever space is in it becomes a blank."""
    return printable(" ".join(str(text).split()))


def is_obeyed(name: str) -> bool:
    """Whether a terminal would obey something in ``name``, where line ends and tabs count as well."""
    return bool(_IN_A_NAME.search(name))


def printable_message(text: object) -> str:
    """A message of one or several lines. Those after the first are indented: none looks like Ansible's."""
    shown = printable(text, limit=LONGEST_MESSAGE, keeps_lines=True)
    return _LINE_WITHOUT_INDENT.sub(f"\n{_INDENT}", shown)[:LONGEST_MESSAGE]


def printable_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """A task's return values: ``msg``, ``diff`` and ``warnings`` as they are shown, others as data.

    Ansible writes other values as JSON or YAML, where line ends are escaped or indented; and a name with
    invisible characters has to stay the same name. Only what a terminal obeys is escaped in them.
    """
    return {_value(name): _SHOWN.get(name, _value)(value) for name, value in result.items()}


def _value(value: Any) -> Any:
    """A value with all that is in it, without what a terminal obeys."""
    if isinstance(value, str):
        return _IN_A_VALUE.sub(_escape, value) if _IN_A_VALUE.search(value) else value
    if isinstance(value, Mapping):
        return {_value(key): _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value


def _messages(value: Any) -> Any:
    """The text of a message, or of each in a list of them."""
    if isinstance(value, str):
        return printable_message(value)
    return [_messages(item) for item in value] if isinstance(value, list | tuple) else _value(value)


def _diff(value: Any) -> Any:
    """A diff, or a list of them: Ansible writes headers in a line, and the rest line by line."""
    if isinstance(value, Mapping):
        return {
            key: printable(item, keeps_lines=not key.endswith("_header"))
            if isinstance(item, str)
            else _value(item)
            for key, item in value.items()
        }
    return [_diff(item) for item in value] if isinstance(value, list | tuple) else value


_SHOWN = {"msg": _messages, "warnings": _messages, "diff": _diff}


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
