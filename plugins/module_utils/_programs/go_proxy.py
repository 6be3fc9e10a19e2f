# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Go modules without Go: from a module proxy (https://go.dev/ref/mod#goproxy-protocol), and verified."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._content.git_revision import (
    without_credentials,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.environment import (
    ca_bundle_for,
    proxy_for,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

with suppress(ImportError):  # named as lacking together with all that the caller needs
    import requests

SECONDS = 30  # until a proxy has to have answered
CHUNK = 1024 * 1024  # bytes


def proxies(environment: Mapping[str, str]) -> list[str]:
    """The proxies that the variable GOPROXY names, in order; ``direct`` and ``off`` are none."""
    listed = re.split(r"[,|]", environment.get("GOPROXY", ""))
    return [url.strip().rstrip("/") for url in listed if re.match(r"\s*https?://", url, re.IGNORECASE)]


def escaped(text: str) -> str:
    """A module's path or version as proxies spell it: capitals as an exclamation mark and a small letter."""
    return quote(re.sub("[A-Z]", lambda letter: "!" + letter[0].lower(), text), safe="/!")


def recorded_hash(go_sum: str, module: str, version: str) -> str:
    """The hash (``h1:…``) that a go.sum has of a module's files. Raises LoopError where it has none."""
    for line in go_sum.splitlines():
        if line.startswith(f"{module} {version} "):
            return line.split()[2]
    raise LoopError(f"go.sum has no hash of {module} {version}.")


def hash_of(archive: zipfile.ZipFile) -> str:
    """The hash of a module's files as go.sum has it (golang.org/x/mod/sumdb/dirhash, Hash1)."""
    listed = hashlib.sha256()
    for name in sorted(archive.namelist()):
        content = hashlib.sha256()
        with archive.open(name) as file:
            while block := file.read(CHUNK):
                content.update(block)
        listed.update(f"{content.hexdigest()}  {name}\n".encode())
    return "h1:" + base64.b64encode(listed.digest()).decode()


@dataclass(frozen=True)
class ModuleProxy:
    """Proxies that are asked one after the other."""

    urls: tuple[str, ...]

    def unpack(self, module: str, version: str, expected: str, scratch: Path) -> Path:
        """The folder with the files of a module, below ``scratch``. Raises LoopError.

        ``version`` has its leading v; ``expected`` is what go.sum says that the files hash to.
        """
        archive = scratch / "module.zip"
        refusals = []
        for url in self.urls:
            try:
                _download(f"{url}/{escaped(module)}/@v/{escaped(version)}.zip", archive)
                break
            except requests.RequestException as error:
                refusals.append(str(error).replace(url, without_credentials(url)))
        else:
            raise LoopError(f"GOPROXY: {module} {version} could not be fetched: {'; '.join(refusals)}.")
        try:
            with zipfile.ZipFile(archive) as opened:
                found = hash_of(opened)
                if found != expected:
                    raise LoopError(
                        f"GOPROXY: {module} {version} hashes to {found}, and go.sum has {expected}. "
                        "Name another proxy: this one has something else."
                    )
                # What hashes as the maintainers' own module is taken as it is; zipfile keeps names inside.
                opened.extractall(scratch / "module")
        except zipfile.BadZipFile as error:
            raise LoopError(f"GOPROXY: {module} {version} is no archive: {error}.") from error
        return scratch / "module" / f"{module}@{version}"


def _download(url: str, into: Path) -> None:
    with _session(url) as session, session.get(url, stream=True, timeout=SECONDS) as answer:
        answer.raise_for_status()
        with into.open("wb") as file:
            for block in answer.iter_content(CHUNK):
                file.write(block)


def _session(url: str) -> requests.Session:
    """Reaches a module proxy as Go does: through the environment's proxies, with the login of ~/.netrc."""
    session = requests.Session()
    session.trust_env = False
    if proxy := proxy_for(url, os.environ):
        session.proxies = {"all": proxy.url}
    session.auth = requests.utils.get_netrc_auth(url)
    session.verify = ca_bundle_for(urlsplit(without_credentials(url)).hostname or "", os.environ) or True
    return session
