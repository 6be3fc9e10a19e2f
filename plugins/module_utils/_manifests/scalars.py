# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a scalar of YAML is to Flux: a text, a number, true, false or nothing.

kustomize reads YAML 1.2 with numbers of YAML 1.1, and makes JSON of it. So `on`, `y`, `=` and `<<` are texts,
a date becomes the text of a time, and what JSON cannot hold has no value.
https://pkg.go.dev/go.yaml.in/yaml/v3
"""

from __future__ import annotations

import base64
import binascii
import calendar
import math
import re
from functools import lru_cache
from typing import Any

_PREFIX = "tag:yaml.org,2002:"
TEXT = f"{_PREFIX}str"
MERGE = f"{_PREFIX}merge"
_BINARY = f"{_PREFIX}binary"
_NULL, _BOOL, _INT, _FLOAT, _TIME = (
    f"{_PREFIX}{name}" for name in ("null", "bool", "int", "float", "timestamp")
)
_UNTAGGED = ("", "!")

_WORDS: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (_NULL, None)),
    **dict.fromkeys(("true", "True", "TRUE"), (_BOOL, True)),
    **dict.fromkeys(("false", "False", "FALSE"), (_BOOL, False)),
}
# JSON has no such number. https://yaml.org/type/float.html
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?")
_MOMENT = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?P<mark>[Tt ])(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})"
    r"(?:[.,](?P<fraction>[0-9]+))?(?P<zone>Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_LONGEST_NUMBER = 310  # digits; there is no larger one in Go, to which it is a text
_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)
_EXACT = 1 << 53  # up to here JSON does not tell 1.0 from 1


def value_of(text: str, tag: str, *, is_plain: bool) -> Any:
    """The value of a scalar; ``tag`` is empty where none is written. Raises ValueError where it has none."""
    if tag == TEXT or (tag in _UNTAGGED and not is_plain):
        return text
    if tag == _BINARY:
        return _decoded(text)
    if tag not in (*_UNTAGGED, _NULL, _BOOL, _INT, _FLOAT, _TIME):
        return text
    found, value = _resolved(text)
    if tag not in (*_UNTAGGED, found) and (tag, found) != (_FLOAT, _INT):
        raise ValueError(f"{_short(text)} is not of the type {tag.removeprefix(_PREFIX)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{text} is not a number that Kubernetes can store")
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 20 else f"{text[:17]}...")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise ValueError("a value of the type binary is not base64") from error


@lru_cache(maxsize=4096)
def _resolved(text: str) -> tuple[str, Any]:
    """The tag and the value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "+-.0123456789":
        return TEXT, text
    if _NO_NUMBER.fullmatch(text):
        return _FLOAT, math.nan
    if first == "." and not _POINT.fullmatch(text):
        return TEXT, text
    moment = _moment(text) if "-" in text[1:] else None
    if moment:
        return _TIME, moment
    return _number(text.replace("_", "")) or (TEXT, text)


def _number(text: str) -> tuple[str, Any] | None:
    if len(text) > _LONGEST_NUMBER:
        return None
    if _INTEGER.fullmatch(text):
        whole = _integer(text)
        if whole in _INT64:
            return _INT, whole
        if whole in _UINT64 and text[0] not in "+-":
            return _INT, float(whole)  # as JSON becomes YAML again
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return _FLOAT, int(number) if number.is_integer() and abs(number) < _EXACT else number


def _integer(text: str) -> int:
    """The value of an integer, of which a leading zero makes an octal one, as in Go and not in Python."""
    digits = text.lstrip("+-")
    is_octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal()
    whole = int(digits, 8 if is_octal else 0)
    return -whole if text[0] == "-" else whole


def _moment(text: str) -> str | None:
    """A date or time as kustomize writes it (RFC 3339); None where it is none."""
    found = _MOMENT.fullmatch(text)
    if found is None or (found["mark"] == " ") != (found["mark"] is not None and found["zone"] is None):
        return None
    year, month, day = (int(found[name]) for name in ("year", "month", "day"))
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = (found["fraction"] or "")[:9].rstrip("0")
    zone = found["zone"] or "Z"
    return (
        f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        f"{'.' if fraction else ''}{fraction}{'Z' if zone[1:] == '00:00' else zone}"
    )
