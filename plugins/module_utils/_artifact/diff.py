# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What differs between two artifacts, as data and as what Ansible's --diff shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import FileDigest, read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import archive_tree
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.kustomization import (
    is_kustomization,
    secret_files,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import (
    Mask,
    without_secrets,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import (
    ResourceChange,
    changed_resources,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resources import (
    Resource,
    resources,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    UnreadableError,
    documents,
    dumped,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import comparable

LARGEST_TEXT = 1024 * 1024  # bytes; a larger file is shown by its digest
MOST_SHOWN = 512 * 1024  # characters of all that --diff shows
_YAML = (".yaml", ".yml", ".json")

Shown = dict[str, str]


@dataclass(frozen=True)
class Content:
    """One of two sides: its files, the folders that hold nothing, and a way to their bytes.

    ``read`` returns the content of those files among the names it is given that can be read at all.
    """

    label: str
    files: Mapping[str, FileDigest] = field(default_factory=dict)
    empty_folders: frozenset[str] = frozenset()
    annotations: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[Collection[str]], Mapping[str, bytes]] = lambda _names: {}


@dataclass(frozen=True)
class FileChange:
    """A file that differs: ``added``, ``removed`` or ``changed``; ``form`` is text, manifest or binary."""

    name: str
    change: str
    form: str
    before: FileDigest | None
    after: FileDigest | None

    def as_dict(self) -> dict[str, Any]:
        """As a module returns it."""
        values: dict[str, Any] = {"name": self.name, "change": self.change, "form": self.form}
        for side, file in (("before", self.before), ("after", self.after)):
            values[side] = file and {
                "digest": f"sha256:{file.digest}",
                "size": file.size,
                "executable": file.is_executable,
            }
        return values


@dataclass(frozen=True)
class Comparison:
    """All that differs; ``shown`` is for Ansible's --diff."""

    files: Sequence[FileChange]
    resources: Sequence[ResourceChange]
    empty_folders: Sequence[str]
    shown: Sequence[Shown]

    @property
    def is_equal(self) -> bool:
        """Whether both sides have the same content; annotations do not count."""
        return not self.files and not self.empty_folders


def content_of(label: str, archive: IO[bytes], annotations: Mapping[str, str]) -> Content:
    """The content of an archive of any producer, which has to stay open while the content is read."""
    tree = archive_tree(read_tar(archive))
    files = tree.files

    def read(names: Collection[str]) -> dict[str, bytes]:
        wanted = {name for name in names if name in files and files[name].size <= LARGEST_TEXT}
        if not wanted:
            return {}
        return {
            entry.name: b"".join(blocks)
            for entry, blocks in read_tar(archive)
            if blocks is not None and entry.name in wanted
        }

    return Content(label, files, frozenset(tree.empty_folders), annotations, read)


def compare(before: Content, after: Content, mask: Mask | None = None) -> Comparison:
    """What differs between two sides: files, and the resources of the manifests among them."""
    mask = mask or Mask()
    names = sorted(set(before.files) | set(after.files))
    differing = [name for name in names if before.files.get(name) != after.files.get(name)]
    texts = [_texts(side, differing) for side in (before, after)]
    hidden = _read_by_secret_generators(before) | _read_by_secret_generators(after)
    manifests, changes = _manifests(differing, texts, mask)
    files = [_file_change(name, before, after, texts, manifests) for name in differing]
    folders = sorted(before.empty_folders ^ after.empty_folders)
    shown = [_listed(before, after, differing, folders)]
    shown += [_shown_resource(change, mask) for change in changes]
    told = {
        file for change in changes for file in (change.resource.file, change.before and change.before.file)
    }
    shown += [
        _shown_text(file.name, texts, mask, is_hidden=file.name in hidden)
        for file in files
        if file.form != "binary" and file.name not in told and _text_differs(file)
    ]
    return Comparison(
        files, changes, folders, bounded([entry for entry in shown if entry["before"] != entry["after"]])
    )


def _texts(side: Content, names: Sequence[str]) -> dict[str, str]:
    """Those of the files that are text, by name."""
    found = {}
    for name, content in side.read(names).items():
        if b"\0" in content:
            continue
        try:
            found[name] = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return found


def _read_by_secret_generators(side: Content) -> set[str]:
    """The files out of which kustomize makes Secrets; all files where that cannot be known."""
    names = list(filter(is_kustomization, side.files))
    contents = side.read(names)
    found: set[str] = set()
    for name in names:
        try:
            read = documents(contents[name])
        except (KeyError, UnreadableError):
            return set(side.files)
        found.update(file for document in read for file in secret_files(name, document))
    return found


def _manifests(
    differing: Sequence[str], texts: Sequence[Mapping[str, str]], mask: Mask
) -> tuple[set[str], list[ResourceChange]]:
    """Which of the differing files are manifests, and how their resources differ."""
    sides: list[list[Resource]] = [[], []]
    manifests = set()
    for name in differing:
        if not name.endswith(_YAML):
            continue
        found = [_resources(side[name], name) if name in side else [] for side in texts]
        if not any(name in side for side in texts) or None in found:
            continue
        manifests.add(name)
        for index, each in enumerate(found):
            sides[index] += each or []
    try:
        return manifests, changed_resources(sides[0], sides[1], mask)
    except ValueError:
        return set(), []


def _resources(text: str, name: str) -> list[Resource] | None:
    """The resources of a file; None where it holds anything else, or cannot be read."""
    try:
        return resources(text, name)
    except UnreadableError:
        return None


def _file_change(
    name: str,
    before: Content,
    after: Content,
    texts: Sequence[Mapping[str, str]],
    manifests: Collection[str],
) -> FileChange:
    held = [side.files.get(name) for side in (before, after)]
    is_text = all(file is None or name in side for file, side in zip(held, texts, strict=True))
    form = "manifest" if name in manifests else "text" if is_text else "binary"
    change = "added" if held[0] is None else "removed" if held[1] is None else "changed"
    return FileChange(name, change, form, held[0], held[1])


def _text_differs(file: FileChange) -> bool:
    return file.before is None or file.after is None or file.before.digest != file.after.digest


def _listed(before: Content, after: Content, names: Sequence[str], folders: Sequence[str]) -> Shown:
    """The annotations, files and folders that differ, a line each."""
    notes = [
        {f"{key}: {value}" for key, value in comparable(side.annotations).items()} for side in (before, after)
    ]
    shown: list[str] = []
    for side, own, others in ((before, notes[0], notes[1]), (after, notes[1], notes[0])):
        lines = sorted(own - others)
        lines += [described(name, side.files[name]) for name in names if name in side.files]
        lines += [f"{name}/  empty folder" for name in folders if name in side.empty_folders]
        shown.append("".join(f"{line}\n" for line in lines))
    return _entry(before.label, after.label, shown[0], shown[1])


def described(name: str, file: FileDigest) -> str:
    """A file as one line."""
    return f"{name}  sha256:{file.digest}  {file.size} bytes{', executable' if file.is_executable else ''}"


def _entry(before_header: str, after_header: str, before: str, after: str) -> Shown:
    return {"before_header": before_header, "after_header": after_header, "before": before, "after": after}


def _shown_resource(change: ResourceChange, mask: Mask) -> Shown:
    """A resource whose fields differ by those fields; one that comes or goes as a whole."""
    headers = [
        f"{resource.title} ({resource.file})" if resource else ""
        for resource in (change.before, change.after)
    ]
    if change.fields:
        before = [
            f"{changed.field}: {changed.before}\n" for changed in change.fields if changed.before is not None
        ]
        after = [
            f"{changed.field}: {changed.after}\n" for changed in change.fields if changed.after is not None
        ]
    elif change.change == "moved":
        before, after = (
            [f"{resource.title} in {resource.file}\n"]
            for resource in (change.before, change.after)
            if resource
        )
    else:
        before, after = (
            [dumped(mask.document(resource.content))] if resource else []
            for resource in (change.before, change.after)
        )
    return _entry(
        headers[0] or f"{headers[1]}, new",
        headers[1] or f"{headers[0]}, gone",
        "".join(before),
        "".join(after),
    )


def _shown_text(name: str, texts: Sequence[Mapping[str, str]], mask: Mask, *, is_hidden: bool) -> Shown:
    shown = []
    for side in texts:
        text = side.get(name, "")
        safe = None if is_hidden and text else without_secrets(text, mask)
        shown.append(f"not shown, as it may hold a Secret: {mask.value(text)}\n" if safe is None else safe)
    if shown[0] == shown[1]:
        # All that differs is what masking takes away: order, comments, style.
        shown = [f"{name} as it is written: {mask.value(side.get(name))}\n" for side in texts]
    return _entry(name, name, shown[0], shown[1])


def bounded(shown: Sequence[Any]) -> list[Any]:
    """As many entries as can be read, the last of which says how many more there are."""
    kept: list[Shown] = []
    left = MOST_SHOWN
    for entry in shown:
        left -= len(entry["before"]) + len(entry["after"])
        if left < 0 and kept:
            rest = f"{len(shown) - len(kept)} more differences are not shown; the first entry has all files\n"
            return [*kept, _entry("more", "more", "", rest)]
        kept.append(entry)
    return kept
