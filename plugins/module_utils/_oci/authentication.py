# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Answers to a registry that asks who one is (Docker's token specification, and RFC 7617).

oras-py's own answers ask for the right to pull only, know no identity tokens and no expiry, and take Basic
for a token server.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.docker_config import Credentials
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.endpoints import referred

with suppress(ImportError):  # module.require() names what is missing
    import oras.auth.utils

CLIENT = "flux-local"
ASSUMED_LIFE = 60.0  # seconds, where a token does not say how long it is valid

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Challenge:
    """What a registry asks for: ``scheme`` is in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenge(header: str) -> Challenge | None:
    """The first challenge of a ``WWW-Authenticate`` header that can be answered."""
    for match in re.finditer(r"(?:^|,)\s*(basic|bearer)(?:\s+|$)", header, re.IGNORECASE):
        found = _PARAMETER.findall(header[match.end() :])
        parameters = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in found}
        if match[1].lower() == "basic" or "realm" in parameters:
            return Challenge(match[1].lower(), parameters)
    return None


def scopes(asked: str, repository: str, actions: Sequence[str]) -> list[str]:
    """The rights to ask a token server for: those the registry ``asked`` for, and ``actions``."""
    own = f"repository:{repository}:"
    others = [scope for scope in asked.split() if not scope.startswith(own)]
    mine = [
        action
        for scope in asked.split()
        if scope.startswith(own)
        for action in scope.removeprefix(own).split(",")
    ]
    return [own + ",".join(dict.fromkeys([*mine, *actions])), *others]


@dataclass(frozen=True)
class _Token:
    text: str
    good_until: float


@dataclass(frozen=True)
class Shown:
    """The header a request was sent with, if it had one."""

    authorization: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


class Send(Protocol):
    """Sends a request to a token server, and returns its answer."""

    def __call__(
        self,
        method: str,
        realm: str,
        deadline: Deadline,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        form: Mapping[str, str] | None,
    ) -> Any: ...


class Authentication:
    """Who one is, for one repository; for several threads.

    ``credentials`` are looked up when the registry asks for the first time. They are never sent where a
    registry leads out of https; without any, tokens are fetched there if it is ``insecure``.
    """

    def __init__(
        self,
        repository: str,
        credentials: Callable[[], Credentials | None],
        send: Send,
        *,
        insecure: bool = False,
    ) -> None:
        self._repository = repository
        self._insecure = insecure
        self._look_up = credentials
        self._send = send
        self._known: list[Credentials | None] = []
        self._basic: str | None = None
        self._challenge: Challenge | None = None
        self._is_encrypted = False
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._lock = threading.RLock()

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything to show; looked up only where the registry has asked."""
        return bool(self._known and self._known[0])

    def shown(self, actions: Sequence[str]) -> Shown:
        """What a request that needs ``actions`` is sent with, as far as it is known already."""
        with self._lock:
            if self._basic:
                return Shown(self._basic)
            token = self._tokens.get(tuple(actions))
            if token and token.good_until > time.monotonic():
                return Shown(f"Bearer {token.text}")
            return Shown(None)

    def fetch_token(self, actions: Sequence[str], deadline: Deadline) -> Any:
        """Get a token before the registry asks again; returns an answer of the token server's that failed."""
        with self._lock:
            if self.shown(actions).authorization or self._challenge is None:
                return None
            return self._get_token(self._challenge, actions, deadline)

    def answer(
        self, response: Any, actions: Sequence[str], shown: Shown, deadline: Deadline
    ) -> tuple[bool, Any]:
        """Answer the challenge in ``response``.

        Whether the request should be sent again, and an answer of the token server's that failed. Raises
        LoopError where it would give credentials away.
        """
        challenge = parse_challenge(response.headers.get("Www-Authenticate", ""))
        if challenge is None:
            return False, None
        with self._lock:
            now = self.shown(actions)
            if now.authorization and now != shown:
                return True, None  # another thread was faster
            if challenge.scheme == "basic":
                return self._answer_basic(shown), None
            self._challenge = challenge
            self._is_encrypted = urlsplit(response.url).scheme == "https"
            self._tokens.pop(tuple(actions), None)
            failed = self._get_token(challenge, actions, deadline)
            return bool(self.shown(actions).authorization), failed

    def _credentials(self) -> Credentials | None:
        if not self._known:
            self._known.append(self._look_up())
        return self._known[0]

    def _answer_basic(self, shown: Shown) -> bool:
        known = self._credentials()
        if known is None or known.username is None:
            return False
        self._basic = _basic(known)
        return self._basic != shown.authorization

    def _get_token(self, challenge: Challenge, actions: Sequence[str], deadline: Deadline) -> Any:
        known = self._credentials() or Credentials()
        if known.registry_token:
            self._keep({"token": known.registry_token}, actions)
            return None
        realm = challenge.parameters["realm"]
        self._require_encryption(realm, known)
        wanted = scopes(challenge.parameters.get("scope", ""), self._repository, actions)
        service = [("service", name)] if (name := challenge.parameters.get("service")) else []
        if known.identity_token:
            form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": known.identity_token}
            form |= {"scope": " ".join(wanted)} | dict(service)
            response = self._send("POST", realm, deadline, {}, [], form)
        else:
            headers = {"Authorization": _basic(known)} if known.username is not None else {}
            query = [*service, *(("scope", scope) for scope in wanted)]
            response = self._send("GET", realm, deadline, headers, query, None)
        if response.status_code != 200:
            return response
        try:
            self._keep(response.json(), actions)
        except (ValueError, AttributeError, TypeError, RecursionError):
            return response
        return None

    def _require_encryption(self, realm: str, known: Credentials) -> None:
        if not self._is_encrypted or urlsplit(referred("", realm)).scheme == "https":
            return
        if known != Credentials():
            raise LoopError(
                f"url: the registry wants credentials sent to {realm} without encryption. They are not. "
                "Correct the registry's settings (its token realm)."
            )
        if not self._insecure:
            raise LoopError(
                f"url: the registry gives out its tokens at {realm}, without encryption. Correct the "
                "registry's settings (its token realm), or set `insecure`."
            )

    def _keep(self, answer: Mapping[str, Any], actions: Sequence[str]) -> None:
        text = answer.get("token") or answer.get("access_token")
        if not isinstance(text, str):
            return
        life = float(answer.get("expires_in") or ASSUMED_LIFE)
        # Old by its last tenth: what is sent with it may take a while.
        self._tokens[tuple(actions)] = _Token(text, time.monotonic() + life * 0.9)


def _basic(known: Credentials) -> str:
    return f"Basic {oras.auth.utils.get_basic_auth(str(known.username), known.password or '')}"
