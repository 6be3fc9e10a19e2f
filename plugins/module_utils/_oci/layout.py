# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout (OCI image spec, "Image Layout Specification"): a folder in place of a repository."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import replacing_file
from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json
from ansible_collections.gitops.flux_local.plugins.module_utils._core.locks import locked_folder
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    Manifest,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    LayoutReference,
    digest_of,
    is_digest,
)

MARK = "oci-layout"
INDEX = "index.json"
VERSION = "1.0.0"
PARTIAL = ".partial-"  # what a file's name begins with while it is written
# The annotation of the index that holds a tag.
REF_NAME = "org.opencontainers.image.ref.name"
CHUNK = 256 * 1024  # bytes
LARGEST_JSON = 64 * 1024 * 1024  # bytes

Entry = dict[str, Any]


class LayoutRepository:
    """A Repository in a folder, which is made by the first thing put into it.

    Writers wait for each other, also those of other processes. Readers never see half a change, because
    files are renamed into their place, the index last.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self.reference = LayoutReference(self.path)

    def tags(self) -> list[str]:
        return sorted({tag for entry in self._entries() if (tag := _tag(entry)) is not None})

    def manifest(self, name: str) -> Manifest | None:
        by_digest = is_digest(name)
        for entry in self._entries():
            if (_digest(entry) if by_digest else _tag(entry)) == name:
                return self._manifest(_digest(entry), str(entry.get("mediaType") or MANIFEST_TYPE))
        # What an index of several platforms names is not in the layout's own index.
        if by_digest and os.path.exists(self._blob_path(name)):
            return self._manifest(name, None)
        return None

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        """Also by its own digest: then no tag names it."""
        blob = manifest.descriptor
        with self._locked():
            self._store(blob, manifest.body)
            entry: Entry = {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}
            entries = self._entries()
            if not is_digest(name):
                entry["annotations"] = {REF_NAME: name}
                entries = list(_untagged(entries, name))
            self._write_index(_less_spare(entries, [entry]))

    def has_blob(self, blob: Descriptor) -> bool:
        """By its size: what it holds is verified when it is read."""
        try:
            return os.path.getsize(self._blob_path(blob.digest)) == blob.size
        except OSError:
            return False

    def put_blob(self, blob: Descriptor, content: IO[bytes] | bytes, mount_from: str | None = None) -> bool:
        del mount_from  # a layout is one repository
        if self.has_blob(blob):
            return False
        if not os.path.exists(os.path.join(self.path, MARK)):
            with self._locked():
                pass
        self._store(blob, content)
        return True

    def _store(self, blob: Descriptor, content: IO[bytes] | bytes) -> None:
        with self._writing(self._blob_path(blob.digest)) as file:
            actual = _copied(content, file)
            self._verify(blob, *actual)

    def fetch_blob(self, blob: Descriptor, into: IO[bytes]) -> None:
        try:
            with open(self._blob_path(blob.digest), "rb") as file:
                actual = _copied(file, into, blob.size)
        except OSError as error:
            raise LoopError(
                f"{self.reference.url}: the blob {blob.digest} cannot be read: {error.strerror}. "
                "Copy the layout again, complete."
            ) from error
        self._verify(blob, *actual)

    def delete_tag(self, tag: str) -> bool:
        with self._locked():
            entries = self._entries()
            self._write_index(_less_spare(_untagged(entries, tag), []))
        return True

    def delete_manifest(self, digest: str) -> None:
        """With it go the blobs that only it refers to."""
        with self._locked():
            gone = [entry for entry in self._entries() if _digest(entry) == digest]
            if not gone:
                return
            left = [entry for entry in self._entries() if _digest(entry) != digest]
            spare = self._held_by(gone) - self._held_by(left)
            self._write_index(left)
            for unused in spare:
                with suppress(FileNotFoundError):
                    os.unlink(self._blob_path(unused))

    def _held_by(self, entries: Sequence[Entry]) -> set[str]:
        """The digests of manifests and of everything they refer to."""
        found: set[str] = set()
        waiting = [_digest(entry) for entry in entries]
        while waiting:
            digest = waiting.pop()
            if digest in found:
                continue
            found.add(digest)
            manifest = self.manifest(digest) if os.path.exists(self._blob_path(digest)) else None
            if manifest is not None:
                waiting += manifest.parts
                found.update(blob.digest for blob in manifest.blobs)
        return found

    def _manifest(self, digest: str, media_type: str | None) -> Manifest:
        body = self._read(self._blob_path(digest))
        if digest_of(body) != digest:
            self._verify(Descriptor("", digest, len(body)), digest_of(body), len(body))
        return Manifest(body, media_type or _said_type(body))

    def _entries(self) -> list[Entry]:
        try:
            index = from_json(self._read(os.path.join(self.path, INDEX)))
        except ValueError as error:
            raise self._broken(f"{INDEX} is no JSON") from error
        entries = index.get("manifests") if isinstance(index, dict) else None
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and is_digest(str(entry.get("digest"))) for entry in entries
        ):
            raise self._broken(f"{INDEX} has no list of manifests with sha256 digests")
        return entries

    def _read(self, path: str) -> bytes:
        try:
            with open(path, "rb") as file:
                body = file.read(LARGEST_JSON + 1)
        except FileNotFoundError:
            return self._absent(path)
        except OSError as error:
            raise self._broken(f"{path} cannot be read: {error.strerror}") from error
        if len(body) > LARGEST_JSON:
            raise self._broken(f"{path} is larger than any index or manifest")
        return body

    def _absent(self, path: str) -> bytes:
        """What takes the place of a file that is not there. Raises LoopError where it should be."""
        names = os.listdir(self.path) if os.path.isdir(self.path) else []
        if os.path.basename(path) == INDEX and INDEX in names:
            return self._read(path)  # another process made the layout meanwhile
        if os.path.basename(path) != INDEX or MARK in names:
            raise self._broken(f"{path} is missing")
        if not all(name.startswith(PARTIAL) for name in names):
            raise LoopError(
                f"url: {self.path} is a folder with other things in it, and no OCI image layout (it lacks "
                f"{MARK}). Name a layout, or a folder that is empty or does not exist yet."
            )
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise LoopError(f"url: {self.path} is no folder. Name the folder of an OCI image layout.")
        return b'{"manifests":[]}'

    def _broken(self, what: str) -> LoopError:
        return LoopError(f"{self.reference.url}: {what}. The layout is damaged: copy it again, complete.")

    def _verify(self, blob: Descriptor, digest: str, size: int) -> None:
        if (digest, size) != (blob.digest, blob.size):
            raise self._broken(
                f"{blob.digest} should have {blob.size} bytes, but what is there has {size} bytes and the "
                f"digest {digest}"
            )

    def _blob_path(self, digest: str) -> str:
        algorithm, _colon, encoded = digest.partition(":")
        return os.path.join(self.path, "blobs", algorithm, encoded)

    def _write_index(self, entries: Sequence[Entry]) -> None:
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(entries)}
        with self._writing(os.path.join(self.path, INDEX)) as file:
            file.write(json.dumps(index, indent=2, ensure_ascii=False).encode() + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The folder as a layout, and this process the only writer of its index."""
        with self._file_errors():
            os.makedirs(self.path, exist_ok=True)
            with locked_folder(self.path):
                entries = self._entries()  # or something else would be turned into a layout
                if not os.path.exists(os.path.join(self.path, MARK)):
                    self._write_index(entries)
                    with self._writing(os.path.join(self.path, MARK)) as file:
                        file.write(json.dumps({"imageLayoutVersion": VERSION}).encode())
                yield

    @contextmanager
    def _writing(self, target: str) -> Iterator[IO[bytes]]:
        """A file that takes its place at ``target`` when it is complete."""
        with self._file_errors(), ExitStack() as stack:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            yield stack.enter_context(replacing_file(target, mode=0o644, prefix=PARTIAL))

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LoopError(
                f"{self.reference.url} cannot be written: {error}. Make the folder writable, with room left."
            ) from error


