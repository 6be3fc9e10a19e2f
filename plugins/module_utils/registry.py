# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""One repository of an OCI registry, over HTTP.

The session is oras-py's; authentication, retries, time-outs, uploads and verification are ours, because
oras-py asks for one token only, retries for 131 seconds, never times out and verifies nothing.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils.artifact_manifest import (
    ACCEPTED_TYPES,
    CREATED,
    Descriptor,
    Location,
    Manifest,
    Reference,
    digest_of,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils.docker_config import (
    Credentials,
    docker_credentials,
)
from ansible_collections.gitops.flux_local.plugins.module_utils.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils.registry_answers import (
    cause_of,
    is_from_registry,
    is_json,
    is_untrusted,
    retry_after,
    said,
    wants_https,
)
from ansible_collections.gitops.flux_local.plugins.module_utils.registry_auth import (
    DELETE,
    PULL,
    PUSH,
    Authentication,
)

try:
    import oras.logger
    import oras.provider
    import requests
    from requests.adapters import HTTPAdapter
except ImportError:  # module.require() names what is missing
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

# The base of the class below, which is defined also where the libraries are missing.
_OrasClient: Any = oras.provider.Registry if HAS_LIBRARIES else object

MAX_ATTEMPTS = 4
FIRST_PAUSE = 0.15  # seconds; doubled after each attempt, with jitter
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
SLOWEST_UPLOAD = 1024 * 1024  # bytes in a second; a slower registry is taken for dead
SLOWEST_DOWNLOAD = 16 * 1024  # bytes in a second; with less, nothing is going on
UPLOAD_CHUNK = 16 * 1024 * 1024  # bytes
SMALLEST_UPLOAD_CHUNK = 64 * 1024  # bytes
LARGEST_BODY = (
    16 * 1024 * 1024
)  # bytes of a manifest or a list; registries refuse manifests of 4 MiB and more
MAX_CONNECTIONS = 16
CHUNK = 256 * 1024  # bytes
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

# The options of the documentation fragment `registry`.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "insecure": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10},
}


@dataclass(frozen=True)
class Connection:
    """How a registry is reached: the options all modules share. ``timeout`` in seconds."""

    insecure: bool = False
    validate_certs: bool = True
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Connection:
        """The registry options among a module's ``params``. Raises LoopError where they cannot work."""
        known = cls(
            **{name: params[name] for name in cls.__dataclass_fields__ if params.get(name) is not None}
        )
        for option in ("ca_cert", "client_cert", "client_key"):
            path = getattr(known, option)
            if path and not os.path.isfile(path):
                raise LoopError(f"{option}: {path} is no file. Name an existing PEM file.")
        if (known.username is None) != (known.password is None):
            missing = "username" if known.username is None else "password"
            raise LoopError(f"{missing} is missing. Set both `username` and `password`, or none of them.")
        if known.timeout <= 0:
            raise LoopError(
                f"timeout: {known.timeout:g} is no time to wait. Set a number of seconds above 0."
            )
        return known


class Repository(Protocol):
    """One repository: of a registry, or an OCI image layout.

    Every method raises LoopError when the registry fails or refuses, and may be called from several threads.
    """

    @property
    def reference(self) -> Location:
        """Where it is."""

    def tags(self) -> list[str]:
        """All its tags, in the order of the registry; none where there is no such repository (yet)."""

    def manifest(self, name: str) -> Manifest | None:
        """The manifest under the tag or digest ``name``, None where there is none."""

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        """Make the tag (or digest) ``name`` hold ``manifest``, whose blobs are there."""

    def delete_manifest(self, digest: str) -> None:
        """Remove a manifest and all its tags; one that is not there is no error."""

    def delete_tag(self, tag: str) -> bool:
        """Remove a tag and leave its manifest; one that is not there is no error.

        False where the registry cannot do that: then nothing was removed.
        """

    def has_blob(self, blob: Descriptor) -> bool:
        """Whether the content of ``blob`` is there."""

    def put_blob(self, blob: Descriptor, content: IO[bytes] | bytes) -> bool:
        """Store ``content``; false where the registry has it already."""

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        """Write the content of ``blob`` to ``into``, verified by size and digest."""


