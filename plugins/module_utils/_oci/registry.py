# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One repository of an OCI registry, over HTTP.

The session is oras-py's; authentication, retries, time-outs, uploads and verification are ours, because
oras-py asks for one token only, retries for 131 seconds, never times out and verifies nothing.
"""

from __future__ import annotations

import io
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.answers import (
    cause_of,
    is_from_registry,
    is_json,
    is_untrusted,
    retry_after,
    said,
    wants_https,
    wants_other_certificate,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.authentication import (
    DELETE,
    PULL,
    PUSH,
    Authentication,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.blobs import download, upload
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import (
    Connection,
    schemes_to_try,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.docker_config import (
    Credentials,
    docker_credentials,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    ACCEPTED_TYPES,
    CREATED,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.requests import (
    MAX_ATTEMPTS,
    PASSING,
    RETRIED_STATUSES,
    Request,
    pause_after,
    with_body,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.whole_answers import WholeAnswersAdapter

try:
    import oras.logger
    import oras.provider
    import requests
except ImportError:  # module.require() names what is missing
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

# The base of the class below, which is defined also where the libraries are missing.
_OrasClient: Any = oras.provider.Registry if HAS_LIBRARIES else object

MAX_CONNECTIONS = 16
TAGS_A_PAGE = 1000
# 400: registries from before tags could be deleted take a tag for a malformed digest.
REFUSALS_TO_DELETE = frozenset({400, 405, 501})
HOW_TO_ALLOW_DELETION = (
    "Allow it in its settings (distribution: `storage.delete.enabled: true`, or the variable "
    "REGISTRY_STORAGE_DELETE_ENABLED=true), or delete with the registry's own tools."
)
# What the name of Docker Hub stands for.
_API_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}

_ACTIONS: Mapping[str, tuple[str, ...]] = {"GET": PULL, "HEAD": PULL, "DELETE": DELETE}


class RegistryRepository(_OrasClient):  # type: ignore[misc]  # oras has no type hints
    """A Repository on a real registry."""

    def __init__(self, reference: Reference, connection: Connection | None = None) -> None:
        self.connection = connection or Connection()
        verify: bool | str = self.connection.ca_cert or True if self.connection.validate_certs else False
        super().__init__(hostname=reference.host, tls_verify=verify)
        self.reference = reference
        self._schemes = schemes_to_try(reference, self.connection)
        self.prefix = self._schemes[0]
        self._authentication = Authentication(reference.repository, self._credentials, self._ask_for_token)
        self._set_up_session()

    def _set_up_session(self) -> None:
        adapter = WholeAnswersAdapter(pool_maxsize=MAX_CONNECTIONS)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)
        oras.logger.logger.set_level(logging.CRITICAL)  # what it has to say becomes a LoopError
        self.session.auth = _keep_headers  # or requests would take credentials out of ~/.netrc
        # As Go's clients: a proxy of the environment is none for this machine's own registry.
        self.session.trust_env = not self.reference.is_loopback
        if self.connection.client_cert:
            key = self.connection.client_key
            self.session.cert = (self.connection.client_cert, key) if key else self.connection.client_cert

    def manifest(self, name: str) -> Manifest | None:
        response = self.do_request(
            self._url("manifests", name), headers={"Accept": ", ".join(ACCEPTED_TYPES)}
        )
        if response.status_code == 404:
            if not is_from_registry(response):
                self._require_registry()
            return None
        self.require(response, "read the manifest of", name, 200)
        media_type = response.headers.get("Content-Type", "").split(";")[0].strip()
        if media_type not in ACCEPTED_TYPES:
            self._require_registry()
            raise LoopError(
                f"{self.reference.url}:{name} holds something of type {media_type or 'unknown'}, which is no "
                "manifest. Use another tag."
            )
        manifest = Manifest(response.content, media_type)
        stored = name if ":" in name else response.headers.get("Docker-Content-Digest", manifest.digest)
        self._verify_digest(f"the manifest {name}", stored, manifest.digest)
        return manifest

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        response = self.do_request(
            self._url("manifests", name),
            "PUT",
            data=manifest.body,
            headers={"Content-Type": manifest.media_type},
        )
        self.require(response, "write the manifest of", name, 200, 201, 202)
        stored = response.headers.get("Docker-Content-Digest", manifest.digest)
        self._verify_digest(f"the manifest {name}", stored, manifest.digest)

    def tags(self) -> list[str]:
        found: dict[str, None] = {}  # in their order, each once
        page: str | None = f"{self._url('tags', 'list')}?n={TAGS_A_PAGE}"
        while page:
            response = self.do_request(page)
            if response.status_code == 400 and not found and "?" in page:
                page = self._url("tags", "list")  # its pages are smaller
                continue
            if response.status_code == 404:
                if not is_from_registry(response):
                    self._require_registry()
                return list(found)
            self.require(response, "list the tags of", self.reference.repository, 200)
            new = [tag for tag in self._listed_tags(response) if tag not in found]
            found.update(dict.fromkeys(new))
            following = response.links.get("next", {}).get("url")
            page = urljoin(response.url, following) if following and new else None
        return list(found)

    def _listed_tags(self, response: requests.Response) -> list[str]:
        try:
            tags = response.json().get("tags") or []
        except (ValueError, AttributeError):
            tags = None
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            self._require_registry()
            raise LoopError(
                f"url: the registry {self.reference.host} answers with no list where it should list tags. "
                "Check the url.",
                url=self.reference.url,
            )
        return tags

    def delete_manifest(self, digest: str) -> None:
        response = self.do_request(self._url("manifests", digest), "DELETE")
        if response.status_code == 404 and is_from_registry(response):
            return
        if response.status_code in REFUSALS_TO_DELETE:
            raise LoopError(
                f"url: the registry {self.reference.host} does not allow to delete: {said(response)}. "
                f"{HOW_TO_ALLOW_DELETION}",
                url=self.reference.url,
                status=response.status_code,
            )
        self.require(response, "delete the manifest", digest, 200, 202, 204)

    def delete_tag(self, tag: str) -> bool:
        response = self.do_request(self._url("manifests", tag), "DELETE")
        if response.status_code in {200, 202, 204} or (
            response.status_code == 404 and is_from_registry(response)
        ):
            return True
        if response.status_code not in REFUSALS_TO_DELETE:
            self.require(response, "remove the tag", tag, 200)
        return self._deletes_by_digest() and self._delete_tag_with_a_manifest_of_its_own(tag)

    def _deletes_by_digest(self) -> bool:
        """Whether manifests can be deleted, found out with one that cannot exist."""
        absent = digest_of(os.urandom(32))
        response = self.do_request(self._url("manifests", absent), "DELETE")
        return response.status_code == 404 and is_from_registry(response)

    def _delete_tag_with_a_manifest_of_its_own(self, tag: str) -> bool:
        """Remove a tag where only manifests can be deleted: it gets one that nothing else names."""
        held = self.manifest(tag)
        if held is None:
            return True
        empty = Descriptor("application/vnd.oci.empty.v1+json", digest_of(b"{}"), 2)
        self.put_blob(empty, b"{}")
        unique = Manifest(manifest_bytes(empty, empty, {CREATED: f"never-{os.urandom(16).hex()}"}))
        self.put_manifest(tag, unique)
        try:
            self.delete_manifest(unique.digest)
        except BaseException:
            self.put_manifest(tag, held)
            raise
        return True

    def has_blob(self, blob: Descriptor) -> bool:
        return bool(self.do_request(self._url("blobs", blob.digest), "HEAD").status_code == 200)

    def put_blob(self, blob: Descriptor, content: IO[bytes] | bytes, mount_from: str | None = None) -> bool:
        """As in Repository; from its repository ``mount_from``, the registry takes the blob itself."""
        if self.do_request(self._url("blobs", blob.digest), "HEAD", actions=PUSH).status_code == 200:
            return False
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        upload(self, self._url("blobs", "uploads/"), blob, source, mount_from)
        return True

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        actual = download(self, self._url("blobs", blob.digest), blob, into)
        self._verify_digest(f"a blob of {blob.size} bytes", blob.digest, actual)

    @property
    def timeout(self) -> float:
        """In seconds."""
        return self.connection.timeout

    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        stream: bool = False,
        actions: tuple[str, ...] | None = None,
    ) -> requests.Response:
        """The answer of the registry, which may be an error of the caller's.

        What may pass (no connection, too many requests, an error of the server's) is tried again within the
        option ``timeout``; then LoopError says what was tried. ``actions`` are the rights it takes.
        """
        request = Request(
            method, url, data, headers or {}, json, stream, actions or _ACTIONS.get(method, PUSH)
        )
        return self.persistently(
            lambda left: self.once(request, left),
            f"{method} {urlsplit(url).path}",
            self.connection.timeout,
        )

    def persistently(
        self, attempt: Callable[[float], requests.Response], what: str, allowed: float
    ) -> requests.Response:
        """The answer to ``attempt``, which is given the seconds that are left, several times if need be."""
        start = time.monotonic()
        number = 0
        while True:
            number += 1
            pause = pause_after(number)
            try:
                response = attempt(max(allowed - (time.monotonic() - start), 0.1))
            except PASSING as error:
                if is_untrusted(error):
                    raise LoopError(self._untrusted(cause_of(error, allowed))) from error
                if wants_other_certificate(error):
                    raise LoopError(
                        f"client_cert: the registry {self.reference.host} asks for a client certificate that "
                        "it trusts. Set `client_cert` and `client_key`, or correct them."
                    ) from error
                failure = f"{self._asked(error)} cannot be reached: {cause_of(error, allowed)}"
                cause: Exception | None = error
            except (requests.RequestException, OSError) as error:
                raise LoopError(
                    f"url: the registry {self.reference.host}: {what} failed: {error}."
                ) from error
            else:
                if response.status_code not in RETRIED_STATUSES:
                    return response
                failure = f"{self._asked(response)} fails: {said(response)}"
                pause = max(pause, retry_after(response))
                response.close()
                cause = None
            spent = time.monotonic() - start
            if number == MAX_ATTEMPTS or spent + pause >= allowed:
                times = "once" if number == 1 else f"{number} times"
                raise LoopError(
                    f"url: {failure}. {what} was tried {times} in {spent:.1f} seconds. Check that the "
                    "registry runs and that its address is right.",
                    url=self.reference.url,
                ) from cause
            time.sleep(pause)

    def _asked(self, answer: requests.Response | requests.RequestException) -> str:
        """Who gave an answer or none: the registry, or another server it sent us to."""
        url = str(answer.request.url) if answer.request is not None else ""
        if not url or self._is_own(url):
            return f"the registry {self.reference.host}"
        return f"{urlsplit(url).netloc}, to which the registry {self.reference.host} refers,"

    def once(self, request: Request, left: float) -> requests.Response:
        """One attempt: over https or http, whichever the registry speaks."""
        failure: requests.RequestException | None = None
        for scheme in self._schemes:
            url = re.sub(r"^https?", scheme, request.url) if len(self._schemes) > 1 else request.url
            try:
                response = self._authenticated(replace(request, url=url), left)
            except requests.ConnectionError as error:
                if is_untrusted(error) or wants_other_certificate(error):
                    raise
                failure = failure or error
                continue
            if scheme == "http" and "https" in self._schemes and wants_https(response):
                continue
            self._schemes = (scheme,)
            self.prefix = scheme
            return response
        if failure:
            raise failure
        raise requests.ConnectionError("it speaks https only, and its https does not work")

    def _authenticated(self, request: Request, left: float) -> requests.Response:
        """The answer, after the credentials it asked for have been given: once, never in circles.

        Or an answer of the server that gives out tokens, where that fails in a way that may pass.
        """
        if not self._is_own(request.url):
            return self._send(request, {}, left)  # others are not shown the credentials
        shown = self._authentication.shown(request.actions)
        if not shown.authorization:
            failed = self._authentication.fetch_token(request.actions)
            if failed is not None and failed.status_code in RETRIED_STATUSES:
                return failed  # type: ignore[no-any-return]
            shown = self._authentication.shown(request.actions)
        response = self._send(request, shown.headers, left)
        # 403 to a token: it may be for pulling only.
        if response.status_code != 401 and not (response.status_code == 403 and shown.authorization):
            return response
        is_answered, failed = self._authentication.answer(response, request.actions, shown)
        if failed is not None and failed.status_code in RETRIED_STATUSES:
            return failed  # type: ignore[no-any-return]
        if not is_answered:
            return response
        response.close()
        return self._send(request, self._authentication.shown(request.actions).headers, left)

    def _send(self, request: Request, more: Mapping[str, str], left: float) -> requests.Response:
        if hasattr(request.body, "seek"):
            request.body.seek(0)
        deadline = time.monotonic() + left
        response: requests.Response = self.session.request(
            request.method,
            request.url,
            data=request.body,
            json=request.json,
            headers={**request.headers, **more},
            stream=True,
            verify=self._tls_verify,
            timeout=(min(left, self.connection.timeout / 3), left),
        )
        return response if request.stream and response.ok else with_body(response, deadline)

    def _ask_for_token(
        self,
        method: str,
        realm: str,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        form: Mapping[str, str] | None,
    ) -> requests.Response:
        response: requests.Response = self.session.request(
            method,
            realm,
            params=list(query),
            data=form,
            headers=dict(headers),
            stream=True,
            verify=self._tls_verify,
            timeout=(self.connection.timeout / 3, self.connection.timeout),
        )
        return with_body(response, time.monotonic() + self.connection.timeout)

    def _credentials(self) -> Credentials | None:
        """The user of the options, else the one Docker's configuration knows."""
        if self.connection.username is not None:
            return Credentials(self.connection.username, self.connection.password)
        return docker_credentials(self.reference.host, os.environ)

    def _is_own(self, url: str) -> bool:
        """Whether ``url`` leads to the registry itself."""
        parts = urlsplit(url)
        default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
        return parts.netloc.removesuffix(default) == self._api_host.removesuffix(default)

    @property
    def _api_host(self) -> str:
        return _API_HOSTS.get(self.reference.host, self.reference.host)

    def _url(self, *parts: str) -> str:
        return f"{self.prefix}://{self._api_host}/v2/{self.reference.repository}/{'/'.join(parts)}"

    def require(self, response: requests.Response, verb: str, what: str, *statuses: int) -> None:
        """Raise LoopError unless ``response`` has one of ``statuses``."""
        if response.status_code in statuses:
            return
        if not is_from_registry(response):
            self._require_registry()
        remedy = "Check the url."
        if response.status_code in (401, 403):
            remedy = self._remedy_for_credentials()
        raise LoopError(
            f"url: the registry {self.reference.host} refuses to {verb} {what} "
            f"({self.reference.repository}): {said(response)}. {remedy}",
            url=self.reference.url,
            status=response.status_code,
        )

    def _remedy_for_credentials(self) -> str:
        if self.connection.username is not None:
            return "Check `username`, `password` and what that user may do."
        if self._authentication.has_credentials:
            return (
                "The credentials of Docker's configuration do not suffice: log in again, or set `username` "
                "and `password`."
            )
        return "It asks for credentials: set `username` and `password`, or log in with Docker."

    def _require_registry(self) -> None:
        """Raise LoopError unless the host answers as a registry does (OCI distribution spec, "end-1")."""
        response = self.do_request(f"{self.prefix}://{self._api_host}/v2/")
        if is_from_registry(response) or (response.status_code == 200 and is_json(response)):
            return
        server = response.headers.get("Server")
        raise LoopError(
            f"url: {self.reference.host} is no registry: GET /v2/ was answered with {said(response)}"
            f"{f' by {server}' if server else ''}. Another program listens there: correct the host or port.",
            url=self.reference.url,
        )

    def _untrusted(self, failure: str) -> str:
        return (
            f"url: the certificate of {self.reference.host} is not trusted: {failure}. Set `ca_cert` to the "
            "certificate of its authority, or `validate_certs` to false."
        )

    def _verify_digest(self, what: str, expected: str, actual: str) -> None:
        if expected != actual:
            raise LoopError(
                f"{self.reference.host}: {what} should have the digest {expected}, but has {actual}. It was "
                "damaged in the registry or on its way: push it again, or repair the registry."
            )


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
