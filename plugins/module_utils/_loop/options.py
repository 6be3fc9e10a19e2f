# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of roles and playbooks, checked before anything is done."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.arguments import checked
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.ports import port_numbers

# A certificate may well be left to its last day, and no version be kept for its age.
MAY_BE_ZERO = frozenset({"cluster_renew_before_days", "flux_local_keep_last"})
# One port, or several by name.
PORTS = frozenset({"registry_port", "cluster_ports", "flux_ports"})
# Files and folders that the user has.
EXISTING = re.compile(r".*_(ca_cert|client_cert|client_key)|binaries_folder|workloads_base_dir")
# What modules and the filter `bool` read alike. Modules know y, t, n and f, which the filter takes for false.
BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})
# A loop's name is that of a folder.
NAME = re.compile(r"(?!\.\.?$)[^/\n]+")

# What is told in better words than Ansible's.
_READ_HERE: dict[Any, dict[str, str]] = {"bool": {"type": "raw"}}

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
    given = {name: {**options[name], **_READ_HERE.get(options[name].get("type"), {})} for name in values}
    return [
        *checked(given, values).wrong,
        *(wrong for name, value in values.items() for wrong in _wrong(name, options[name], value)),
        *_ports_given_twice(values),
    ]


def missing_files(options: Options, values: Mapping[str, Any]) -> list[str]:
    """A sentence, without its full stop, for each option that names a file or folder that is not there."""
    return [
        f"{name}: {value} does not exist. Correct the path, or leave the option out"
        for name, value in values.items()
        if value
        and options[name].get("type") in ("path", "str")
        and EXISTING.fullmatch(name)
        and not os.path.exists(os.path.expanduser(str(value)))
    ]


def refused(wrong: Iterable[str]) -> str:
    """The message of a playbook that does nothing because of them."""
    return f"{'; '.join(wrong)}. Nothing was touched: correct what was given."


def _wrong(name: str, option: Mapping[str, Any], value: Any) -> Iterator[str]:
    """What is wrong with a value besides its type."""
    kind = option.get("type")
    if kind == "int" and name not in MAY_BE_ZERO and _number(value) < 1:
        yield f"{name} is {value}, and has to be above 0"
    if kind == "bool" and value is not None and str(value).lower() not in BOOLEANS:
        yield f"{name} is {str(value)!r}. Write true or false"
    if name == "flux_local_name" and value and not NAME.fullmatch(str(value)):
        yield f"{name} is {str(value)!r}. A name is that of a folder, without a slash"
    if name in PORTS:
        yield from _wrong_ports(name, value)


def _wrong_ports(name: str, value: Any) -> Iterator[str]:
    try:
        port_numbers(name, _ports(name, value))
    except LoopError as error:
        yield error.message.rstrip(".")


def _ports_given_twice(values: Mapping[str, Any]) -> Iterator[str]:
    """One port cannot be that of two programs."""
    owner: dict[int, str] = {}
    for option in sorted(PORTS & values.keys()):
        try:
            numbers = port_numbers(option, _ports(option, values[option]))
        except LoopError:
            continue
        for name, port in numbers.items():
            called = option if option == f"{name}_port" else f"{option}.{name}"
            if port in owner:
                yield f"{called} is {port}, which {owner[port]} is already. Give one of them another port"
            owner[port] = called


def _ports(option: str, value: Any) -> dict[str, Any]:
    """Ports by name, without what its type refuses."""
    if option == "registry_port":
        return {"registry": value}
    ports = value if isinstance(value, Mapping) else {}
    return {name: port for name, port in ports.items() if str(port).lstrip("-").isdecimal()}


def _number(value: Any) -> int:
    """A number, or 1 for what is none, which its type refuses."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 1