def _copied(content: IO[bytes] | bytes, into: IO[bytes], at_most: int | None = None) -> tuple[str, int]:
    """Digest and size of what was written ``into``: at most one block beyond ``at_most`` bytes."""
    digest = hashlib.sha256()
    size = 0
    if isinstance(content, bytes):
        into.write(content)
        return digest_of(content), len(content)
    content.seek(0)
    while (at_most is None or size <= at_most) and (block := content.read(CHUNK)):
        digest.update(block)
        size += len(block)
        into.write(block)
    return f"sha256:{digest.hexdigest()}", size


def _digest(entry: Entry) -> str:
    return str(entry["digest"])


def _tag(entry: Entry) -> str | None:
    annotations = entry.get("annotations")
    tag = annotations.get(REF_NAME) if isinstance(annotations, Mapping) else None
    return tag if isinstance(tag, str) else None


def _untagged(entries: Sequence[Entry], tag: str) -> Iterator[Entry]:
    """``entries`` with ``tag`` taken from what has it."""
    for entry in entries:
        if _tag(entry) != tag:
            yield entry
            continue
        others = {key: value for key, value in entry["annotations"].items() if key != REF_NAME}
        bare = {key: value for key, value in entry.items() if key != "annotations"}
        yield bare | ({"annotations": others} if others else {})


def _less_spare(entries: Iterator[Entry] | Sequence[Entry], more: Sequence[Entry]) -> list[Entry]:
    """All entries, less those without a tag whose manifest another entry holds."""
    every = [*entries, *more]
    tagged = {_digest(entry) for entry in every if _tag(entry) is not None}
    kept: list[Entry] = []
    for entry in every:
        is_spare = _tag(entry) is None and (
            _digest(entry) in tagged or any(_digest(entry) == _digest(other) for other in kept)
        )
        if not is_spare:
            kept.append(entry)
    return kept


def _said_type(body: bytes) -> str:
    """The media type a manifest gives itself."""
    try:
        return str(from_json(body)["mediaType"])
    except (ValueError, KeyError, TypeError):
        return MANIFEST_TYPE
