# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which digest an image's tag had when it was first pulled: a pinned tag that moves later is not trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import replacing_file
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import locked_file
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import ImageReference


@dataclass(frozen=True)
class Pulled:
    """An image that a program was taken out of, and its digest for the platform."""

    image: ImageReference
    platform: str
    digest: str


@dataclass(frozen=True)
class FirstPulls:
    """What a cache has recorded: ``{image: {platform: digest}}``, in ``digests.json``.

    The digest is that of a platform's own manifest, which is the same in the registry and in a mirror that
    holds fewer platforms. An image that is named by its digest needs no record.
    """

    cache: Path

    @property
    def file(self) -> Path:
        """Where the record is."""
        return self.cache / "digests.json"

    def verify(self, image: ImageReference, place: str, digests: Mapping[str, str]) -> None:
        """Raise LoopError when ``place`` has other ``digests`` for the platforms than were recorded."""
        known = {} if image.digest else self._read().get(str(image), {})
        for platform, digest in digests.items():
            first = known.get(platform, digest)
            if first != digest:
                raise LoopError(
                    f"{image} in {place} is {digest} for {platform}, and was {first} when it was first "
                    f"pulled: somebody has moved the tag. If that is right, remove {image} from {self.file}; "
                    "if not, pin the program to a digest that you trust (binaries_digests)."
                )

    def record(self, image: ImageReference, digests: Mapping[str, str]) -> None:
        """Keep the ``digests`` for the platforms that have none yet."""
        if image.digest:
            return
        self.cache.mkdir(parents=True, exist_ok=True)
        with locked_file(str(self.cache / ".digests.lock"), mode=0o666):  # a cache may be of several users
            known = self._read()
            recorded = {**digests, **known.get(str(image), {})}
            if recorded != known.get(str(image)):
                self._write({**known, str(image): recorded})

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            known = from_json(self.file.read_text(encoding="utf-8"))
            return {image: dict(digests) for image, digests in known.items()}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise LoopError(
                f"{self.file}, which has the digests of images, cannot be read: {error.strerror}."
            ) from error
        except (ValueError, AttributeError, TypeError) as error:
            raise LoopError(
                f"{self.file}, which has the digests of images, is damaged. Restore it, or remove it if you "
                "trust what the tags name now."
            ) from error

    def _write(self, known: Mapping[str, Mapping[str, str]]) -> None:
        content = json.dumps(known, indent=2, sort_keys=True) + "\n"
        # As programs: a cache may be of several users.
        with replacing_file(str(self.file), mode=0o644) as stream:
            stream.write(content.encode())