class OrasRepository(_OrasClient):  # type: ignore[misc]  # oras has no type hints
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
        adapter = HTTPAdapter(pool_maxsize=MAX_CONNECTIONS)
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
        self._require(response, "read the manifest of", name, 200)
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
        self._require(response, "write the manifest of", name, 200, 201, 202)
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
            self._require(response, "list the tags of", self.reference.repository, 200)
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
        self._require(response, "delete the manifest", digest, 200, 202, 204)

    def delete_tag(self, tag: str) -> bool:
        response = self.do_request(self._url("manifests", tag), "DELETE")
        if response.status_code in {200, 202, 204} or (
            response.status_code == 404 and is_from_registry(response)
        ):
            return True
        if response.status_code not in REFUSALS_TO_DELETE:
            self._require(response, "remove the tag", tag, 200)
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
        response = self._persistently(
            lambda left: self._upload_whole(blob, source, mount_from, left),
            f"POST {urlsplit(self._url('blobs', 'uploads/')).path}",
            self.connection.timeout + blob.size / SLOWEST_UPLOAD,
        )
        if response.status_code == 413:
            response = self._upload_in_chunks(blob, source)
        self._require(response, "upload", blob.digest, 200, 201, 202, 204)
        return True

    def _upload_whole(
        self, blob: Descriptor, content: IO[bytes], mount_from: str | None, left: float
    ) -> requests.Response:
        """One attempt, with an upload of its own: what a broken one left is not continued."""
        url = self._url("blobs", "uploads/")
        if mount_from:
            url += f"?{urlencode({'mount': blob.digest, 'from': mount_from})}"
        upload = self._once(_Request("POST", url, headers={"Content-Length": "0"}, actions=PUSH), left)
        if upload.status_code != 202:
            return upload
        content.seek(0)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
        put = _Request("PUT", _finished(_location(upload), blob.digest), content, headers, actions=PUSH)
        return self._once(put, left)

    def _upload_in_chunks(self, blob: Descriptor, content: IO[bytes]) -> requests.Response:
        """For a registry, or a proxy before it, that takes no request as large as the blob."""
        upload = self.do_request(self._url("blobs", "uploads/"), "POST", headers={"Content-Length": "0"})
        self._require(upload, "upload to", self.reference.repository, 202)
        least = upload.headers.get("OCI-Chunk-Min-Length", "")
        smallest = int(least) if least.isdigit() else SMALLEST_UPLOAD_CHUNK
        state = _Upload(_location(upload), 0)
        size = max(UPLOAD_CHUNK, smallest)
        while state.offset < blob.size:
            response = self._send_chunk(state, blob, content, size)
            if response.status_code == 413 and size > smallest:
                size = max(size // 4, smallest)
                continue
            self._require(response, "upload a part of", blob.digest, 202, 204)
        return self.do_request(_finished(state.location, blob.digest), "PUT", headers={"Content-Length": "0"})

    def _send_chunk(
        self, state: _Upload, blob: Descriptor, content: IO[bytes], size: int
    ) -> requests.Response:
        """Send what comes next; where an attempt fails, the registry is asked how much has arrived."""

        def attempt(left: float) -> requests.Response:
            if state.is_unsure:
                held = self._once(_Request("GET", state.location, actions=PUSH), left)
                if held.status_code != 204:
                    return held
                state.learn(held)
            if state.offset >= blob.size:
                return held
            content.seek(state.offset)
            part = content.read(min(size, blob.size - state.offset))
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{state.offset}-{state.offset + len(part) - 1}",
            }
            state.is_unsure = True
            response = self._once(_Request("PATCH", state.location, part, headers, actions=PUSH), left)
            if response.status_code == 202:
                state.learn(response, len(part))
            elif response.status_code == 413:
                state.is_unsure = False
            return response

        what = f"PATCH {urlsplit(state.location).path}"
        return self._persistently(attempt, what, self.connection.timeout + size / SLOWEST_UPLOAD)

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        """What breaks off is continued from there."""
        received = _Received()
        failure = ""
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                time.sleep(_pause(attempt))
            try:
                self._fetch_rest(blob, into, received)
                break
            except requests.RequestException as error:
                failure = cause_of(error, self.connection.timeout)
        else:
            raise LoopError(
                f"{self.reference.host}: reading {blob.digest} broke off {MAX_ATTEMPTS} times, at last after "
                f"{received.size} of {blob.size} bytes: {failure}. Run again.",
                url=self.reference.url,
            )
        self._verify_digest(f"a blob of {blob.size} bytes", blob.digest, received.digest)

    def _fetch_rest(self, blob: Descriptor, into: IO[bytes], received: _Received) -> None:
        headers = {"Accept-Encoding": "identity"}
        if received.size:
            headers["Range"] = f"bytes={received.size}-"
        deadline = time.monotonic() + self.connection.timeout + blob.size / SLOWEST_DOWNLOAD
        with self.do_request(self._url("blobs", blob.digest), headers=headers, stream=True) as response:
            self._require(response, "read", blob.digest, 200, *([206] if received.size else []))
            known = received.size if response.status_code == 200 else 0  # the beginning comes once more
            for block in response.iter_content(CHUNK):
                fresh = block[known:]
                known = max(known - len(block), 0)
                if received.size + len(fresh) > blob.size:
                    received.take(fresh)  # too long: its digest will not be the one wanted
                    return
                received.take(fresh)
                into.write(fresh)
                if time.monotonic() > deadline:
                    raise requests.Timeout("too slow")

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
        request = _Request(
            method, url, data, headers or {}, json, stream, actions or _ACTIONS.get(method, PUSH)
        )
        return self._persistently(
            lambda left: self._once(request, left),
            f"{method} {urlsplit(url).path}",
            self.connection.timeout,
        )

    def _persistently(
        self, attempt: Callable[[float], requests.Response], what: str, allowed: float
    ) -> requests.Response:
        """The answer to ``attempt``, which is given the seconds that are left, several times if need be."""
        start = time.monotonic()
        number = 0
        while True:
            number += 1
            pause = _pause(number)
            try:
                response = attempt(max(allowed - (time.monotonic() - start), 0.1))
            except (requests.ConnectionError, requests.Timeout) as error:
                if is_untrusted(error):
                    raise LoopError(self._untrusted(cause_of(error, allowed))) from error
                failure = f"{self._asked(error)} cannot be reached: {cause_of(error, allowed)}"
                cause: Exception | None = error
            except (requests.RequestException, OSError) as error:
                raise LoopError(f"{self.reference.host}: {what} failed: {error}.") from error
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

    def _once(self, request: _Request, left: float) -> requests.Response:
        """One attempt: over https or http, whichever the registry speaks."""
        failure: requests.RequestException | None = None
        for scheme in self._schemes:
            url = re.sub(r"^https?", scheme, request.url) if len(self._schemes) > 1 else request.url
            try:
                response = self._authenticated(replace(request, url=url), left)
            except requests.ConnectionError as error:
                if is_untrusted(error):
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

    def _authenticated(self, request: _Request, left: float) -> requests.Response:
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

    def _send(self, request: _Request, more: Mapping[str, str], left: float) -> requests.Response:
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
        return response if request.stream and response.ok else _with_body(response, deadline)

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
        return _with_body(response, time.monotonic() + self.connection.timeout)

    def _credentials(self) -> Credentials | None:
        """The user of the options, else the one Docker's configuration knows."""
        if self.connection.username is not None:
            return Credentials(self.connection.username, self.connection.password)
        return docker_credentials(self.reference.host)

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

    def _require(self, response: requests.Response, verb: str, what: str, *statuses: int) -> None:
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


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    stream: bool = False
    actions: tuple[str, ...] = PULL


