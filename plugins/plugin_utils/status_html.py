# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The status of a loop as one HTML page that needs nothing else: no network, no script, no other file.

It stands here and not beside the other reports: Ansible sends no template along with a module's Python, and
Jinja2 is certain only where ansible-core is. Actions and filters, which write the page, have both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import in_one_line
from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import short_revision
from ansible_collections.gitops.flux_local.plugins.module_utils._report.svg import (
    anchor,
    graph_of,
    timeline_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._report.words import (
    PROGRAMS,
    ago,
    applied,
    counted,
    headline,
    kept,
    mood,
    places,
    remarks,
    rows_of_programs,
    standing,
    why,
)

_LONG = 44  # letters from which on a table's cell may be broken
_TILES = (
    ("workloads", "idle", "workloads"),
    ("ready", "good", "ready"),
    ("in_progress", "busy", "in progress"),
    ("failed", "bad", "failed"),
    ("suspended", "idle", "suspended"),
    ("behind", "warn", "behind"),
    ("drifted", "warn", "drifted"),
    ("problems", "bad", "problems"),
)
_ALWAYS = ("workloads", "ready", "failed", "problems")  # shown where they count nothing too


@dataclass(frozen=True)
class Tile:
    """A count, and what a reader has to think of it."""

    mood: str
    count: int
    label: str


@dataclass(frozen=True)
class Table:
    """Rows below their header; not shown without a row."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class WorkloadDetails:
    """What the page says of one workload. ``why`` is empty where Flux's own message says it all."""

    anchor: str
    mood: str
    name: str
    follows: str
    applied: str
    ago: str
    standing: str
    why: str
    reason: str
    message: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]


def html_of(status: Mapping[str, Any]) -> str:
    """The page."""
    return _template().render(
        name=status["loop"]["name"],
        headline=headline(status),
        is_well=status["summary"]["well"],
        taken_at=status["taken_at"],
        schema_version=status["schema_version"],
        tiles=_tiles(status["summary"]),
        remarks=remarks(status),
        graph=_picture(graph_of(status["workloads"])) if status["workloads"] else "",
        timeline=_picture(timeline_of(status["kustomizations"], status["taken_at"])),
        workloads=list(_workloads(status)),
        programs=Table("", [word.capitalize() for word in PROGRAMS], rows_of_programs(status)),
        places=[*places(status), *kept(status)],
        style=Markup(_beside("status.css")),  # noqa: S704 - a file of this collection
        long_cell=_LONG,
    )


@cache
def _template() -> Template:
    """The page's template. It escapes every text, and writes it in one line without control characters."""
    environment = Environment(
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else in_one_line(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_beside("status.html.j2"))


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _picture(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - its texts are escaped where it is drawn


def _tiles(summary: Mapping[str, Any]) -> list[Tile]:
    return [
        Tile(mood_of_any if summary[name] else "idle", summary[name], label)
        for name, mood_of_any, label in _TILES
        if summary[name] or name in _ALWAYS
    ]


def _workloads(status: Mapping[str, Any]) -> Iterator[WorkloadDetails]:
    kustomizations = {_key(item): item for item in status["kustomizations"]}
    sources = {_key(item): item for item in status["sources"]}
    for workload in status["workloads"]:
        kustomization = kustomizations[_key(workload)]
        source = sources.get(_key(kustomization["source"]))
        yield WorkloadDetails(
            anchor=anchor(workload),
            mood=mood(workload),
            name=workload["name"],
            follows=workload["follows"] or "-",
            applied=applied(workload),
            ago=ago(workload["applied_at"], status["taken_at"]),
            standing=", ".join(standing(workload)),
            why=why(workload) if workload["cause"] else "",
            reason=workload["reason"],
            message=workload["message"],
            facts=_facts(workload),
            tables=[
                _versions(workload),
                _conditions(kustomization, source),
                _inventory(kustomization),
                _history(kustomization),
                _events(kustomization, source),
            ],
        )


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["namespace"], item["name"]


def _facts(workload: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("namespace", workload["namespace"]),
        ("artifact", workload["url"] or "-"),
        ("fetched", workload["fetched_revision"] or "-"),
        ("applied", workload["applied_revision"] or "-"),
        ("code", workload["applied_origin_revision"] or "-"),
    ]


def _versions(workload: Mapping[str, Any]) -> Table:
    running = short_revision(workload["applied_revision"]).rpartition("@")[2]
    rows = [
        [
            short_revision(version["digest"]),
            ", ".join(version["tags"]) or "(no tag)",
            version["created"] or "-",
            "applied" if short_revision(version["digest"]) == running else "",
        ]
        for version in workload["versions"]
    ]
    title = f"{counted(workload['versions_total'], 'version')} in the registry, the newest first"
    return Table(title, ("Digest", "Tags", "Created", ""), rows)


def _by_kind(
    kustomization: Mapping[str, Any], source: Mapping[str, Any] | None
) -> list[tuple[str, Mapping[str, Any]]]:
    """The Flux objects of a workload that there are, each with its kind."""
    return [*([("OCIRepository", source)] if source else []), ("Kustomization", kustomization)]


def _conditions(kustomization: Mapping[str, Any], source: Mapping[str, Any] | None) -> Table:
    fields = ("type", "status", "reason", "message", "last_transition_time")
    rows = [
        [kind, *(condition[field] for field in fields)]
        for kind, item in _by_kind(kustomization, source)
        for condition in item["conditions"]
    ]
    return Table("Conditions", ("Object", "Type", "Status", "Reason", "Message", "Since"), rows)


def _inventory(kustomization: Mapping[str, Any]) -> Table:
    rows = [
        [
            f"{entry['group']}/{entry['version']}".lstrip("/"),
            entry["kind"],
            entry["namespace"] or "-",
            entry["name"],
        ]
        for entry in kustomization["inventory"]
    ]
    return Table("What is applied", ("API", "Kind", "Namespace", "Name"), rows)


def _history(kustomization: Mapping[str, Any]) -> Table:
    fields = ("status", "duration", "reconciliations", "first_reconciled", "last_reconciled")
    rows = [
        [short_revision((entry["metadata"] or {}).get("revision")), *(entry[field] for field in fields)]
        for entry in kustomization["history"]
    ]
    return Table("History", ("Revision", "Status", "Took", "Times", "First", "Last"), rows)


def _events(kustomization: Mapping[str, Any], source: Mapping[str, Any] | None) -> Table:
    fields = ("type", "reason", "message", "count")
    rows = [
        [event["last_seen"] or "", kind, *(event[field] for field in fields)]
        for kind, item in _by_kind(kustomization, source)
        for event in item.get("events", [])
    ]
    rows.sort(key=lambda row: str(row[0]), reverse=True)
    return Table("Events", ("Seen", "Object", "Type", "Reason", "Message", "Times"), rows)
