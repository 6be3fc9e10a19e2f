# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The credentials that Docker, Podman, and all that log in like them, keep for a registry."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference

HELPER_TIMEOUT = 10  # seconds
# What the configuration calls Docker Hub.
HUB_KEY = "https://index.docker.io/v1/"
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
# docker-credential-helpers: the user's name of an identity token, and what stands for "none".
_IDENTITY_TOKEN_USER = "<token>"  # noqa: S105 - a name
_NOT_FOUND = "credentials not found"


@dataclass(frozen=True)
class Credentials:
    """What to show to a registry: a user's password, or a token in its place."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    identity_token: str | None = field(default=None, repr=False)
    registry_token: str | None = field(default=None, repr=False)


Answer = tuple[int, str]
Ask = Callable[[str, str], Answer]


def ask_helper(program: str, host: str) -> Answer:
    """Exit status and output of a credential helper that is asked for ``host``.

    Raises OSError where it cannot be run, subprocess.TimeoutExpired where it does not end.
    """
    done = subprocess.run(
        [program, "get"], input=host, capture_output=True, text=True, check=False, timeout=HELPER_TIMEOUT
    )
    return done.returncode, done.stdout


def kept_credentials(
    reference: Reference, environment: Mapping[str, str], ask: Ask = ask_helper
) -> Credentials | None:
    """What is kept for ``reference``, by the first file that has anything; None for nothing.

    As for Docker and Podman, within a file a helper for the host comes first, then the store for all hosts,
    then the file itself. Raises LoopError where a file or a helper is broken.
    """
    for path in login_files(environment):
        if found := _credentials_in(path, reference, ask):
            return found
    return None


def login_files(environment: Mapping[str, str]) -> list[str]:
    """Where logins are kept, in the order in which Flux looks: Docker's configuration, then Podman's.

    Podman, Buildah and Skopeo: containers-auth.json(5).
    """
    home = os.path.expanduser("~")
    docker = environment.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    named = environment.get("REGISTRY_AUTH_FILE")
    own = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    runtime = environment.get("XDG_RUNTIME_DIR")
    return [
        os.path.join(docker, "config.json"),
        *([named] if named else []),
        *([os.path.join(runtime, "containers", "auth.json")] if runtime else []),
        os.path.join(own, "containers", "auth.json"),
    ]


def _credentials_in(path: str, reference: Reference, ask: Ask) -> Credentials | None:
    config = _config(path)
    host = reference.host
    key = HUB_KEY if host in _HUB_HOSTS else host
    helpers = config.get("credHelpers")
    helper = (helpers.get(host) or helpers.get(key)) if isinstance(helpers, dict) else None
    helper = helper or config.get("credsStore")
    if helper and (found := _from_helper(str(helper), key, path, ask)):
        return found
    return _from_file(config.get("auths"), reference, path)


def _config(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            config = from_json(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise LoopError(
            f"{path} cannot be read: {reason}. Correct it, or set `username` and `password`."
        ) from None
    return config if isinstance(config, dict) else {}


def _from_helper(name: str, key: str, path: str, ask: Ask) -> Credentials | None:
    program = f"docker-credential-{name}"
    remedy = f"{path} names it for {key}. Try `echo {key} | {program} get`, or set `username` and `password`."
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise LoopError(f"The credential helper {name!r} is no name of a program. {path} has it: correct it.")
    try:
        status, output = ask(program, key)
    except FileNotFoundError:
        raise LoopError(f"The credential helper {program} is not installed. {remedy}") from None
    except OSError as error:
        raise LoopError(
            f"The credential helper {program} cannot be run: {error.strerror}. {remedy}"
        ) from None
    except subprocess.TimeoutExpired:
        raise LoopError(
            f"The credential helper {program} did not answer within {HELPER_TIMEOUT} seconds. {remedy}"
        ) from None
    if status != 0:
        if _NOT_FOUND in output:
            return None
        raise LoopError(f"The credential helper {program} failed with exit status {status}. {remedy}")
    try:
        answer = from_json(output)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise LoopError(f"The credential helper {program} answered with no credentials. {remedy}") from None
    if username == _IDENTITY_TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(username, secret) if username or secret else None


def _from_file(auths: Any, reference: Reference, path: str) -> Credentials | None:
    if not isinstance(auths, dict):
        return None
    entry = auths.get(closest(auths, reference))
    if not isinstance(entry, dict):
        return None
    username, password = entry.get("username"), entry.get("password")
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(str(entry["auth"]), validate=True).decode().rstrip("\0")
        except (binascii.Error, UnicodeDecodeError):
            raise LoopError(
                f"{path}: what it has for {reference.host} is damaged. Log in again, or set `username` and "
                "`password`."
            ) from None
        username, _colon, password = decoded.partition(":")
    found = Credentials(
        username or None, password or None, entry.get("identitytoken"), entry.get("registrytoken")
    )
    return None if found == Credentials() else found


def closest(keys: Iterable[str], reference: Reference) -> str | None:
    """The key of an ``auths`` that is meant for a repository: of its host's, the one with the longest path.

    A key is a host, with a repository or the beginning of one (containers-auth.json(5)); old versions of
    Docker wrote a URL, whose path means nothing.
    """
    hosts = _HUB_HOSTS if reference.host in _HUB_HOSTS else {reference.host}
    fitting = []
    for key in keys:
        host, _slash, path = re.sub(r"^https?://", "", key).partition("/")
        is_url = host != key.partition("/")[0]
        below = "" if is_url else path.rstrip("/")
        if host in hosts and f"{reference.repository}/".startswith(f"{below}/" if below else ""):
            fitting.append((len(below), not is_url, key))
    return max(fitting)[2] if fitting else None
