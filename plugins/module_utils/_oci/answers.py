# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What an answer of a registry, or the lack of one, means; in words for the user."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import UnfinishedError

# OpenSSL's names of the alerts a server sends about the client's certificate (RFC 8446, "Error Alerts").
_CLIENT_REFUSED = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    }
)

# What to do about a registry that has not answered, or failed.
CHECK_ADDRESS = "Check that the registry runs and that its address is right."
WAIT_LONGER = "Set a longer `timeout`, or find out what slows it down."
LOOK_AT_LOG = "Look at its log."
_FREE_SPACE = "Its disk is full: free some of it (for a loop, `make prune`), then run this again."
# What the file system of a registry says; distribution passes it on in the detail of its error.
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_READ_ONLY = re.compile(r"read-only file system", re.IGNORECASE)
_REMEDIES: Mapping[int, str] = {
    405: "It may be read-only, as a mirror is: push to another one, or allow it to be written to.",
    413: (
        "It takes nothing as large: raise the limit of the registry or of the proxy before it (nginx: "
        "client_max_body_size), or push less."
    ),
    429: "It limits how often it is asked: wait, or authenticate for a higher limit, then run this again.",
    507: _FREE_SPACE,
}

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
        body = from_json(response.content)
    except (ValueError, requests.RequestException):
        return []
    errors = body.get("errors") if isinstance(body, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def said(response: requests.Response) -> str:
    """Status and the registry's own words; those of its detail too, where that is a sentence."""
    words = []
    for error in _errors(response):
        words.append(str(error.get("message") or error.get("code")))
        words += [error["detail"]] if isinstance(error.get("detail"), str) else []
    return f"{response.status_code} {response.reason}" + (f" ({'; '.join(words)})" if words else "")


def remedy_of(response: requests.Response) -> str | None:
    """What to do about a refusal or a failure; None where the answer does not say what is wrong."""
    words = said(response)
    if _FULL.search(words):
        return _FREE_SPACE
    if _READ_ONLY.search(words):
        return "The file system that it stores in is read-only: make it writable."
    wanted = retry_after(response)
    if response.status_code in (429, 503) and wanted:
        return f"It asks to wait for {wanted:.0f} seconds: run this again after that."
    return _REMEDIES.get(response.status_code)


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


def is_unfinished(error: BaseException) -> bool:
    """Whether a request failed because its answer had begun, and did not end in time."""
    return any(isinstance(cause, UnfinishedError) for cause in _chain(error))


def cause_of(error: requests.RequestException, allowed: float) -> str:
    """What went wrong, in a few words."""
    causes = list(_chain(error))
    known = next((words for cause in causes if (words := _in_words(cause))), None)
    if known:
        return known
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {allowed:.3g} seconds"
    if isinstance(error, requests.Timeout) or any(_is_time_out(cause) for cause in causes):
        return f"no answer within {allowed:.3g} seconds"
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return str(error)


def _is_time_out(cause: BaseException) -> bool:
    """Whether it is one of ours, not one of the operating system's, which says so in its own words."""
    return isinstance(cause, TimeoutError) and cause.errno is None


def _in_words(cause: BaseException) -> str | None:
    """What went wrong where ``cause`` alone says it."""
    if isinstance(cause, UnfinishedError):
        return str(cause)
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
