# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which ports a loop listens on: chosen once, kept, and never those of another loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import locked_folder
from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import unknown_name
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.state_files import FILES, read_kept
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    loop_key,
    make_own,
)

FILE_NAME = FILES["ports"].name


def choose(
    wanted: Mapping[str, int],
    kept: Mapping[str, int],
    pinned: Mapping[str, int],
    *,
    reserved: Iterable[int],
    is_free: Callable[[int], bool],
    any_free: Callable[[], int],
) -> dict[str, int]:
    """A port for every name in ``wanted``.

    It is the pinned one, else the kept one, else the default when that is free, else any free one.
    ``reserved`` are the ports of other loops, which may be stopped just now. Raises LoopError when a pinned
    port that is not already kept is taken.
    """
    taken = set(reserved) | {port for name, port in kept.items() if name not in wanted}
    chosen: dict[str, int] = {}
    for name, default in wanted.items():
        if name in pinned:
            port = pinned[name]
            if kept.get(name) != port and not is_free(port):
                raise LoopError(
                    f"{name}_port: port {port} on 127.0.0.1 is taken by another program. Choose another "
                    "port, or leave the option out to have a free one chosen."
                )
            if port in taken:
                raise LoopError(
                    f"{name}_port: port {port} is already used by another loop, or for something else in "
                    "this one. Choose another."
                )
        elif name in kept:
            port = kept[name]
        else:
            port = default
            while port in taken or not is_free(port):
                port = any_free()
        taken.add(port)
        chosen[name] = port
    return chosen


def port_numbers(option: str, ports: Mapping[str, Any]) -> dict[str, int]:
    """The ports of an option as numbers, those without a value left out. Raises LoopError."""
    numbers = {}
    for name, value in ports.items():
        if value in (None, ""):
            continue
        if not str(value).isdecimal() or not 0 < int(value) < 65536:
            raise LoopError(f"{option}: the port of {name} is {value!r}. Give a number from 1 to 65535.")
        numbers[name] = int(value)
    return numbers


def pinned_ports(ports: Mapping[str, Any], wanted: Collection[str]) -> dict[str, int]:
    """The ports that must be these and no others. Raises LoopError, also for a name that nobody wants."""
    unknown = [name for name in ports if name not in wanted]
    if unknown:
        raise LoopError(f"pinned: {unknown_name(unknown[0], wanted, what='the name of a port')}.")
    return port_numbers("pinned", ports)


def read_ports(state_dir: str) -> dict[str, int]:
    """The ports that the loop in ``state_dir`` has chosen; none when there is no such loop yet.

    Raises LoopError.
    """
    try:
        return {name: int(port) for name, port in read_kept(state_dir, "ports").items()}
    except (ValueError, TypeError) as error:
        file = FILES["ports"]
        path = f"{state_dir}/{file.name}"
        raise LoopError(f"{path} cannot be read as {file.what}: {error}. {file.remedy}") from error


def ports_of_others(state_dir: str, links: Iterable[str]) -> set[int]:
    """The ports of all other loops: of those beside this one, and of those that ``links`` have links to."""
    folders = [Path(state_dir).parent, *map(Path, links)]
    files = [path for folder in folders for path in folder.glob(f"*/{FILE_NAME}")]
    taken: set[int] = set()
    for folder in {path.parent.resolve() for path in files} - {Path(state_dir).resolve()}:
        # Another loop's broken file is that loop's error, not this one's.
        with contextlib.suppress(LoopError):
            taken |= set(read_ports(str(folder)).values())
    return taken


@contextlib.contextmanager
def choosing_alone(state_dir: str, shared: str) -> Iterator[None]:
    """No other loop of this user chooses ports meanwhile, so that two made at once take different ones.

    ``shared`` is a folder with a link to the state folder of every loop, whatever its parent. This loop gets
    one; those of loops that are gone are removed. Raises LoopError when that folder is somebody else's.
    """
    folder = Path(shared)
    link = folder / loop_key(state_dir)
    make_own(shared)
    with locked_folder(shared):
        for other in folder.iterdir():
            if other.is_symlink() and not (other / FILE_NAME).exists():
                other.unlink()
        if not link.is_symlink():
            link.symlink_to(os.path.realpath(state_dir))
        yield
