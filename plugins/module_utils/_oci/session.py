# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""oras-py's session, with what it lacks: deadlines, limits, whole answers, and headers that stay ours."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    ca_bundle_for,
    proxy_for,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.request import Request, with_body
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.whole_answers import WholeAnswersAdapter

with suppress(ImportError):  # module.require() names what is missing
    import oras.logger
    import oras.provider
    import requests

MAX_CONNECTIONS = 16


class Session:
    """Sends a request once, to whoever it is for. Raises what requests raises."""

    def __init__(self, reference: Reference, connection: Connection) -> None:
        self._timeout = connection.timeout
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

    def send(self, request: Request, more: Mapping[str, str], left: float) -> requests.Response:
        """The answer to ``request`` with ``more`` headers, which may take ``left`` seconds."""
        if hasattr(request.body, "seek"):
            request.body.seek(0)
        deadline = time.monotonic() + left
        response = self._answer(
            request.method, request.url, left, data=request.body, headers={**request.headers, **more}
        )
        return response if request.stream and response.ok else with_body(response, deadline)

    def ask_for_token(
        self,
        method: str,
        realm: str,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        form: Mapping[str, str] | None,
    ) -> requests.Response:
        """The answer of a token server."""
        deadline = time.monotonic() + self._timeout
        response = self._answer(
            method, realm, self._timeout, params=list(query), data=form, headers=dict(headers)
        )
        return with_body(response, deadline)

    def _answer(self, method: str, url: str, left: float, **sent: Any) -> requests.Response:
        return self.http.request(
            method,
            url,
            stream=True,
            verify=self._verify,
            timeout=(min(left, self._timeout / 3), left),
            **sent,
        )


class _Adapter(WholeAnswersAdapter):
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
