# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to one repository of a registry: tried again in time, authenticated, over the scheme it speaks.

The session below is oras-py's. Authentication, retries and time-outs are ours, because oras-py asks for one
token only, retries for 131 seconds and never times out.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import proxy_for
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import refusals
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.answers import (
    CHECK_ADDRESS,
    LOOK_AT_LOG,
    WAIT_LONGER,
    cause_of,
    is_from_registry,
    is_json,
    is_unfinished,
    is_untrusted,
    remedy_of,
    retry_after,
    said,
    wants_https,
    wants_other_certificate,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.authentication import Authentication
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import (
    Connection,
    schemes_to_try,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.docker_config import (
    Credentials,
    kept_credentials,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.endpoints import Endpoints
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.request import (
    MAX_ATTEMPTS,
    PASSING,
    RETRIED_STATUSES,
    Request,
    counted,
    pause_after,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.session import Session

with suppress(ImportError):  # module.require() names what is missing
    import requests


@dataclass(frozen=True)
class _Failure:
    """An attempt that failed in a way that may pass, and what to do where it does not.

    ``pause`` are the seconds the registry asks to wait.
    """

    words: str
    remedy: str
    pause: float = 0.0
    cause: Exception | None = None


class Transport:
    """How one repository's requests get there; for several threads."""

    def __init__(self, reference: Reference, connection: Connection) -> None:
        self.reference = reference
        self.session = Session(reference, connection)
        self._connection = connection
        self._endpoints = Endpoints(reference)
        self._schemes = schemes_to_try(reference, connection)
        self._authentication = Authentication(
            reference.repository,
            self._credentials,
            self.session.ask_for_token,
            insecure=connection.insecure,
        )

    @property
    def timeout(self) -> float:
        """In seconds."""
        return self._connection.timeout

    def url(self, endpoint: str) -> str:
        """An endpoint with the scheme that the registry speaks, as far as that is known."""
        return f"{self._schemes[0]}://{endpoint}"

    def send(self, request: Request, deadline: Deadline | None = None) -> requests.Response:
        """The answer of the registry, which may be an error of the caller's.

        What may pass (no connection, too many requests, an error of the server's) is tried again until
        ``deadline``, or within the option ``timeout``; then LoopError says what was tried.
        """
        limit = deadline or Deadline.after(self.timeout)
        return self.persistently(lambda: self.once(request, limit), request.name, limit)

    def persistently(
        self, attempt: Callable[[], requests.Response], what: str, deadline: Deadline
    ) -> requests.Response:
        """The answer to ``attempt``, which ends by the ``deadline``, several times if need be."""
        start = time.monotonic()
        number = 0
        while True:
            number += 1
            answer = self._tried(attempt, what, deadline)
            if not isinstance(answer, _Failure):
                return answer
            pause = max(pause_after(number), answer.pause)
            if number == MAX_ATTEMPTS or pause >= deadline.left:
                spent = time.monotonic() - start
                tried = f"{what} was tried {counted(number)} in {spent:.1f} seconds"
                raise refusals.given_up(self.reference, answer.words, tried, answer.remedy) from answer.cause
            time.sleep(pause)

    def _tried(
        self, attempt: Callable[[], requests.Response], what: str, deadline: Deadline
    ) -> requests.Response | _Failure:
        """The answer to one attempt, or why there is none yet. Raises LoopError where there will be none."""
        try:
            response = attempt()
        except PASSING as error:
            if is_untrusted(error):
                raise refusals.untrusted(self.reference, cause_of(error, deadline.grace)) from error
            if wants_other_certificate(error):
                raise refusals.no_client_certificate(self.reference) from error
            return self._unreached(error, deadline)
        except (requests.RequestException, OSError) as error:
            raise refusals.failed(self.reference, what, error) from error
        if response.status_code not in RETRIED_STATUSES:
            return response
        response.close()
        words = f"{self._asked(response)} fails: {said(response)}"
        return _Failure(words, remedy_of(response) or LOOK_AT_LOG, retry_after(response))

    def _unreached(self, error: requests.RequestException, deadline: Deadline) -> _Failure:
        """Why nobody has answered."""
        cause = cause_of(error, deadline.grace)
        url = str(error.request.url) if error.request is not None else ""
        proxy = proxy_for(url, os.environ)
        if proxy and isinstance(error, requests.exceptions.ProxyError):
            words = f"{self._asked(error)} cannot be reached by way of the proxy {proxy}: {cause}"
            remedy = f"Correct {proxy.named_by} in the environment, or add the registry to NO_PROXY."
            return _Failure(words, remedy, cause=error)
        if is_unfinished(error):
            return _Failure(f"{self._asked(error)} is too slow: {cause}", WAIT_LONGER, cause=error)
        return _Failure(f"{self._asked(error)} cannot be reached: {cause}", CHECK_ADDRESS, cause=error)

    def _asked(self, answer: requests.Response | requests.RequestException) -> str:
        """Who gave an answer or none: the registry, or another server it sent us to."""
        url = str(answer.request.url) if answer.request is not None else ""
        if not url or self._endpoints.are_at(url):
            return f"the registry {self.reference.host}"
        return f"{urlsplit(url).netloc}, to which the registry {self.reference.host} refers,"

    def once(self, request: Request, deadline: Deadline) -> requests.Response:
        """One attempt: over https or http, whichever the registry speaks."""
        failure: requests.RequestException | None = None
        for scheme in self._schemes:
            url = re.sub(r"^https?", scheme, request.url) if len(self._schemes) > 1 else request.url
            self.session.require_encryption(self.url(""), url)
            try:
                response = self._authenticated(replace(request, url=url), deadline)
            except requests.ConnectionError as error:
                if is_untrusted(error) or wants_other_certificate(error):
                    raise
                failure = failure or error
                continue
            if scheme == "http" and "https" in self._schemes and wants_https(response):
                continue
            self._schemes = (scheme,)
            return response
        if failure:
            raise failure
        raise requests.ConnectionError("it speaks https only, and its https does not work")

    def _authenticated(self, request: Request, deadline: Deadline) -> requests.Response:
        """The answer, after the credentials it asked for have been given: once, never in circles.

        Or an answer of the server that gives out tokens, where that fails in a way that may pass.
        """
        if not self._are_credentials_for(request.url):
            return self.session.send(request, {}, deadline)
        shown = self._authentication.shown(request.rights)
        if not shown.authorization:
            failed = self._authentication.fetch_token(request.rights, deadline)
            if failed is not None and failed.status_code in RETRIED_STATUSES:
                return failed  # type: ignore[no-any-return]
            shown = self._authentication.shown(request.rights)
        response = self.session.send(request, shown.headers, deadline)
        # 403 to a token: it may be for pulling only.
        if response.status_code != 401 and not (response.status_code == 403 and shown.authorization):
            return response
        is_answered, failed = self._authentication.answer(response, request.rights, shown, deadline)
        if failed is not None and failed.status_code in RETRIED_STATUSES:
            return failed  # type: ignore[no-any-return]
        if not is_answered:
            return response
        response.close()
        return self.session.send(request, self._authentication.shown(request.rights).headers, deadline)

    def _are_credentials_for(self, url: str) -> bool:
        """Whether ``url`` is the registry's, with a scheme that it is spoken to with."""
        return self._endpoints.are_at(url) and urlsplit(url).scheme in self._schemes

    def _credentials(self) -> Credentials | None:
        """The user of the options, else the one Docker's or Podman's configuration knows."""
        if self._connection.username is not None:
            return Credentials(self._connection.username, self._connection.password)
        return kept_credentials(self.reference, os.environ)

    def require(self, response: requests.Response, what: str, *statuses: int) -> None:
        """Raise LoopError unless ``response``, when asked to do ``what``, has one of ``statuses``."""
        if response.status_code in statuses:
            return
        if not is_from_registry(response):
            self.require_registry()
        remedy = remedy_of(response) or "Check the url."
        if response.status_code in (401, 403):
            remedy = self._remedy_for_credentials()
        raise refusals.refused(self.reference, response, what, remedy)

    def _remedy_for_credentials(self) -> str:
        if self._connection.username is not None:
            return "Check `username`, `password` and what that user may do."
        if self._authentication.has_credentials:
            return (
                "The credentials of Docker's or Podman's configuration do not suffice: log in again, or set "
                "`username` and `password`."
            )
        return "It asks for credentials: set `username` and `password`, or log in with Docker or Podman."

    def is_absent(self, response: requests.Response) -> bool:
        """Whether the registry says that there is no such thing. Raises LoopError where it is no registry."""
        if response.status_code != 404:
            return False
        if not is_from_registry(response):
            self.require_registry()
        return True

    def require_registry(self) -> None:
        """Raise LoopError unless the host answers as a registry does (OCI distribution spec, "end-1")."""
        response = self.send(Request("GET", self.url(self._endpoints.base)))
        if is_from_registry(response) or (response.status_code == 200 and is_json(response)):
            return
        raise refusals.no_registry(self.reference, response)
