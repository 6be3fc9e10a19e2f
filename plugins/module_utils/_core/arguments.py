# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Options checked against an argument spec; names that it does not have are told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import unknown_name

Spec = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Checked:
    """Options with defaults and types, and what is wrong: a sentence without its full stop for each."""

    values: Mapping[str, Any]
    wrong: tuple[str, ...] = ()


def checked(spec: Spec, given: Mapping[str, Any]) -> Checked:
    """The options that are ``given``, checked.

    Names that the spec does not have are told alone: what is missing may be one of them, misspelled.
    """
    unknown = tuple(unknown_names(spec, given))
    if unknown:
        return Checked(given, unknown)
    result = ArgumentSpecValidator(dict(spec)).validate(dict(given))
    return Checked(result.validated_parameters, tuple(map(str, result.error_messages)))


def unknown_names(spec: Spec, given: Mapping[Any, Any], within: str = "") -> Iterator[str]:
    """A sentence, without a full stop, for each name that the spec does not have; in suboptions too."""
    known = {*spec, *(alias for entry in spec.values() for alias in entry.get("aliases") or ())}
    for name, value in given.items():
        if name not in known:
            yield f"{within}{unknown_name(str(name), known)}"
            continue
        suboptions = (spec.get(name) or {}).get("options")
        if suboptions:
            for entry in value if isinstance(value, list) else [value]:
                if isinstance(entry, Mapping):
                    yield from unknown_names(suboptions, entry, f"{within}{name}.")
