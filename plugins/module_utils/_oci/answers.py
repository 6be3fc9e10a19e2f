# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What an answer of a registry, or the lack of one, means; in words for the user."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# OpenSSL's names of the alerts a server sends about the client's certificate (RFC 8446, "Error Alerts").
_CLIENT_REFUSED = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    }
)

with suppress(ImportError):  # module.require() names what is missing
    import requests


def wants_https(response: requests.Response) -> bool:
    """Whether a server that speaks only https was spoken to in http: Go's and nginx's answers to that."""
    return response.status_code == 400 and "https" in response.text[:1000].lower()


def is_json(response: requests.Response) -> bool:
    """Whether the body is said to be JSON."""
    return "json" in response.headers.get("Content-Type", "")


def is_from_registry(response: requests.Response) -> bool:
    """Whether an answer has a mark only registries leave (OCI distribution spec, "Error Codes")."""
    if response.headers.get("Docker-Distribution-Api-Version"):
        return True
    if response.status_code == 401 and "Www-Authenticate" in response.headers:
        return True
    return is_json(response) and bool(_errors(response))


def _errors(response: requests.Response) -> list[dict[str, Any]]:
    try:
        body = response.json()
    except (ValueError, requests.RequestException):
        return []
    errors = body.get("errors") if isinstance(body, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def said(response: requests.Response) -> str:
    """Status and the registry's own words."""
    words = [str(error.get("message") or error.get("code")) for error in _errors(response)]
    return f"{response.status_code} {response.reason}" + (f" ({'; '.join(words)})" if words else "")


def retry_after(response: requests.Response) -> float:
    """The seconds a registry asks to wait, 0 where it asks for none (RFC 9110, "Retry-After")."""
    wanted = response.headers.get("Retry-After", "")
    if wanted.isdigit():
        return float(wanted)
    try:
        until = parsedate_to_datetime(wanted)
    except (TypeError, ValueError):
        return 0.0
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what caused it; urllib3 keeps causes in arguments as well."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [cause for cause in linked if isinstance(cause, BaseException)]


def is_untrusted(error: BaseException) -> bool:
    """Whether a request failed because the server's certificate is not trusted."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _chain(error))


def wants_other_certificate(error: BaseException) -> bool:
    """Whether a request failed because the server refuses the client's certificate, or lacks one."""
    return any(isinstance(cause, ssl.SSLError) and cause.reason in _CLIENT_REFUSED for cause in _chain(error))


def cause_of(error: requests.RequestException, allowed: float) -> str:
    """What went wrong, in a few words."""
    causes = list(_chain(error))
    known = next((words for cause in causes if (words := _in_words(cause))), None)
    if known:
        return known
    if isinstance(error, requests.Timeout):
        kind = "no connection" if isinstance(error, requests.ConnectTimeout) else "no answer"
        return f"{kind} within {allowed:g} seconds"
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return str(error)


def _in_words(cause: BaseException) -> str | None:
    """What went wrong where ``cause`` alone says it."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return str(cause.verify_message).rstrip(".")
    if isinstance(cause, socket.gaierror):
        return "its host name is not known"
    if isinstance(cause, http.client.IncompleteRead):
        return "it closed the connection in the middle of an answer"
    if isinstance(cause, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(cause, http.client.BadStatusLine):
        return "what listens there does not speak HTTP"
    if isinstance(cause, ssl.SSLError):
        return f"no secure connection ({cause.reason or cause})"
    return None
