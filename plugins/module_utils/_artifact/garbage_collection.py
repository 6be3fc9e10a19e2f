# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The garbage collection of a registry that is stopped, and the bytes it wins."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import for_child
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import HeldError, folder_by
from ansible_collections.gitops.flux_local.plugins.module_utils._core.process_table import arguments_by_pid

with suppress(ImportError):  # module.require() names what is missing
    import yaml

_BLOB = re.compile(r"^blob eligible for deletion: sha256:([a-f0-9]{64})$", re.MULTILINE)
_LINK = re.compile(r"^(\S+): layer link eligible for deletion: sha256:([a-f0-9]{64})$", re.MULTILINE)
_LAST_LINES = 5
LOCK_SECONDS = 60
COLLECTION_SECONDS = 3600

Execute = Callable[[Sequence[str], Sequence[int]], subprocess.CompletedProcess[str]]


def run(
    params: Mapping[str, Any],
    *,
    execute: Execute,
    check_mode: bool,
    paused: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, Any]:
    """The return values of the module registry_garbage_collect. Raises LoopError.

    ``execute`` runs a command that keeps open files. While ``paused`` is entered, the registry is stopped.
    """
    configuration = _configuration(params["config"])
    folder = _storage(configuration, params["config"])
    content = os.path.join(folder, "docker/registry/v2")
    if not check_mode and params.get("state_dir") is None:
        _refuse_running(configuration, params["config"])
    before = size_of(folder)
    if not os.path.isdir(os.path.join(content, "repositories")):
        return _returned([], 0, before)  # nothing was ever pushed, which the program takes for an error
    command = [params["program"], "garbage-collect"]
    said = _said(execute([*command, "--dry-run", params["config"]], ()))
    if check_mode or not _BLOB.search(said):
        return _returned(_doomed(said), _won(said, content), before)
    with paused(), _alone(folder) as lock:
        _refuse_running(configuration, params["config"])
        before = size_of(folder)
        doomed = _doomed(_said(execute([*command, "--dry-run", params["config"]], (lock,))))
        # The collection has the lock itself: no registry starts beside it, whoever else is killed.
        _said(execute([*command, params["config"]], (lock,)))
        return _returned(doomed, before - size_of(folder), before)


@contextmanager
def _alone(folder: str) -> Iterator[int]:
    try:
        with folder_by(folder, deadline=time.monotonic() + LOCK_SECONDS) as descriptor:
            yield descriptor
    except HeldError as error:
        raise LoopError(
            f"Another garbage collection of {folder} still runs after {LOCK_SECONDS} s. Wait for it to end, "
            "or end it, then run this again."
        ) from error


def _refuse_running(configuration: Mapping[str, Any], path: str) -> None:
    if _is_served(configuration) or _is_started(path):
        raise LoopError(
            f"config: the registry of {path} runs. What is pushed while its garbage is collected "
            "could get lost: stop it first."
        )


def size_of(folder: str) -> int:
    """The bytes of all files in ``folder``; 0 where there is no such folder."""
    total = 0
    for where, _folders, files in os.walk(folder):
        total += sum(os.lstat(os.path.join(where, name)).st_size for name in files)
    return total


def execute(command: Sequence[str], kept: Sequence[int]) -> subprocess.CompletedProcess[str]:
    """Run the registry's program to its end, without the traces it would like to send.

    Its configuration is the file alone: the program lets variables such as REGISTRY_STORAGE_… override that.
    It has the open files ``kept``, and is ended when this process is interrupted.
    """
    environment = for_child(os.environ, OTEL_TRACES_EXPORTER="none")
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            pass_fds=kept,
            timeout=COLLECTION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LoopError(
            f"The registry's garbage collection did not end within {COLLECTION_SECONDS} s, and was ended."
        ) from error
    except OSError as error:
        raise LoopError(
            f"program: {command[0]} cannot be run: {error.strerror}. Name the registry's program."
        ) from error


def _returned(doomed: Sequence[str], won: int, before: int) -> dict[str, Any]:
    return {
        "changed": bool(doomed),
        "blobs": list(doomed),
        "won": won,
        "before": before,
        "after": before - won,
    }


def _said(finished: subprocess.CompletedProcess[str]) -> str:
    if finished.returncode:
        last = " ".join((finished.stderr or finished.stdout).strip().splitlines()[-_LAST_LINES:])
        raise LoopError(f"The registry's garbage collection failed, and the registry is as it was: {last}")
    return finished.stdout + finished.stderr


def _doomed(said: str) -> list[str]:
    return sorted({f"sha256:{name}" for name in _BLOB.findall(said)})


def _won(said: str, content: str) -> int:
    """The bytes that a dry run foretells."""
    return sum(size_of(os.path.join(content, path)) for path in _doomed_folders(said))


def _doomed_folders(said: str) -> list[str]:
    """The folders of blobs, and of a repository's links to them."""
    blobs = [f"blobs/sha256/{name[:2]}/{name}" for name in _BLOB.findall(said)]
    return blobs + [f"repositories/{path}/_layers/sha256/{name}" for path, name in _LINK.findall(said)]


def _configuration(path: str) -> Mapping[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            read = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LoopError(f"config: {path} cannot be read: {error}.") from error
    return read if isinstance(read, dict) else {}


def _storage(configuration: Mapping[str, Any], path: str) -> str:
    try:
        return str(configuration["storage"]["filesystem"]["rootdirectory"])
    except (KeyError, TypeError) as error:
        raise LoopError(
            f"config: {path} names no storage.filesystem.rootdirectory. Only a registry that keeps files "
            "can win space here."
        ) from error


def _is_served(configuration: Mapping[str, Any]) -> bool:
    """Whether something listens where the registry would."""
    host, colon, port = str((configuration.get("http") or {}).get("addr", "")).rpartition(":")
    if not colon or not port.isdigit():
        return False
    try:
        socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def _is_started(path: str) -> bool:
    """Whether a registry with this configuration runs, also one that does not listen yet."""
    running = arguments_by_pid(os.getuid()).values()
    return any("serve" in arguments and path in arguments for arguments in running)
