# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where the content of a folder is from: its git remote and revision, as Flux writes them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

_TIMEOUT = 10.0  # seconds; a repository on a dead network drive must not hold up a push
_REMOTE_KEY = re.compile(r"remote\.(?P<name>.+)\.url")


@dataclass(frozen=True)
class GitRevision:
    """``source`` is the remote's URL without credentials, ``revision`` is ``<branch or tag>@sha1:<commit>``, which ends
    in ``-dirty`` when git sees a change within the folder. ``warning`` says why git would not tell."""

    source: str | None = None
    revision: str | None = None
    warning: str | None = None


def git_revision(path: str) -> GitRevision:
    """What git knows of the folder or file ``path``: nothing where it is in no repository, or without git."""
    folder, name = (path, ".") if os.path.isdir(path) else os.path.split(os.path.abspath(path))
    try:
        status = _git(folder, "status", "--porcelain=v2", "--branch", "--", name)
        remotes = _git(folder, "config", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")
        status_text, complaint = _result(status)
        remotes_text, _ = _result(remotes)
    except OSError:
        return GitRevision()
    except subprocess.TimeoutExpired:
        return GitRevision(warning=f"git did not answer within {_TIMEOUT:g} seconds: no source and revision are noted.")
    if status_text is None:
        if "not a git repository" in complaint or "this operation must be run in a work tree" in complaint:
            return GitRevision()
        return GitRevision(warning=f"git tells no revision of {path}: {complaint.strip()}")
    head = _branch_headers(status_text)
    commit, branch = head.get("oid", ""), head.get("head", "")
    if branch == "(detached)":
        branch = _tag_at_head(folder) or "HEAD"
    return GitRevision(
        source=_source(remotes_text or "", branch),
        revision=format_revision(branch, commit, is_dirty=_reports_changes(status_text)),
    )


def format_revision(name: str, commit: str, *, is_dirty: bool) -> str | None:
    """Flux's spelling of a revision, None where there is no commit yet."""
    if not re.fullmatch(r"[0-9a-f]+", commit):
        return None
    algorithm = "sha256" if len(commit) == 64 else "sha1"
    return f"{name}@{algorithm}:{commit}{'-dirty' if is_dirty else ''}"


def without_credentials(url: str) -> str:
    """``url`` as it may be published. A name in front of an ssh host is none's secret, a password is."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    kept = f"{user.split(':')[0]}@" if at and parts.scheme.endswith("ssh") else ""
    return urlunsplit(parts._replace(netloc=f"{kept}{host}", query="", fragment=""))


def _branch_headers(status: str) -> dict[str, str]:
    prefix = "# branch."
    lines = [line.removeprefix(prefix) for line in status.splitlines() if line.startswith(prefix)]
    return {key: value for key, _, value in (line.partition(" ") for line in lines)}


def _reports_changes(status: str) -> bool:
    return any(line and not line.startswith("#") for line in status.splitlines())


def _source(config: str, branch: str) -> str | None:
    settings = dict(line.partition(" ")[::2] for line in reversed(config.splitlines()))
    urls = {match["name"]: url for key, url in settings.items() if (match := _REMOTE_KEY.fullmatch(key))}
    name = settings.get(f"branch.{branch}.remote", "origin")
    url = urls.get(name) or urls.get("origin") or next(iter(urls.values()), None)
    return without_credentials(url) if url else None


def _tag_at_head(folder: str) -> str | None:
    text, _ = _result(_git(folder, "describe", "--tags", "--exact-match", "HEAD"))
    return text.strip() if text else None


def _git(folder: str, *arguments: str) -> subprocess.Popen[str]:
    # A hook's GIT_DIR would name another repository than the folder's own.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"}
    return subprocess.Popen(
        ["git", "-C", folder, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
    )


def _result(process: subprocess.Popen[str]) -> tuple[str | None, str]:
    """What ``process`` said, None where it failed, and its complaint."""
    with process:
        try:
            output, complaint = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return (output if process.returncode == 0 else None), complaint
