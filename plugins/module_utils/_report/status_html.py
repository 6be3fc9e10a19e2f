# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The status of a loop as one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import short_revision
from ansible_collections.gitops.flux_local.plugins.module_utils._report.svg import (
    anchor,
    graph_of,
    shown,
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

# Nothing is loaded, and nothing in the page can run, whatever it holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_LONG = 44  # letters from which on a table's cell may be broken

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f6f9; --card: #ffffff; --ink: #17202e; --quiet: #5d6b80; --line: #dde3ec; --soft: #eef2f7;
  --good: #12805c; --busy: #1f6feb; --warn: #9a6200; --idle: #68768c; --bad: #c62f3b;
  --good-soft: #e2f4ec; --busy-soft: #e4eefd; --warn-soft: #fbf0d9; --idle-soft: #edf0f4;
  --bad-soft: #fce8e9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e131b; --card: #171e29; --ink: #e6ebf3; --quiet: #9aa8bc; --line: #2a3444; --soft: #1e2735;
    --good: #4cc495; --busy: #6ea8fe; --warn: #e3b04b; --idle: #97a5b9; --bad: #ff7b85;
    --good-soft: #14302a; --busy-soft: #17294a; --warn-soft: #352a14; --idle-soft: #222b39;
    --bad-soft: #3d1d24;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 36px 24px 64px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; }
h1 { margin: 0; font-size: 30px; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { margin: 0 0 14px; font-size: 17px; letter-spacing: -0.01em; }
h3 { margin: 18px 0 6px; font-size: 13px; color: var(--quiet); font-weight: 600; }
.lead { margin: 2px 0 22px; color: var(--quiet); }
code, .mono { font: 0.92em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
section, .tile {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 20px 22px;
  margin-top: 18px;
}
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(104px, 1fr)); gap: 12px; }
.tile { margin: 0; padding: 14px 18px; }
.tile b {
  display: block; font-size: 28px; line-height: 1.2; letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums;
}
.tile span { color: var(--quiet); font-size: 13px; }
.tile.good b { color: var(--good); }
.tile.busy b { color: var(--busy); }
.tile.warn b { color: var(--warn); }
.tile.bad b { color: var(--bad); } .tile.idle b { color: var(--idle); }
.pill {
  display: inline-block; padding: 1px 10px; border-radius: 99px; font-size: 13px; font-weight: 600;
  white-space: nowrap;
}
.pill.good { color: var(--good); background: var(--good-soft); }
.pill.busy { color: var(--busy); background: var(--busy-soft); }
.pill.warn { color: var(--warn); background: var(--warn-soft); }
.pill.bad { color: var(--bad); background: var(--bad-soft); }
.pill.idle { color: var(--idle); background: var(--idle-soft); }
section.problems { border-color: var(--bad); }
.problems ul { margin: 0; padding-left: 20px; } .problems li { overflow-wrap: anywhere; margin: 4px 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th {
  text-align: left; color: var(--quiet); font-weight: 600; font-size: 13px;
  padding: 4px 18px 6px 0; white-space: nowrap;
}
td { padding: 7px 18px 7px 0; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 260px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
details { border-top: 1px solid var(--line); }
details:first-of-type { border-top: 0; }
summary {
  display: grid;
  grid-template-columns: 16px minmax(120px, 1.2fr) minmax(120px, 1fr) minmax(70px, .6fr) minmax(150px, 1.2fr);
  gap: 14px; align-items: center; padding: 10px 0; cursor: pointer; list-style: none;
}
summary::-webkit-details-marker { display: none; }
summary::before { content: "\\203a"; color: var(--quiet); font-size: 18px; transition: transform .15s; }
details[open] > summary::before { transform: rotate(90deg); }
summary:hover .who { text-decoration: underline; }
.who { font-weight: 600; overflow-wrap: anywhere; } .quiet { color: var(--quiet); }
.inside { padding: 2px 0 20px 30px; }
.inside table { font-size: 13px; }
details:target { outline: 2px solid var(--busy); outline-offset: 4px; border-radius: 8px; }
.message {
  margin: 4px 0 10px; padding: 10px 14px; border-radius: 10px; background: var(--soft);
  overflow-wrap: anywhere;
}
.message span { color: var(--quiet); font-size: 13px; }
.message.bad { background: var(--bad-soft); }
svg { display: block; }
svg.graph { max-width: none; }
svg.timeline { width: 100%; min-width: 720px; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
svg text.name { font-weight: 600; } svg text.note { fill: var(--quiet); font-size: 12px; }
.node rect { fill: var(--card); stroke: var(--line); stroke-width: 1.5; }
.node:hover rect { stroke: var(--busy); }
.node.good circle, .good > rect, .good > circle { fill: var(--good); }
.node.busy circle { fill: var(--busy); }
.node.warn circle { fill: var(--warn); } .node.idle circle { fill: var(--idle); }
.node.bad circle, .bad > rect, .bad > circle { fill: var(--bad); }
.node.good rect, .node.idle rect { fill: var(--card); } .node.busy rect { fill: var(--busy-soft); }
.node.warn rect { fill: var(--warn-soft); stroke: var(--warn); }
.node.bad rect { fill: var(--bad-soft); stroke: var(--bad); }
.timeline g > rect { opacity: .3; } .timeline g > circle { stroke: var(--card); stroke-width: 2; }
.edge { fill: none; stroke: var(--quiet); stroke-width: 1.6; opacity: .65; } .tip { fill: var(--quiet); }
.lane, .tick { stroke: var(--line); } .tick { stroke-dasharray: 2 4; }
footer { margin-top: 26px; color: var(--quiet); font-size: 13px; }
@media (max-width: 700px) {
  main { padding: 22px 14px 40px; } section { padding: 16px; }
  summary { grid-template-columns: 16px 1fr auto; } summary .quiet { display: none; }
}
"""


def html_of(status: Mapping[str, Any]) -> str:
    """The page."""
    name = shown(status["loop"]["name"])
    word, told = ("good", "all is well") if status["summary"]["well"] else ("bad", "needs attention")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>{name}: {shown(headline(status))}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body><main>",
            f'<header><h1>{name}</h1><span class="pill {word}">{told}</span></header>',
            f'<p class="lead">{shown(headline(status))}, seen at {_time(status["taken_at"])}</p>',
            _tiles(status["summary"]),
            *_problems(status),
            *_graph(status),
            *_timeline(status),
            *_workloads(status),
            *_programs(status),
            _facts(status),
            _footer(status),
            "</main></body>",
            "</html>",
            "",
        ]
    )


def _footer(status: Mapping[str, Any]) -> str:
    version = shown(status["schema_version"])
    return f"<footer>The same as data, version {version} of its schema: gitops.flux_local.loop_info</footer>"


def _time(text: Any) -> str:
    return f'<time datetime="{shown(text)}">{shown(str(text).replace("T", " ").replace("Z", " UTC"))}</time>'


def _tiles(summary: Mapping[str, Any]) -> str:
    tiles = [
        ("workloads", "idle", "workloads"),
        ("ready", "good", "ready"),
        ("in_progress", "busy", "in progress"),
        ("failed", "bad", "failed"),
        ("suspended", "idle", "suspended"),
        ("behind", "warn", "behind"),
        ("drifted", "warn", "drifted"),
        ("problems", "bad", "problems"),
    ]
    shown_tiles = [
        f'<div class="tile {word if summary[name] else "idle"}">'
        f"<b>{shown(summary[name])}</b><span>{label}</span></div>"
        for name, word, label in tiles
        if summary[name] or name in ("workloads", "ready", "failed", "problems")
    ]
    return f'<div class="tiles">{"".join(shown_tiles)}</div>'


def _section(title: str, *content: str, kind: str = "") -> str:
    return f'<section class="{kind}"><h2>{title}</h2>{"".join(content)}</section>'


def _problems(status: Mapping[str, Any]) -> list[str]:
    told = remarks(status)
    listed = "".join(f"<li>{shown(remark)}</li>" for remark in told)
    return [_section("What needs attention", f"<ul>{listed}</ul>", kind="problems")] if told else []


def _graph(status: Mapping[str, Any]) -> list[str]:
    if not status["workloads"]:
        return []
    return [
        _section(
            "Workloads and what they wait for", f'<div class="scroll">{graph_of(status["workloads"])}</div>'
        )
    ]


def _timeline(status: Mapping[str, Any]) -> list[str]:
    picture = timeline_of(status["kustomizations"], status["taken_at"])
    return [_section("The last reconciles", f'<div class="scroll">{picture}</div>')] if picture else []


def _workloads(status: Mapping[str, Any]) -> list[str]:
    kustomizations = {(one["namespace"], one["name"]): one for one in status["kustomizations"]}
    sources = {(one["namespace"], one["name"]): one for one in status["sources"]}
    parts = []
    for workload in status["workloads"]:
        kustomization = kustomizations[(workload["namespace"], workload["name"])]
        named = kustomization["source"]
        source = sources.get((named["namespace"], named["name"]))
        parts.append(_workload(workload, kustomization, source, status["taken_at"]))
    return [_section("Workloads", *parts)] if parts else []


def _workload(
    workload: Mapping[str, Any],
    kustomization: Mapping[str, Any],
    source: Mapping[str, Any] | None,
    taken_at: str,
) -> str:
    word = mood(workload)
    row = (
        f'<span class="who">{shown(workload["name"])}</span>'
        f'<span class="quiet mono">{shown(workload["follows"] or "-")} @ {shown(applied(workload))}</span>'
        f'<span class="quiet">{shown(ago(workload["applied_at"], taken_at))}</span>'
        f'<span><span class="pill {word}">{shown(", ".join(standing(workload)))}</span></span>'
    )
    facts = [
        ("namespace", workload["namespace"]),
        ("artifact", workload["url"] or "-"),
        ("fetched", workload["fetched_revision"] or "-"),
        ("applied", workload["applied_revision"] or "-"),
        ("code", workload["applied_origin_revision"] or "-"),
    ]
    inside = [
        _message(workload, word),
        f"<dl>{_pairs(facts)}</dl>",
        _versions(workload),
        _conditions(kustomization, source),
        _inventory(kustomization),
        _history(kustomization),
        _events(kustomization, source),
    ]
    # What needs attention is open already.
    opened = " open" if word == "bad" else ""
    return (
        f'<details id="{anchor(workload)}"{opened}><summary>{row}</summary>'
        f'<div class="inside">{"".join(inside)}</div></details>'
    )


def _message(workload: Mapping[str, Any], word: str) -> str:
    told = f"<b>{shown(workload['reason'])}</b> {shown(workload['message'])}"
    if workload["cause"]:
        told = f"{shown(why(workload))}<br><span>{told}</span>"
    return f'<p class="message {"bad" if word == "bad" else ""}">{told}</p>'


def _pairs(pairs: Sequence[tuple[str, Any]]) -> str:
    return "".join(f"<dt>{shown(name)}</dt><dd>{shown(text)}</dd>" for name, text in pairs)


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{shown(word)}</th>" for word in header)
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    heading = f"<h3>{shown(title)}</h3>" if title else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'{heading}<div class="scroll">{table}</div>'


def _cell(content: Any) -> str:
    opening = '<td class="long">' if len(str(content)) > _LONG else "<td>"
    return f"{opening}{shown(content)}</td>"


def _versions(workload: Mapping[str, Any]) -> str:
    running = short_revision(workload["applied_revision"]).rpartition("@")[2]
    rows = [
        [
            short_revision(one["digest"]),
            ", ".join(one["tags"]) or "(no tag)",
            one["created"] or "-",
            "applied" if short_revision(one["digest"]) == running else "",
        ]
        for one in workload["versions"]
    ]
    title = f"{counted(workload['versions_total'], 'version')} in the registry, the newest first"
    return _table(title, ("Digest", "Tags", "Created", ""), rows)


def _conditions(kustomization: Mapping[str, Any], source: Mapping[str, Any] | None) -> str:
    rows = [
        [kind, one["type"], one["status"], one["reason"], one["message"], one["last_transition_time"]]
        for kind, item in (("OCIRepository", source), ("Kustomization", kustomization))
        if item
        for one in item["conditions"]
    ]
    return _table("Conditions", ("Object", "Type", "Status", "Reason", "Message", "Since"), rows)


def _inventory(kustomization: Mapping[str, Any]) -> str:
    rows = [
        [f"{one['group']}/{one['version']}".lstrip("/"), one["kind"], one["namespace"] or "-", one["name"]]
        for one in kustomization["inventory"]
    ]
    return _table("What is applied", ("API", "Kind", "Namespace", "Name"), rows)


def _history(kustomization: Mapping[str, Any]) -> str:
    rows = [
        [
            short_revision((one["metadata"] or {}).get("revision")),
            one["status"],
            one["duration"],
            one["reconciliations"],
            one["first_reconciled"],
            one["last_reconciled"],
        ]
        for one in kustomization["history"]
    ]
    return _table("History", ("Revision", "Status", "Took", "Times", "First", "Last"), rows)


def _events(kustomization: Mapping[str, Any], source: Mapping[str, Any] | None) -> str:
    events = [
        (one["last_seen"] or "", kind, one)
        for kind, item in (("OCIRepository", source), ("Kustomization", kustomization))
        if item
        for one in item.get("events", [])
    ]
    rows = [
        [seen, kind, one["type"], one["reason"], one["message"], one["count"]]
        for seen, kind, one in sorted(events, key=lambda event: event[0], reverse=True)
    ]
    return _table("Events", ("Seen", "Object", "Type", "Reason", "Message", "Times"), rows)


def _programs(status: Mapping[str, Any]) -> list[str]:
    rows = rows_of_programs(status)
    if not rows:
        return []
    return [_section("Programs", _table("", [word.capitalize() for word in PROGRAMS], rows))]


def _facts(status: Mapping[str, Any]) -> str:
    return _section("Where things are", f"<dl>{_pairs([*places(status), *kept(status)])}</dl>")
