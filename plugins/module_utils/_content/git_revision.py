# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where the content of a folder is from: its git remote and revision, as Flux writes them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import GIT, for_child

_TIMEOUT = 10.0  # seconds; a repository on a dead network drive must not hold up a push
# Not what urlsplit makes of it: git takes any character in a password, also a bracket, which that refuses.
_URL = re.compile(r"(?P<scheme>[^:/?#]+)://(?:(?P<user>[^/?#]*)@)?(?P<place>[^?#]*)")
# What git calls the branch of a commit that was checked out alone, as CI often does.
DETACHED = "HEAD"
_REMOTE_KEY = re.compile(r"remote\.(?P<name>.+)\.url")


@dataclass(frozen=True)
class GitRevision:
    """What git knows of a folder.

    ``source`` is the remote's URL without credentials, ``revision`` is ``<branch or tag>@sha1:<commit>``,
    which ends in ``-dirty`` when git sees a change in the folder. ``warning`` says why git would not tell.
    """

    source: str | None = None
    revision: str | None = None
    warning: str | None = None


def git_revision(path: str) -> GitRevision:
    """What git knows of the folder or file ``path``: nothing where it is in no repository, or without git."""
    folder, name = (path, ".") if os.path.isdir(path) else os.path.split(os.path.abspath(path))
    try:
        status = _git(folder, "status", "--porcelain=v2", "--branch", "--", name)
        if status.returncode:
            return _without_revision(path, status.stderr)
        head = _branch_headers(status.stdout)
        branch = head.get("head", "")
        remotes = _git(folder, "config", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$").stdout
        name = (_tag_at_head(folder) or DETACHED) if branch == "(detached)" else branch
    except OSError:  # no git on this machine
        return GitRevision()
    except subprocess.TimeoutExpired:
        return GitRevision(
            warning=f"git did not answer within {_TIMEOUT:g} seconds: no source and revision are noted."
        )
    is_dirty = _reports_changes(status.stdout)
    return GitRevision(
        _source(remotes, branch), format_revision(name, head.get("oid", ""), is_dirty=is_dirty)
    )


def format_revision(name: str, commit: str, *, is_dirty: bool) -> str | None:
    """Flux's spelling of a revision, None where there is no commit yet."""
    if not re.fullmatch(r"[0-9a-f]+", commit):
        return None
    algorithm = "sha256" if len(commit) == 64 else "sha1"
    return f"{name}@{algorithm}:{commit}{'-dirty' if is_dirty else ''}"


def without_credentials(url: str) -> str:
    """``url`` as it may be published. A name in front of an ssh host is none's secret, a password is."""
    parts = _URL.match(url)
    if parts is None:
        return url
    kept = f"{parts['user'].split(':')[0]}@" if parts["user"] and parts["scheme"].endswith("ssh") else ""
    return f"{parts['scheme']}://{kept}{parts['place']}"


def _branch_headers(status: str) -> dict[str, str]:
    prefix = "# branch."
    lines = [line.removeprefix(prefix) for line in status.splitlines() if line.startswith(prefix)]
    return dict(line.partition(" ")[::2] for line in lines)


def _reports_changes(status: str) -> bool:
    return any(line and not line.startswith("#") for line in status.splitlines())


def _source(config: str, branch: str) -> str | None:
    settings = dict(line.partition(" ")[::2] for line in reversed(config.splitlines()))
    urls = {match["name"]: url for key, url in settings.items() if (match := _REMOTE_KEY.fullmatch(key))}
    name = settings.get(f"branch.{branch}.remote", "origin")
    url = urls.get(name) or urls.get("origin") or next(iter(urls.values()), None)
    return without_credentials(url) if url else None


def _without_revision(path: str, complaint: str) -> GitRevision:
    if "not a git repository" in complaint or "must be run in a work tree" in complaint:
        return GitRevision()
    reason = complaint.strip().split("\n")[0]
    return GitRevision(warning=f"git tells no revision of {path}, so none is noted: {reason}")


def _tag_at_head(folder: str) -> str | None:
    return _git(folder, "describe", "--tags", "--exact-match", "HEAD").stdout.strip() or None


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Without what a git hook that runs this has set, which names the hook's repository, not the folder's.
    environment = for_child(os.environ, GIT, LC_ALL="C", GIT_OPTIONAL_LOCKS="0", GIT_LITERAL_PATHSPECS="1")
    return subprocess.run(
        ["git", "-C", folder, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        timeout=_TIMEOUT,
        check=False,
    )
