# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""oras-py's session, with what it lacks: deadlines, limits, whole answers, and credentials that stay."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    ca_bundle_for,
    proxy_for,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci import refusals
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.endpoints import (
    no_address,
    origin,
    referred,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.http_adapter import (
    AnswersAdapter,
    TimeLimit,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.request import Request, with_body

with suppress(ImportError):  # module.require() names what is missing
    import oras.logger
    import oras.provider
    import requests

MAX_CONNECTIONS = 16
MAX_REDIRECTS = 10  # as Go's clients
_SAME_METHOD = frozenset({307, 308})  # RFC 9110, "Redirection 3xx": others may make a GET of it


class Session:
    """Sends a request once, to whoever it is for. Raises what requests raises."""

    def __init__(self, reference: Reference, connection: Connection) -> None:
        self._reference = reference
        self._connection = connection
        self._verify = _verify(reference, connection)
        # oras-py refuses cookies, which registries such as Harbor take for the sign of a browser.
        client = oras.provider.Registry(hostname=reference.host, tls_verify=self._verify)
        self.http: requests.Session = client.session
        oras.logger.logger.set_level(logging.CRITICAL)  # what it has to say becomes a LoopError
        adapter = _Adapter(pool_maxsize=MAX_CONNECTIONS)
        self.http.mount("http://", adapter)
        self.http.mount("https://", adapter)
        self.http.auth = _keep_headers
        # Or requests would show credentials out of ~/.netrc to whoever the registry refers to.
        self.http.trust_env = False
        if connection.client_cert:
            key = connection.client_key
            self.http.cert = (connection.client_cert, key) if key else connection.client_cert

    def send(self, request: Request, more: Mapping[str, str], deadline: Deadline) -> requests.Response:
        """The answer to ``request`` with ``more`` headers."""
        headers = {**request.headers, **more}
        response = self._follow(request.method, request.url, deadline, headers=headers, data=request.body)
        return response if request.stream and response.ok else with_body(response)

    def ask_for_token(
        self,
        method: str,
        realm: str,
        deadline: Deadline,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        form: Mapping[str, str] | None,
    ) -> requests.Response:
        """The answer of a token server. What is sent in a form is for it alone: that follows no redirect."""
        ask = self._follow if form is None else self._answer
        return with_body(ask(method, realm, deadline, headers=dict(headers), params=list(query), data=form))

    def _follow(
        self, method: str, url: str, deadline: Deadline, headers: Mapping[str, str], **sent: Any
    ) -> requests.Response:
        """The answer of whoever ``url`` leads to in the end.

        Not left to requests, which gives each redirect all the time there is. Raises LoopError where it leads
        out of https.
        """
        shown = dict(headers)
        for _turn in range(MAX_REDIRECTS + 1):
            response = self._answer(method, url, deadline, headers=shown, **sent)
            target = self._target(response, method)
            if target is None:
                return response
            response.close()
            self.require_encryption(url, target)
            if origin(target) != origin(url):
                shown.pop("Authorization", None)
            url = target
            sent.pop("params", None)
        raise requests.TooManyRedirects(
            f"it redirects more than {MAX_REDIRECTS} times", request=response.request
        )

    def _target(self, response: requests.Response, method: str) -> str | None:
        location = self.http.get_redirect_target(response)
        if location is None or not (response.status_code in _SAME_METHOD or method in ("GET", "HEAD")):
            return None
        return referred(response.url, location)

    def require_encryption(self, url: str, target: str) -> None:
        """Raise LoopError where ``url`` leads to a ``target`` without https that has not been allowed."""
        leaves = urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"
        if leaves and not self._connection.insecure:
            raise refusals.unencrypted(self._reference, target)

    def _answer(self, method: str, url: str, deadline: Deadline, **sent: Any) -> requests.Response:
        if hasattr(sent["data"], "seek"):
            sent["data"].seek(0)
        try:
            return self.http.request(
                method,
                url,
                stream=True,
                verify=self._verify,
                timeout=TimeLimit(deadline, connect=self._connection.timeout / 3),
                allow_redirects=False,
                **sent,
            )
        except requests.RequestException:
            raise
        except ValueError as error:  # requests looks into a redirect that it is not to follow
            raise no_address() from error


class _Adapter(AnswersAdapter):
    """Every request, also one to a server that the registry refers to, takes the proxy for its own URL."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """As requests calls it, with the proxy that the environment names."""
        proxy = proxy_for(str(request.url), os.environ)
        options["proxies"] = {"all": proxy.url} if proxy else {}
        response: requests.Response = super().send(request, *args, **options)
        return response


def _verify(reference: Reference, connection: Connection) -> bool | str:
    """What certificates are verified with, as requests has it."""
    if not connection.validate_certs:
        return False
    return connection.ca_cert or ca_bundle_for(reference.name, os.environ) or True


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
