# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux's messages name: objects, files, lines, fields and kinds."""

from __future__ import annotations

import re

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import (
    OBJECT_RULES,
)

OBJECT = re.compile(
    r"(?P<object_kind>[A-Z]\w*)/(?:(?P<namespace>[^/\s]*)/)?(?P<object_name>[^/\s]+)"
    r" (?:dry-run failed|apply failed|not found|is invalid)(?: \((?P<status>\w+)\))?:? *(?P<said>.*)",
    re.DOTALL,
)
SCRATCH = re.compile(r"[^\s'\"]*/kustomization-\d+(?P<inside>(?:/[^\s'\":,]+)*)")
# As Go's parsers of YAML say it.
LINE = re.compile(r"yaml: line (\d+): ")
FIELD = re.compile(
    r"(?P<field>[A-Za-z][\w.\[\]/-]*): (?:Invalid value|Required value|Unsupported value|Duplicate value|"
    r"Forbidden|Too long|Too many|Not found|Internal error|expected )"
)
_UNHEALTHY = re.compile(r"(\w+)/(?:([^/\s]*)/)?([^/\s]+) status: '(\w+)'")


def unknown_kind(message: str) -> tuple[str, str] | None:
    """Kind and apiVersion of what the API server does not know, None where a message says something else."""
    found = re.search(OBJECT_RULES[0].pattern, message)
    return (found["kind"], found["version"]) if found else None


def unhealthy_objects(message: str) -> list[tuple[str, str, str]]:
    """Kind, namespace and name of the objects that a failed health check names."""
    return [(kind, namespace or "", name) for kind, namespace, name, _status in _UNHEALTHY.findall(message)]


def flat(text: str) -> str:
    """A text in one line, without what only indents it."""
    return " ".join(text.split())
