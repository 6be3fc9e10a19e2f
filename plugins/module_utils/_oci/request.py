# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One request to a registry: what it needs, how long to wait after it, and how much of its answer is read."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

try:
    import requests
except ImportError:  # module.require() names what is missing
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

# Rights, in the words of token servers.
PULL = ("pull",)
PUSH = ("pull", "push")
DELETE = ("delete",)
_RIGHTS: Mapping[str, tuple[str, ...]] = {"GET": PULL, "HEAD": PULL, "DELETE": DELETE}

# What may pass. Defined also where the libraries are missing.
PASSING: tuple[type[requests.RequestException], ...] = (
    (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    if HAS_LIBRARIES
    else ()
)
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
MAX_ATTEMPTS = 4
FIRST_PAUSE = 0.15  # seconds; doubled after each attempt, with jitter
CHUNK = 256 * 1024  # bytes
LARGEST_BODY = 16 * 1024 * 1024  # bytes of a manifest or a list; most registries stop at 4 MiB


@dataclass(frozen=True)
class Request:
    """``body`` is bytes or a file; ``actions`` are the rights it takes, where its method does not say them.

    ``stream`` leaves the body of a good answer to be read by the caller.
    """

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False
    actions: tuple[str, ...] = ()

    @property
    def rights(self) -> tuple[str, ...]:
        return self.actions or _RIGHTS.get(self.method, PUSH)

    @property
    def name(self) -> str:
        """How a message calls it: method and path."""
        return f"{self.method} {urlsplit(self.url).path}"


def pause_after(attempt: int) -> float:
    """The seconds to wait after an attempt, the first being 1."""
    return FIRST_PAUSE * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter is no secret


def counted(attempts: int) -> str:
    """How often something was tried, in words."""
    return "once" if attempts == 1 else f"{attempts} times"


def with_body(response: requests.Response) -> requests.Response:
    """``response`` after its body was read, which must be small."""
    body = bytearray()
    try:
        for block in response.iter_content(CHUNK):
            body += block
            if len(body) > LARGEST_BODY:
                raise requests.exceptions.InvalidHeader(f"its answer has more than {LARGEST_BODY} bytes")
    except requests.RequestException as error:
        error.request = response.request  # or nobody would know whose answer it was
        raise
    response._content = bytes(body)  # noqa: SLF001 - requests has no limits of its own
    response.close()
    return response