@dataclass
class _Upload:
    """An upload in parts: where the next one goes, and how many bytes have arrived, as far as is known."""

    location: str
    offset: int
    is_unsure: bool = False

    def learn(self, response: requests.Response, sent: int = 0) -> None:
        """Take over what the registry says after ``sent`` bytes.

        OCI distribution spec, "Pushing a blob in chunks", where ``0-0`` stands for nothing as well as for one
        byte. Raises LoopError where it takes nothing.
        """
        self.location = _location(response) if "Location" in response.headers else self.location
        last = response.headers.get("Range", "").rpartition("-")[2]
        before = self.offset
        self.offset = int(last) + 1 if last.isdigit() and last != "0" else sent and before + sent
        if sent and self.offset <= before:
            raise LoopError(
                "url: the registry takes uploads in parts, but stores nothing. Repair the registry."
            )
        self.is_unsure = False


class _Received:
    """What has come of a blob."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def take(self, block: bytes) -> None:
        self._hash.update(block)
        self.size += len(block)


def _location(upload: requests.Response) -> str:
    return urljoin(upload.url, upload.headers.get("Location", ""))


def _finished(location: str, digest: str) -> str:
    """The URL that ends an upload."""
    return f"{location}{'&' if '?' in location else '?'}{urlencode({'digest': digest})}"


def _pause(attempt: int) -> float:
    """The seconds to wait after an attempt, the first being 1."""
    return FIRST_PAUSE * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter is no secret


def _with_body(response: requests.Response, deadline: float) -> requests.Response:
    """``response`` after its body was read, which must be small and come in time."""
    body = bytearray()
    for block in response.iter_content(CHUNK):
        body += block
        if len(body) > LARGEST_BODY:
            raise requests.exceptions.InvalidHeader(f"its answer has more than {LARGEST_BODY} bytes")
        if time.monotonic() > deadline:
            raise requests.Timeout("its answer takes too long", request=response.request)
    response._content = bytes(body)  # noqa: SLF001 - requests has no limits of its own
    response.close()
    return response


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def schemes_to_try(reference: Reference, connection: Connection) -> tuple[str, ...]:
    """What a registry may speak, in the order in which it is tried."""
    if connection.ca_cert or connection.client_cert:
        return ("https",)
    if reference.is_loopback:
        return ("http", "https")
    return ("https", "http") if connection.insecure else ("https",)
