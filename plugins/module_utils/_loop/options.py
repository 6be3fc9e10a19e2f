# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of roles, checked by their argument_specs before any of the roles does anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.arguments import checked

# A certificate may well be left to its last day.
MAY_BE_ZERO = frozenset({"cluster_renew_before_days"})

Options = Mapping[str, Mapping[str, Any]]


class WaitingError(Exception):
    """An option waits for the fact of a role that has not run yet."""


def given_values(
    options: Options, value_of: Callable[[str], Any], variables: Iterable[str]
) -> dict[str, Any]:
    """The options that are among the variables, with their values.

    ``value_of`` raises WaitingError: such an option is left to the role that takes it.
    """
    values = {}
    for name in variables:
        if name in options:
            try:
                values[name] = value_of(name)
            except WaitingError:
                continue
    return values


def wrong_options(options: Options, values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values, a sentence without its full stop for each."""
    given = {name: dict(options[name]) for name in values}
    return [
        *checked(given, values).wrong,
        *(
            f"{name} is {value}, and has to be above 0"
            for name, value in values.items()
            if options[name].get("type") == "int" and name not in MAY_BE_ZERO and _number(value) < 1
        ),
    ]


def refused(wrong: Iterable[str]) -> str:
    """The message of a playbook that does nothing because of them."""
    return f"{'; '.join(wrong)}. Nothing was touched: correct what was given."


def _number(value: Any) -> int:
    """A number, or 1 for what is none, which its type refuses."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 1
