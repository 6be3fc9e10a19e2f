# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where the API of a repository is (OCI distribution spec, "Endpoints"), as oras-py writes it."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference

with suppress(ImportError):  # module.require() names what is missing
    import oras.container

TAGS_A_PAGE = 1000
# What the name of Docker Hub stands for.
_API_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Endpoints:
    """The addresses of a repository's API, without a scheme."""

    def __init__(self, reference: Reference) -> None:
        self._host = _API_HOSTS.get(reference.host, reference.host)
        self._container = oras.container.Container("parsed/below", registry=self._host)
        # Not parsed by oras-py, which takes `localhost/shop` for Docker Hub's and `my.team` for a host.
        self._container.namespace, _slash, self._container.repository = reference.repository.rpartition("/")
        self._container.tag = ""  # or an empty name would stand for `latest`

    @property
    def base(self) -> str:
        """What every registry answers ("end-1")."""
        return f"{self._host}/v2/"

    def manifest(self, name: str) -> str:
        """The manifest under a tag or digest."""
        return str(self._container.manifest_url(name))

    def blob(self, digest: str) -> str:
        return str(self._container.get_blob_url(digest))

    @property
    def uploads(self) -> str:
        """Where blobs are sent to."""
        return str(self._container.upload_blob_url())

    @property
    def tags(self) -> str:
        return str(self._container.tags_url())

    @property
    def paged_tags(self) -> str:
        return str(self._container.tags_url(TAGS_A_PAGE))

    def are_at(self, url: str) -> bool:
        """Whether ``url``, with its scheme, leads to the registry itself."""
        return origin(url) == origin(f"{urlsplit(url).scheme}://{self._host}")


def referred(url: str, target: str) -> str:
    """Where ``target`` in an answer of ``url`` leads. Raises LoopError where that is no address."""
    try:
        joined = urljoin(url, target)
        urlsplit(joined)
    except ValueError as error:
        raise no_address() from error
    return joined


def no_address() -> LoopError:
    """The failure of an answer that refers to no address, half of the brackets of IPv6 for example."""
    return LoopError(
        "url: what answers refers to something which is no address. Check that it is a registry, and what it "
        "says of itself (its address behind a proxy, its token realm)."
    )


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what credentials are given for (RFC 6454, "Origin of a URI").

    A port that is no number is none, so that nothing is at it.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, parts.hostname or "", port
