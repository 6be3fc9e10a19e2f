# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of a loop's status, as SVG: what workloads wait for, and when they were reconciled."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import in_one_line
from ansible_collections.gitops.flux_local.plugins.module_utils._report.words import (
    applied,
    moment,
    mood,
    standing,
)

Name = tuple[str, str]  # namespace and name
Place = Callable[[datetime.datetime], float]  # where a time is drawn

_WIDTH, _HEIGHT = 204, 54
_GAP_X, _GAP_Y = 62, 18
_ROWS = 8  # of workloads that depend on equally many others, one above the other
_LETTERS = 24
_LANES = 24
_LANE = 26
_LEFT, _RIGHT = 190, 24
_SPAN = 960
# The head of an arrow.
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path class="tip" d="M0 0.5 8 4 0 7.5z"/></marker></defs>'
)


@dataclass(frozen=True)
class Box:
    """Where a workload is drawn: its upper left corner."""

    x: int
    y: int


def depths(dependencies: Mapping[Name, Sequence[Name]]) -> dict[Name, int]:
    """How long the longest chain of dependencies below each workload is; a cycle counts once."""
    found: dict[Name, int] = {}

    def depth(name: Name, above: frozenset[Name]) -> int:
        if name not in found:
            below = [lower for lower in dependencies[name] if lower in dependencies and lower not in above]
            found[name] = 1 + max((depth(lower, above | {name}) for lower in below), default=-1)
        return found[name]

    for name in dependencies:
        depth(name, frozenset())
    return found


def layout(dependencies: Mapping[Name, Sequence[Name]]) -> dict[Name, Box]:
    """A place for each workload, right of all that it depends on."""
    levels: dict[int, list[Name]] = {}
    for name, level in sorted(depths(dependencies).items()):
        levels.setdefault(level, []).append(name)
    boxes: dict[Name, Box] = {}
    column = 0
    for _level, names in sorted(levels.items()):
        # Beside what it depends on, so that few lines cross.
        names.sort(key=lambda name: (_height(name, dependencies, boxes), name))
        for position, name in enumerate(names):
            aside, row = divmod(position, _ROWS)
            boxes[name] = Box((column + aside) * (_WIDTH + _GAP_X), row * (_HEIGHT + _GAP_Y))
        column += 1 + (len(names) - 1) // _ROWS
    return boxes


def _height(name: Name, dependencies: Mapping[Name, Sequence[Name]], boxes: Mapping[Name, Box]) -> float:
    below = [boxes[lower].y for lower in dependencies[name] if lower in boxes]
    return sum(below) / len(below) if below else 0.0


def graph_of(workloads: Sequence[Mapping[str, Any]]) -> str:
    """The workloads as boxes, and an arrow from each to those that wait for it."""
    by_name = {(workload["namespace"], workload["name"]): workload for workload in workloads}
    dependencies = {
        name: [(lower["namespace"], lower["name"]) for lower in workload["depends_on"]]
        for name, workload in by_name.items()
    }
    boxes = layout(dependencies)
    width = max((box.x for box in boxes.values()), default=0) + _WIDTH + 4
    height = max((box.y for box in boxes.values()), default=0) + _HEIGHT + 4
    label = 'role="img" aria-label="Dependencies of the workloads"'
    edges = [
        _edge(boxes[below], boxes[name])
        for name, wanted in dependencies.items()
        for below in wanted
        if below in boxes and below != name
    ]
    return "\n".join(
        [
            f'<svg class="graph" viewBox="-2 -2 {width} {height}" width="{width}" height="{height}" {label}>',
            _TIP,
            *edges,
            *(_box(by_name[name], box) for name, box in boxes.items()),
            "</svg>",
        ]
    )


