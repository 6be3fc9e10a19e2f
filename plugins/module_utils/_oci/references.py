# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What names an artifact or an image: the one grammar of hosts, repositories, tags and digests."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import is_this_machine
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

# OCI distribution spec, "Pulling manifests": <name> and <reference>.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HOST = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
# OCI image spec, "Digests"; sha256 is the only one registries must have.
DIGEST = re.compile(r"sha256:[a-f0-9]{64}")
# As loosely as Flux's API takes it: a host may have an underscore, as names in the networks of engines do.
FLUX_URL = re.compile(r"oci://(?P<host>[^/\s]+)/(?P<repository>[^\s]*[^/\s])")

LAYOUT_SCHEME = "oci-layout://"


class Location(Protocol):
    """Where a repository is."""

    @property
    def url(self) -> str:
        """How users write it."""


@dataclass(frozen=True)
class LayoutReference:
    """An OCI image layout in the folder ``path``."""

    path: str

    @property
    def url(self) -> str:
        return f"{LAYOUT_SCHEME}{self.path}"


@dataclass(frozen=True)
class Reference:
    """A repository: ``host`` with its port, if it has one, and ``repository``."""

    host: str
    repository: str

    @property
    def url(self) -> str:
        return f"oci://{self.host}/{self.repository}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine: ``localhost``, a name below it, or a loopback address."""
        return is_this_machine(self.name)

    @property
    def name(self) -> str:
        """The host without its port."""
        return re.sub(r":[0-9]+$", "", self.host)


def parse_url(url: str) -> Reference:
    """The repository that ``url`` (``oci://host[:port]/repository``) names. Raises LoopError."""
    wanted = "It has to be oci://host[:port]/repository."
    if not url.startswith("oci://"):
        raise LoopError(f"url: {url!r} does not start with oci://. {wanted}", url=url)
    host, slash, repository = url.removeprefix("oci://").partition("/")
    if "@" in host:
        raise LoopError(f"url: there is a user name before the host. {wanted} Use `username` and `password`.")
    host_match = _HOST.fullmatch(host)
    if not host_match:
        raise LoopError(f"url: {host!r} in {url!r} is no host name with an optional port. {wanted}", url=url)
    if host_match["port"] and not 0 < int(host_match["port"]) < 65536:
        raise LoopError(f"url: {host_match['port']} in {url!r} is no port. Ports are 1 to 65535.", url=url)
    if not slash or not repository:
        raise LoopError(f"url: {url!r} names no repository. {wanted}", url=url)
    if "@" in repository:
        raise LoopError(f"url: {url!r} contains a digest. Leave it out: a push decides the digest.", url=url)
    name, colon, tag = repository.partition(":")
    if colon:
        raise LoopError(
            f"url: {url!r} contains a tag. Write url={url[: -len(tag) - 1]} and tag={tag}.", url=url
        )
    if not _REPOSITORY.fullmatch(name):
        raise LoopError(
            f"url: {name!r} in {url!r} is no repository name. It may have lower-case letters and digits, "
            "with single separators out of `.`, `_`, `-` and `/` between them.",
            url=url,
        )
    return Reference(host, name)


def is_tag(text: str) -> bool:
    """Whether a registry would accept ``text`` as a tag."""
    return bool(_TAG.fullmatch(text))


def check_tag(tag: str) -> str:
    """``tag``, or LoopError when no registry would accept it."""
    if not is_tag(tag):
        raise LoopError(
            f"tag: {tag!r} is no tag. It may have letters, digits, `_`, `.` and `-`, starts with none of "
            "the last two, and has 128 characters at most.",
            tag=tag,
        )
    return tag


def spelled_as_tag(text: str) -> str:
    """``text`` with a ``-`` for what no tag has; empty where nothing is left that could begin one."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")


def is_digest(text: str) -> bool:
    """Whether ``text`` is a complete sha256 digest."""
    return bool(DIGEST.fullmatch(text))


def check_digest(text: str, option: str, **details: str) -> str:
    """``text``, or LoopError with ``details`` for the ``option`` when it is no complete sha256 digest."""
    if not is_digest(text):
        raise LoopError(
            f"{option}: {text!r} is no digest. It has to be sha256: and 64 hexadecimal digits.", **details
        )
    return text


def digest_of(body: bytes) -> str:
    """The digest of ``body`` as references write it."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True)
class ImageReference:
    """``host/repository:tag``, pinned to a ``digest`` or not; no ``host`` for what only mirrors have."""

    host: str
    repository: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        named = "/".join(part for part in (self.host, self.repository) if part)
        return f"{named}:{self.tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def name(self) -> str:
        """What the manifest is asked for by."""
        return self.digest or self.tag


def parse_image(text: str) -> ImageReference:
    """The image that ``text`` (``host/repository:tag[@sha256:…]``) names. Raises LoopError."""
    repository, tag, digest = _image_parts(text)
    try:
        known = parse_url(f"oci://{repository}")
    except LoopError:
        known = None
    if known is None or not tag or (digest is not None and not is_digest(digest)):
        raise LoopError(
            f"image: {text!r} is no image. It has to be host/repository:tag, with @sha256:… or not."
        )
    return ImageReference(known.host, known.repository, tag, digest or "")


def tag_of_image(image: str) -> str:
    """The tag of an image as Pods name it (``[host/]repository[:tag][@digest]``), empty without one."""
    return _image_parts(image)[1]


def _image_parts(image: str) -> tuple[str, str, str | None]:
    """Repository with its host, tag and digest of an image; the digest is None where there is no ``@``."""
    named, at, digest = image.partition("@")
    repository, _colon, tag = named.rpartition(":")
    if not repository or "/" in tag:  # the colon, if there is one, is that of a port
        repository, tag = named, ""
    return repository, tag, digest if at else None
