# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Patterns of what belongs into no artifact, as source-controller reads them.

They look like those of gitignore(5), and mean the same in all but corners. There, Flux's own matcher counts
(github.com/fluxcd/pkg/sourceignore/gitignore), since what it drops does not run:

- A part of a path is matched as by Go's ``path/filepath.Match``: only ``^`` negates a class, and ``[!a]`` is
  ``!`` or ``a``.
- ``**`` at the end asks for nothing more: ``/*/**`` matches files of the root as well, and ``/**`` nothing.
- ``**`` before a part stands for all up to the first name that this part matches, and goes no further.
- A part of more than ``**``, as in ``a**/b``, matches nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CHARACTER = r"(?:\\.|[^\\\]-])"
_TOKEN = re.compile(
    rf"(?P<any>\*+)|(?P<one>\?)"
    rf"|\[(?P<negation>\^|(?!\^))(?P<items>(?:{_CHARACTER}(?:-{_CHARACTER})?)+)\]"
    r"|\\(?P<escaped>.)|(?P<literal>[^\\*?\[])",
    re.DOTALL,
)
_ITEM = re.compile(rf"({_CHARACTER})(?:-({_CHARACTER}))?", re.DOTALL)
_NOTHING = "(?!)"
_ANY_FOLDERS = "**"


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """One pattern: ``regex`` matches the beginning of a path, in which a folder's name ends in a slash."""

    regex: re.Pattern[str]
    negates: bool

    @classmethod
    def of_line(cls, line: str) -> IgnorePattern:
        """The pattern in a line that is no comment. Raises ValueError for what is none."""
        negates = line.startswith("!")
        text = line.removeprefix("!")
        if not text.endswith("\\ "):
            text = text.rstrip(" ")
        end = "/" if text.endswith("/") else r"(?:/|\Z)"
        parts = text.removesuffix("/").split("/")
        if not any(parts):
            raise ValueError("it names nothing")
        regex = _path(parts) if len(parts) > 1 else f"(?:.*/)?{_name(parts[0])}"
        return cls(re.compile(f"{regex}{end}", re.DOTALL), negates)


def patterns_in(text: str) -> list[IgnorePattern]:
    """The patterns of a file, in their order. Raises ValueError that names the one that is not valid."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return [_pattern(line) for line in lines if line.strip() and not line.startswith("#")]


def _pattern(line: str) -> IgnorePattern:
    try:
        return IgnorePattern.of_line(line)
    except ValueError as error:
        raise ValueError(f"the pattern {line!r} matches nothing, since {error}") from error


def _path(parts: list[str]) -> str:
    """The regular expression for a path from the root on."""
    regexes: list[str] = []
    skips = False
    for number, part in enumerate(parts, start=1):
        if part == _ANY_FOLDERS:
            if number == len(parts):
                break
            skips = True
        elif not part:
            skips = False
        else:
            name = _NOTHING if _ANY_FOLDERS in part else _name(part)
            skipped = rf"(?:(?!{name}(?:/|\Z))[^/]+/)*" if skips else ""
            regexes.append(f"{skipped}{name}")
            skips = False
    return "/".join(regexes) or _NOTHING


def _name(part: str) -> str:
    """The regular expression for one name. Raises ValueError for what is no pattern."""
    regex, position = [], 0
    while position < len(part):
        token = _TOKEN.match(part, position)
        if token is None:
            raise ValueError(f"{part[position:]!r} is not complete")
        regex.append(_token(token))
        position = token.end()
    return "(?=[^/])" + "".join(regex)


def _token(token: re.Match[str]) -> str:
    if token["any"]:
        return "[^/]*"
    if token["one"]:
        return "[^/]"
    if token["items"] is None:
        return re.escape(token["escaped"] or token["literal"])
    ranges = [(_plain(low), _plain(high or low)) for low, high in _ITEM.findall(token["items"])]
    items = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    if token["negation"]:
        return f"[^/{items}]"
    return f"(?!/)[{items}]" if items else _NOTHING


def _plain(character: str) -> str:
    return character[-1]
