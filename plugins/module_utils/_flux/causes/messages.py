# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux's messages name: objects, files, lines, fields and kinds; and what of them is worth telling."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import named
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.object_rules import (
    OBJECT_RULES,
)

# As github.com/fluxcd/pkg/ssa says what became of an object.
OBJECT = re.compile(
    r"(?P<object_kind>[A-Z]\w*)/(?:(?P<namespace>[^/\s]*)/)?(?P<object_name>[^/\s]+) "
    r"(?:(?:dry-run failed|apply failed|not found|is invalid|normalization error|query failed|delete failed"
    r"|failed to migrate API version|metadata\.managedFields cleanup failed"
    r"|immutable field detected, failed to (?:delete object|wait for object to be deleted))"
    r"(?: \((?P<status>\w+)\))?:? *|(?=namespace not specified|is SOPS encrypted))(?P<said>.*)",
    re.DOTALL,
)
# With which a failed apply tells what it has applied before.
_CHANGE_LOG = re.compile(
    r"(?:\s*^[A-Z]\w*/\S+ (?:created|configured|deleted|unchanged|skipped|unknown)$)+\s*\Z", re.MULTILINE
)
SCRATCH = re.compile(r"[^\s'\"]*/kustomization-\d+(?P<inside>(?:/[^\s'\":,]+)*)")
# As Go's parsers of YAML say it.
LINE = re.compile(r"yaml: line (\d+): ")
FIELD = re.compile(
    r"(?P<field>[A-Za-z](?:[\w./-]|\[[^\]]*\])*): (?:Invalid value|Required value|Unsupported value|"
    r"Duplicate value|Forbidden|Too long|Too many|Not found|Internal error|expected |duplicate entries|"
    r"field not declared)"
)
_UNHEALTHY = re.compile(
    r"(\w+)/(?:([^/\s]*)/)?([^/\s]+) status: '(\w+)'(?:: (.*?)(?=, [A-Z]\w*/\S+ status: |\]?\s*\Z))?",
    re.DOTALL,
)
_UNDETERMINED = re.compile(r"can't determine status for (\w+)/(?:([^/\s,\]]*)/)?([^/\s,\]]+)")
_ENDING = re.compile(
    r"in namespace (\S+) because it is being terminated|Namespace/(\S+) status: 'Terminating'"
)
_NEXT_ERROR = re.compile(r"(errors:)?\n\s*\.(?=\w)")
_EXPLANATION = re.compile(r" \(e\.g\. .*?regex used for validation is '.*?'\)")
_INVALID = re.compile(r"(.* is invalid: )\[(.*)\]", re.DOTALL)

LONGEST_VALUE = 80  # characters of a value that an error quotes


class Named(NamedTuple):
    """An object that Flux calls unhealthy, what it calls it, and what hindered it from looking."""

    kind: str
    namespace: str
    name: str
    status: str
    said: str = ""

    def __str__(self) -> str:
        return named(self.kind, self.namespace, self.name)


def unknown_kind(message: str) -> tuple[str, str] | None:
    """Kind and apiVersion of what the API server does not know, None where a message says something else."""
    found = re.search(OBJECT_RULES[0].pattern, message)
    return (found["kind"], found["version"]) if found else None


def unhealthy_objects(message: str) -> list[Named]:
    """The objects that a failed health check names."""
    unseen = [(*found, "Unknown", "") for found in _UNDETERMINED.findall(message)]
    return [
        Named(kind, namespace or "", name, status, flat(said))
        for kind, namespace, name, status, said in [*_UNHEALTHY.findall(message), *unseen]
    ]


def ending_namespace(message: str) -> str:
    """The namespace that a message says is being deleted, empty where it says something else."""
    found = _ENDING.search(message)
    return (found[1] or found[2]) if found else ""


def flat(text: str) -> str:
    """A text in one line, without what only indents it."""
    return " ".join(text.split())


def refusal_in(said: str) -> str:
    """What the API server said of an object, in one line: without what Flux adds, and without dumps."""
    text = flat(_NEXT_ERROR.sub(_comma, _CHANGE_LOG.sub("", said))).rstrip(".")
    listed = _INVALID.fullmatch(text)
    return _EXPLANATION.sub("", without_dumps(listed[1] + listed[2] if listed else text))


def _comma(found: re.Match[str]) -> str:
    """What stands between errors that are listed in lines of their own."""
    return "" if found[1] else ", "


def without_dumps(text: str) -> str:
    """A text with ``{...}`` in place of structures that are too long to be read."""
    parts, begin, depth = [], 0, 0
    for position, character in enumerate(text):
        if character == "{":
            if depth == 0:
                parts.append(text[begin:position])
                begin = position
            depth += 1
        elif character == "}" and depth:
            depth -= 1
            if depth == 0:
                whole = text[begin : position + 1]
                parts.append(whole if len(whole) <= LONGEST_VALUE else "{...}")
                begin = position + 1
    rest = text[begin:]
    return "".join(parts) + (rest if depth == 0 or len(rest) <= LONGEST_VALUE else "{...")
