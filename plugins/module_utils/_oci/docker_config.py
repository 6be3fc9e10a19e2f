# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The credentials that Docker, and all that log in like it, keep for a registry."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

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


def docker_credentials(
    host: str, environment: Mapping[str, str], ask: Ask = ask_helper
) -> Credentials | None:
    """What Docker's configuration (``DOCKER_CONFIG``, else ``~/.docker``) has for ``host``; None for nothing.

    As for Docker, a helper for the host comes first, then the store for all hosts, then the file itself.
    Raises LoopError where the configuration or a helper is broken.
    """
    folder = environment.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    path = os.path.join(folder, "config.json")
    config = _config(path)
    key = HUB_KEY if host in _HUB_HOSTS else host
    helpers = config.get("credHelpers")
    helper = (helpers.get(host) or helpers.get(key)) if isinstance(helpers, dict) else None
    helper = helper or config.get("credsStore")
    if helper and (found := _from_helper(str(helper), key, path, ask)):
        return found
    return _from_file(config.get("auths"), key, path)


def _config(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
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
        answer = json.loads(output)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise LoopError(f"The credential helper {program} answered with no credentials. {remedy}") from None
    if username == _IDENTITY_TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(username, secret) if username or secret else None


def _from_file(auths: Any, key: str, path: str) -> Credentials | None:
    if not isinstance(auths, dict):
        return None
    entry = auths.get(key)
    if not isinstance(entry, dict):
        entry = next((auths[name] for name in auths if _host_of(name) == _host_of(key)), None)
    if not isinstance(entry, dict):
        return None
    username, password = entry.get("username"), entry.get("password")
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(str(entry["auth"]), validate=True).decode().rstrip("\0")
        except (binascii.Error, UnicodeDecodeError):
            raise LoopError(
                f"{path}: what it has for {key} is damaged. Log in again, or set `username` and `password`."
            ) from None
        username, _colon, password = decoded.partition(":")
    found = Credentials(
        username or None, password or None, entry.get("identitytoken"), entry.get("registrytoken")
    )
    return None if found == Credentials() else found


def _host_of(key: str) -> str:
    """The host of a key, which old versions of Docker wrote as a URL."""
    return re.sub(r"^https?://", "", key).partition("/")[0]