def _edge(start: Box, end: Box) -> str:
    x1, y1 = start.x + _WIDTH, start.y + _HEIGHT // 2
    x2, y2 = end.x - 2, end.y + _HEIGHT // 2
    bend = max(30, (x2 - x1) // 2)
    curve = f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path class="edge" d="{curve}" marker-end="url(#tip)"/>'


def _box(workload: Mapping[str, Any], box: Box) -> str:
    words = ", ".join(standing(workload))
    # There is room for what is special.
    special = ", ".join(standing(workload)[1:]) or f"{applied(workload)[:8]} · {words}"
    return (
        f'<a href="#{shown(anchor(workload))}" class="node {mood(workload)}">'
        f"<title>{shown(workload['namespace'])}/{shown(workload['name'])}: {shown(words)}</title>"
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="10"/>'
        f'<circle cx="{box.x + 20}" cy="{box.y + _HEIGHT // 2}" r="6"/>'
        f'<text class="name" x="{box.x + 38}" y="{box.y + 23}">'
        f"{shown(cut(workload['name'], _LETTERS - 4))}</text>"
        f'<text class="note" x="{box.x + 38}" y="{box.y + 41}">'
        f"{shown(cut(special, _LETTERS))}</text></a>"
    )


def timeline_of(kustomizations: Sequence[Mapping[str, Any]], taken_at: str) -> str:
    """When each workload was reconciled: a bar for what was applied for a time, a dot for its last time."""
    lanes = [
        (kustomization["name"], [entry for entry in kustomization["history"] if _times(entry)])
        for kustomization in kustomizations
    ]
    lanes = sorted(
        [lane for lane in lanes if lane[1]],
        key=lambda lane: max(str(entry["last_reconciled"]) for entry in lane[1]),
        reverse=True,
    )[:_LANES]
    now = moment(taken_at)
    if not lanes or now is None:
        return ""
    begins = [times[0] for _name, entries in lanes for entry in entries if (times := _times(entry))]
    first = min([*begins, now - datetime.timedelta(seconds=30)])
    whole = max((now - first).total_seconds(), 1.0)
    height = len(lanes) * _LANE + 30

    def x(time: datetime.datetime) -> float:
        share = min(max((time - first).total_seconds() / whole, 0.0), 1.0)
        return round(_LEFT + share * (_SPAN - _LEFT - _RIGHT), 1)

    rows = [_lane(name, entries, number, x) for number, (name, entries) in enumerate(lanes)]
    return "\n".join(
        [
            f'<svg class="timeline" viewBox="0 0 {_SPAN} {height}" role="img" aria-label="Last reconciles">',
            *_ticks(first, now, height, x),
            *rows,
            "</svg>",
        ]
    )


def _times(entry: Mapping[str, Any]) -> tuple[datetime.datetime, datetime.datetime] | None:
    first, last = moment(entry["first_reconciled"]), moment(entry["last_reconciled"])
    return (first, last) if first and last else None


def _lane(name: str, entries: Sequence[Mapping[str, Any]], number: int, x: Place) -> str:
    middle = number * _LANE + 14
    drawn = [
        f'<line class="lane" x1="{_LEFT}" y1="{middle}" x2="{_SPAN - _RIGHT}" y2="{middle}"/>',
        f'<text class="name" x="0" y="{middle + 4}">{shown(cut(name, 24))}</text>',
    ]
    for entry in reversed(entries):
        times = _times(entry)
        if times is None:
            continue
        word = "good" if str(entry["status"]).endswith("Succeeded") else "bad"
        begin, end = x(times[0]), x(times[1])
        revision = entry["metadata"].get("revision", "") if isinstance(entry["metadata"], Mapping) else ""
        told = (
            f"{entry['status']}: {revision} {entry['first_reconciled']} to {entry['last_reconciled']}, "
            f"{entry['reconciliations']} times, the last in {entry['duration']}"
        )
        drawn.append(
            f'<g class="{word}"><title>{shown(told)}</title>'
            f'<rect x="{begin}" y="{middle - 4}" width="{max(end - begin, 1):.1f}" height="8" rx="4"/>'
            f'<circle cx="{end}" cy="{middle}" r="6"/></g>'
        )
    return "".join(drawn)


def _ticks(first: datetime.datetime, now: datetime.datetime, height: int, x: Place) -> list[str]:
    whole = now - first
    pattern = "%H:%M:%S" if whole < datetime.timedelta(days=1) else "%d %b %H:%M"
    times = [first + whole * (step / 5) for step in range(6)]
    return [
        f'<line class="tick" x1="{x(time)}" y1="0" x2="{x(time)}" y2="{height - 24}"/>'
        f'<text class="note" x="{x(time)}" y="{height - 6}" text-anchor="{anchor}">'
        f"{time.strftime(pattern)}</text>"
        for time, anchor in zip(times, ["start", *["middle"] * 4, "end"], strict=True)
    ]


def anchor(workload: Mapping[str, Any]) -> str:
    """The id of a workload's part of the page; no namespace has a dot in it."""
    return in_one_line(f"w-{workload['namespace']}.{workload['name']}").replace(" ", "-")


def shown(text: Any) -> str:
    """Text as it may stand in HTML, in SVG and in an attribute's quotes."""
    return escape(in_one_line(text), quote=True)


def cut(text: str, letters: int) -> str:
    """Text of at most so many letters."""
    flat = in_one_line(text)
    return flat if len(flat) <= letters else f"{flat[: letters - 1]}…"
