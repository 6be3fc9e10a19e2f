# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A loop's entries in the kubeconfig of its user, who keeps everything else that is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import write_atomically
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import HeldError, held_marker

with suppress(ImportError):  # module.require() names what is missing
    import yaml

PARTS = {"clusters": "cluster", "users": "user", "contexts": "context"}
# Every entry may have extensions: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
EXTENSION = "gitops.flux-local.loop"
MODE = 0o600
LOCK_SECONDS = 5.0


def belongs_to(entry: Mapping[str, Any], part: str) -> str:
    """The loop whose entry it is; empty when it is none of a loop's."""
    for extension in (entry.get(PARTS[part]) or {}).get("extensions") or []:
        if extension.get("name") == EXTENSION:
            return str((extension.get("extension") or {}).get("loop", ""))
    return ""


def marked(entry: Mapping[str, Any], part: str, loop: str) -> dict[str, Any]:
    """The entry as the loop's."""
    inner = dict(entry.get(PARTS[part]) or {})
    others = [extension for extension in inner.get("extensions") or [] if extension.get("name") != EXTENSION]
    inner["extensions"] = [*others, {"name": EXTENSION, "extension": {"loop": loop}}]
    return {"name": entry["name"], PARTS[part]: inner}


def without(kubeconfig: Mapping[str, Any], loop: str) -> dict[str, Any]:
    """The kubeconfig less what belongs to the loop; a current context that goes is current no longer."""
    left = dict(kubeconfig)
    gone = {
        entry["name"] for entry in kubeconfig.get("contexts") or [] if belongs_to(entry, "contexts") == loop
    }
    for part in PARTS:
        if kubeconfig.get(part):
            left[part] = [entry for entry in kubeconfig[part] if belongs_to(entry, part) != loop]
    if kubeconfig.get("current-context") in gone:
        left["current-context"] = ""
    return left


def merged(kubeconfig: Mapping[str, Any], own: Mapping[str, Any], loop: str) -> dict[str, Any]:
    """The kubeconfig with all entries of the loop's own one, in the place of those it had before.

    The current context stays, unless there is none. Raises LoopError for a name that others' entries have.
    """
    result = {"apiVersion": "v1", "kind": "Config", **kubeconfig}
    for part in PARTS:
        entries = {entry["name"]: marked(entry, part, loop) for entry in own.get(part) or []}
        theirs = result.get(part) or []
        taken = [
            entry["name"] for entry in theirs if entry["name"] in entries and belongs_to(entry, part) != loop
        ]
        if taken:
            raise LoopError(
                f"merge: the kubeconfig has entries in {part} already that this loop has not made: "
                f"{', '.join(taken)}. Rename or remove them, or give the loop another name."
            )
        kept = [
            entries.pop(entry["name"], None) if belongs_to(entry, part) == loop else entry for entry in theirs
        ]
        result[part] = [entry for entry in kept if entry is not None] + list(entries.values())
    names = [entry["name"] for entry in own.get("contexts") or []]
    if not result.get("current-context") and names:
        result["current-context"] = own.get("current-context") or names[0]
    return result


def read(path: Path) -> dict[str, Any]:
    """What the file holds; nothing when there is none. Raises LoopError for what is no kubeconfig."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        # The content is not shown: it may be a key.
        reason = error.strerror if isinstance(error, OSError) else "it is no YAML"
        raise LoopError(
            f"path: {path} cannot be read: {reason}. Correct it, or name another file."
        ) from error
    if found is not None and not isinstance(found, dict):
        raise LoopError(f"path: {path} is no kubeconfig. Name another file.")
    return found or {}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else who respects the lock of client-go, such as kubectl and kind, writes the file meanwhile.

    Raises LoopError when the lock is not given up within ``LOCK_SECONDS``.
    """
    lock = path.with_name(path.name + ".lock")
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(held_marker(str(lock), seconds=LOCK_SECONDS))
        except HeldError:
            raise LoopError(
                f"path: {lock} is there since another program writes {path}. Delete it if none does."
            ) from None
        yield


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """What the module kubeconfig_merge does and returns. Raises LoopError."""
    # The file that a link leads to is replaced, not the link.
    path = Path(os.path.realpath(os.path.expanduser(params["path"])))
    if check_mode:
        before, after = _planned(params, path)
        differs = after != before or _is_open(path)
    else:
        with locked(path):
            before, after = _planned(params, path)
            differs = after != before or _is_open(path)
            if differs:
                write_atomically(str(path), yaml.safe_dump(after, sort_keys=False).encode(), mode=MODE)
    return {
        "changed": differs,
        "path": str(path),
        "contexts": _contexts(after),
        "diff": {
            "before_header": str(path),
            "after_header": str(path),
            "before": "".join(f"{name}\n" for name in _contexts(before)),
            "after": "".join(f"{name}\n" for name in _contexts(after)),
        },
    }


def _planned(params: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    before = read(path)
    if params["state"] == "absent":
        return before, without(before, params["loop"])
    return before, merged(before, read(Path(params["source"])), params["loop"])


def _contexts(kubeconfig: Mapping[str, Any]) -> list[str]:
    return [str(entry["name"]) for entry in kubeconfig.get("contexts") or []]


def _is_open(path: Path) -> bool:
    """Whether others than its owner may read it."""
    return path.exists() and stat.S_IMODE(path.stat().st_mode) != MODE
