# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What all reports on a loop have in common: the words for how things stand, for times and for sizes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import short_revision

# The days from which on a report points at a certificate that ends; they are issued anew at 30.
FEW_DAYS = 30
# A workload's state in words, and what a reader has to think of it.
STATES = {
    "ready": ("ready", "good"),
    "in_progress": ("in progress", "busy"),
    "failed": ("failed", "bad"),
    "suspended": ("suspended", "idle"),
    "deleting": ("being deleted", "busy"),
}


def counted(number: int, noun: str) -> str:
    """``1 workload``, ``2 workloads``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def standing(workload: Mapping[str, Any]) -> list[str]:
    """How a workload stands, in a few words, the most important first."""
    words = [STATES.get(workload["state"], (str(workload["state"]), "busy"))[0]]
    if workload["suspended"] and workload["state"] != "suspended":
        words.append("suspended")
    if workload["behind"]:
        words.append(f"{counted(workload['behind'], 'version')} behind")
    if workload["drift"]:
        words.append("drifted")
    return words


def mood(workload: Mapping[str, Any]) -> str:
    """What a reader has to think of a workload: ``good``, ``busy``, ``warn``, ``idle`` or ``bad``."""
    told = STATES.get(workload["state"], ("", "busy"))[1]
    is_off = workload["behind"] or workload["drift"] or workload["suspended"]
    return "warn" if told == "good" and is_off else told


def headline(status: Mapping[str, Any]) -> str:
    """The counts of a status as one sentence."""
    summary = status["summary"]
    words = {
        "ready": "ready",
        "in_progress": "in progress",
        "failed": "failed",
        "suspended": "suspended",
        "behind": "behind",
        "drifted": "drifted",
    }
    counts = [f"{summary[name]} {word}" for name, word in words.items() if summary[name]]
    problems = [counted(summary["problems"], "problem")] if summary["problems"] else []
    is_known = all(problem["part"] != "flux" for problem in status["problems"])
    total = counted(summary["workloads"], "workload") if is_known else "workloads are not known"
    return ", ".join([total, *counts, *problems])


def moment(text: str | None) -> datetime.datetime | None:
    """A time of the Kubernetes API; None for what is none."""
    try:
        found = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def ago(text: str | None, now: str) -> str:
    """How long something was ago: ``40 s``, ``12 min``; ``-`` for what never was."""
    then, until = moment(text), moment(now)
    return lasted((until - then).total_seconds()) if then and until else "-"


def lasted(seconds: float | None) -> str:
    """A number of seconds in its one largest unit."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def size(amount: int | None) -> str:
    """A number of bytes in its largest unit, two digits at least."""
    if amount is None:
        return "-"
    if amount < 1000:
        return f"{amount} B"
    value, unit = amount / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value >= 1000:
            value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def versions_of_flux(status: Mapping[str, Any]) -> str:
    """Flux's controllers with their versions; ``-`` where nobody knows them."""
    running = {
        program["name"]: program["version"]
        for program in status["programs"]
        if program["kind"] == "deployment"
    }
    known = running or status["flux"]["versions"] or {}
    return ", ".join(f"{name} {version or '?'}" for name, version in sorted(known.items())) or "-"


def places(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where everything is, each with its name."""
    cluster = status["cluster"]
    mode = status["flux"]["mode"]
    found = [
        ("kubeconfig", str(cluster["kubeconfig"] or "the default one")),
        ("cluster", f"{cluster['provider'] or '-'}, context {cluster['context'] or 'current'}"),
        ("registry", str(status["registry"]["host"] or "-")),
        ("flux", versions_of_flux(status) + (f" ({mode})" if mode else "")),
    ]
    if cluster["simulates_pods"]:
        found.append(("pods", "simulated: no container runs; Deployments become ready as if theirs did"))
    return found


def applied(workload: Mapping[str, Any]) -> str:
    """The digest that is applied, short."""
    revision = workload["applied_revision"]
    return short_revision(revision).rpartition("@")[2] if revision else "-"


def why(workload: Mapping[str, Any]) -> str:
    """Why a workload is not ready: the cause with its remedy, or else Flux's own words."""
    cause = workload["cause"]
    if not cause:
        return f"{workload['reason']}: {workload['message']}"
    own = f"Kustomization {workload['namespace']}/{workload['name']}"
    place = "" if cause["place"] in ("", own) else f"{cause['place']}: "
    return f"{place}{cause['text']} {cause['remedy']}".rstrip()


def remarks(status: Mapping[str, Any]) -> list[str]:
    """What needs an explanation: problems, then why workloads are not ready, then drift; a sentence each."""
    told = [str(problem["message"]) for problem in status["problems"]]
    for workload in status["workloads"]:
        if not workload["ready"]:
            told.append(f"{workload['name']}: {why(workload)}")
        told += [f"{workload['name']}: {sentence}" for sentence in workload["drift"]]
    told += [
        f"certificate {certificate['name']}: it ends in {counted(max(0, certificate['days_left']), 'day')}."
        for certificate in status["certificates"]
        if certificate["days_left"] < FEW_DAYS
    ]
    return told


def kept(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Ports, disk and certificates in a line each."""
    lines = []
    if status["ports"]:
        lines.append(("ports", ", ".join(f"{port['name']} {port['port']}" for port in status["ports"])))
    disk = status["disk"]
    if disk:
        largest = [
            f"{folder['name']} {size(folder['size'])}" for folder in disk["folders"][:4] if folder["size"]
        ]
        lines.append(("disk", f"{size(disk['used'])} ({', '.join(largest)}), {size(disk['free'])} free"))
    if status["certificates"]:
        first = status["certificates"][0]
        lines.append(
            ("certificates", f"{counted(first['days_left'], 'day')} left ({first['name']} ends first)")
        )
    return lines


def rows_of_programs(status: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """A row for each program: name, version, state, memory, restarts, uptime."""
    return [
        [
            str(program["name"]),
            str(program["version"] or "-"),
            str(program["state"]),
            size(program["memory"]),
            str(program["restarts"]),
            lasted(program["uptime"]),
        ]
        for program in status["programs"]
    ]


PROGRAMS = ("PROGRAM", "VERSION", "STATE", "MEMORY", "RESTARTS", "UPTIME")
WORKLOADS = ("WORKLOAD", "FOLLOWS", "APPLIED", "SINCE", "OBJECTS", "STATUS")


def rows_of_workloads(status: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """A row for each workload: name, what it follows, what is applied since when, objects, how it stands."""
    home = status["flux"]["namespace"]
    return [
        [
            workload["name"]
            if workload["namespace"] == home
            else f"{workload['namespace']}/{workload['name']}",
            str(workload["follows"] or "-"),
            applied(workload),
            ago(workload["applied_at"], status["taken_at"]),
            str(workload["objects"]),
            ", ".join(standing(workload)),
        ]
        for workload in status["workloads"]
    ]
