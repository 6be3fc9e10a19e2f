# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Push a packed folder as a Flux artifact, unless its tags hold the same content already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.content import (
    opened_archive,
    opened_content,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.content_checks import (
    Findings,
    examine,
    named,
    plain_secrets,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import (
    Content,
    Shown,
    compare,
    content_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.tag_templates import (
    NEXT,
    filled_in,
    known_values,
    newest_version,
    next_version,
    without_a_branch,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import NotAnArchiveError
from ansible_collections.gitops.flux_local.plugins.module_utils._content.git_revision import git_revision
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import Pack, pack
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import holds_same_content
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONTENT_DIGEST,
    CREATED,
    LAYER_TYPE,
    Descriptor,
    Manifest,
    comparable,
    flux_config,
    manifest_bytes,
    metadata_annotations,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    LAYOUT_SCHEME,
    check_tag,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Connect, Repository

TAG_MISSING = "tag missing"
CONTENT_DIFFERS = "content differs"
METADATA_DIFFERS = "metadata differs"
BLOBS_MISSING = "content missing"
DEFAULT_TAG = "latest"


@dataclass(frozen=True)
class PushRequest:
    """Where a pack goes, and what is noted of its origin. ``compare`` is ``content`` or ``exact``.

    ``mount_from`` is a repository of the same registry that may hold the same blobs.
    """

    tags: Sequence[str]
    source: str | None = None
    revision: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    compare: str = "content"
    immutable: bool = False
    mount_from: str | None = None

    def __post_init__(self) -> None:
        for tag in self.tags:
            check_tag(tag)
        if CONTENT_DIGEST in self.annotations:
            raise LoopError(f"annotations: {CONTENT_DIGEST} is written by this collection itself. Remove it.")

    @property
    def metadata(self) -> dict[str, str]:
        """The annotations that say where the content is from."""
        return metadata_annotations(self.source, self.revision, self.annotations)


@dataclass(frozen=True)
class PushResult:
    """What the tags hold afterwards.

    ``digest`` is the manifest's; None in check mode where it would be a new one, since the time of the push
    is part of it. ``size`` is the layer's in bytes. ``why`` says for each tag that is written what was not as
    wanted.
    """

    url: str
    tags: Sequence[str]
    digest: str | None
    previous_digest: str | None
    content_digest: str
    size: int
    files: int
    source: str | None
    revision: str | None
    why: Mapping[str, str]
    diff: Sequence[Shown] = ()

    @property
    def changed(self) -> bool:
        return bool(self.why)

    def as_dict(self) -> dict[str, Any]:
        """The return values of a module."""
        names = [name for name in self.__dataclass_fields__ if name != "diff"]
        values = {"changed": self.changed} | {name: getattr(self, name) for name in names}
        return (
            values
            | {"tags": list(self.tags), "why": dict(self.why)}
            | ({"diff": list(self.diff)} if self.diff else {})
        )


@dataclass(frozen=True)
class PushPlan:
    """What a push would do, as far as the repository told when it was asked.

    ``held`` is what the first tag names. ``wanted`` is a manifest that a tag has already and that the others
    take too; None where it takes a new one. ``lacks_blobs`` says that the repository has lost what that
    manifest names. ``why`` says for each tag to be written what is not as wanted.
    """

    packed: Pack
    request: PushRequest
    repository: Repository
    held: Manifest | None
    wanted: Manifest | None
    why: Mapping[str, str]
    diff: Sequence[Shown] = ()
    lacks_blobs: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.why)

    @property
    def predicted(self) -> PushResult:
        """What a push returns, without the digest of what it would make."""
        if self.wanted is not None:
            return self.pushed(self.wanted)
        # The time of the push is part of the manifest, so it is another one each time.
        return replace(self.pushed(_new_manifest(self.packed, self.request)), digest=None)

    def pushed(self, manifest: Manifest) -> PushResult:
        """What a push returns when the tags name ``manifest``."""
        return PushResult(
            url=self.repository.reference.url,
            tags=self.request.tags,
            digest=manifest.digest,
            previous_digest=self.held.digest if self.held else None,
            content_digest=self.packed.content_digest,
            size=manifest.layers[0].size,
            files=self.packed.files,
            source=manifest.source,
            revision=manifest.revision,
            why=self.why,
            diff=self.diff,
        )


def plan_push(
    packed: Pack, request: PushRequest, repository: Repository, *, with_diff: bool = False
) -> PushPlan:
    """What it takes to make all tags of ``request`` hold the content of ``packed``; nothing is written.

    A tag that has to change takes the manifest of one that is as wanted, where there is one. Where the
    repository has lost the content of such a manifest, that is sent again and the manifest stays, if it is
    packed to the same bytes. Raises LoopError.
    """
    held = {tag: repository.manifest(tag) for tag in request.tags}
    why = {tag: reason for tag in request.tags if (reason := _why(held[tag], packed, request, repository))}
    wanted = next((held[tag] for tag in request.tags if tag not in why), None)
    damaged = [one for tag, one in held.items() if one and why.get(tag) == BLOBS_MISSING]
    mended = None if wanted else next((one for one in damaged if _is_made_of(one, packed)), None)
    if request.immutable:
        _refuse_to_move(why, held, mended or wanted, repository)
    diff: Sequence[Shown] = ()
    if why and with_diff:
        tag = next(iter(why))
        diff = _diff(repository, tag, held[tag], packed, wanted.annotations if wanted else request.metadata)
    return PushPlan(
        packed,
        request,
        repository,
        held[request.tags[0]],
        wanted or mended,
        why,
        diff,
        lacks_blobs=mended is not None,
    )


def carry_out(plan: PushPlan) -> PushResult:
    """Push what was planned.

    Blobs go first and the tags last, so that a tag names the old content or the new, whenever this is
    interrupted. Raises LoopError.
    """
    manifest = plan.wanted or _new_manifest(plan.packed, plan.request)
    if plan.wanted is None or plan.lacks_blobs:
        _upload(plan.repository, plan.packed, plan.request.mount_from)
    for tag in plan.why:
        plan.repository.put_manifest(tag, manifest)
    return plan.pushed(manifest)


def push(packed: Pack, request: PushRequest, repository: Repository) -> PushResult:
    """Make all tags of ``request`` hold the content of ``packed``. Raises LoopError."""
    return carry_out(plan_push(packed, request, repository))


def _refuse_to_move(
    why: Mapping[str, str],
    held: Mapping[str, Manifest | None],
    wanted: Manifest | None,
    repository: Repository,
) -> None:
    """Raise LoopError where a tag would name another manifest than it does."""
    moving = [
        f"{tag} ({reason})"
        for tag, reason in why.items()
        if reason != TAG_MISSING and (wanted is None or held[tag] != wanted)
    ]
    if moving:
        raise LoopError(
            f"immutable: {repository.reference.url} has {', '.join(moving)} already, which may not be moved. "
            "Push to another tag.",
            why=dict(why),
        )


def run(
    params: Mapping[str, Any],
    *,
    connect: Connect,
    warn: Callable[[str], None],
    check_mode: bool = False,
    with_diff: bool = False,
) -> dict[str, Any]:
    """The module oci_artifact_push: its return values for its ``params``. Raises LoopError."""
    layout = params["dest_layout"]
    repository = connect({**params, "url": f"{LAYOUT_SCHEME}{layout}"} if layout else params)
    templates = [params["tag"] or (NEXT if params["next"] else DEFAULT_TAG), *params["tags"]]
    annotations = _texts(params["annotations"])
    # What can be refused is refused before the folder is read.
    PushRequest([tag for tag in templates if "{" not in tag], annotations=annotations)
    limits = {name: params[name] for name in ("ignore", "symlinks", "max_size", "max_files")}
    with pack(params["path"], **limits) as packed:
        request = PushRequest(
            (),
            annotations=annotations,
            compare=params["compare"],
            immutable=params["immutable"],
            mount_from=params["mount_from"],
        )
        request, warnings = with_origin(request, packed.path, params["source"], params["revision"])
        secrets = params["secrets"]
        found = Findings() if secrets == "allow" else examine(packed.archive, (), parses=False)
        if secrets == "refuse":
            _refuse_secrets(found)
        warnings += without_a_branch(templates, request.revision)
        values = known_values(request.revision)
        if params["next"]:
            values["next"] = _next(packed, request, repository, params["next"])
        request = replace(request, tags=filled_in(templates, values))
        plan = plan_push(packed, request, repository, with_diff=with_diff)
        result = plan.predicted if check_mode else carry_out(plan)
        if result.changed:
            whole_content = examine(packed.archive, packed.ignored, parses=True)
            found = replace(whole_content, secrets=found.secrets)
        warnings += found.warnings
        for warning in [*packed.warnings, *warnings]:
            warn(warning)
        return result.as_dict()


def _refuse_secrets(found: Findings) -> None:
    """Raise LoopError for Secrets in plain text, and for what may hold some."""
    if found.secrets:
        raise LoopError(
            f"secrets: {plain_secrets(found)} Encrypt them with SOPS, ignore them, or set `secrets` to "
            "allow.",
            secrets=found.secrets,
        )
    if found.broken:
        raise LoopError(
            f"secrets: These cannot be read, and may hold Secrets in plain text: {named(found.broken)}. "
            "Correct them, ignore them, or set `secrets` to allow."
        )


def _next(packed: Pack, request: PushRequest, repository: Repository, part: str) -> str:
    """The version for the content: the newest one where that holds it already, else the one after."""
    newest = newest_version(repository.tags())
    if newest is None:
        return str(next_version(None, part))
    tag, version = newest
    is_same = _why(repository.manifest(tag), packed, request, repository) is None
    return str(version if is_same else version.bumped(part))


def with_origin(
    request: PushRequest, path: str, source: str | None, revision: str | None
) -> tuple[PushRequest, list[str]]:
    """``request`` with ``source`` and ``revision``: those given, else git's for ``path``. And warnings.

    An empty text stands for none at all.
    """
    if source is not None and revision is not None:
        return _noting(request, source, revision), []
    git = git_revision(path)
    known = _noting(
        request, git.source if source is None else source, git.revision if revision is None else revision
    )
    return known, [git.warning] if git.warning else []


def _noting(request: PushRequest, source: str | None, revision: str | None) -> PushRequest:
    return replace(request, source=source or None, revision=revision or None)


def _texts(annotations: Mapping[str, Any]) -> dict[str, str]:
    for key, value in annotations.items():
        if isinstance(value, (dict, list)) or value is None:
            raise LoopError(f"annotations: the value of {key} is no text. Quote it.")
    return {str(key): str(value) for key, value in annotations.items()}


def _why(held: Manifest | None, packed: Pack, request: PushRequest, repository: Repository) -> str | None:
    """Why a tag that holds the manifest ``held`` has to be written, None where it is as wanted."""
    if held is None:
        return TAG_MISSING
    is_noted = _is_noted(held)
    if not is_noted and _is_damaged(held, repository):
        return BLOBS_MISSING  # or its content could not be compared
    if not _holds(held, packed, repository):
        return CONTENT_DIFFERS
    if request.compare == "exact" and comparable(held.annotations) != comparable(request.metadata):
        return METADATA_DIFFERS
    return BLOBS_MISSING if is_noted and _is_damaged(held, repository) else None


def _is_damaged(held: Manifest, repository: Repository) -> bool:
    """Whether a registry has lost what a manifest names, as whoever fetches the artifact would be told."""
    return not all(repository.has_blob(blob) for blob in held.blobs)


def _is_noted(held: Manifest) -> bool:
    """Whether the manifest alone tells what its content is."""
    return bool(held.content_digest and held.layers)


def _holds(held: Manifest, packed: Pack, repository: Repository) -> bool:
    if _is_noted(held):
        return held.content_digest == packed.content_digest
    try:
        with opened_archive(held, repository) as archive:
            return archive is not None and holds_same_content(archive, packed.archive)
    except NotAnArchiveError:
        return False


def _new_manifest(packed: Pack, request: PushRequest) -> Manifest:
    config, _body = flux_config(packed.content_digest)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    annotations = {CREATED: created} | request.metadata | {CONTENT_DIGEST: packed.content_digest}
    return Manifest(manifest_bytes(config, _layer(packed), annotations))


def _is_made_of(held: Manifest, packed: Pack) -> bool:
    """Whether what ``held`` names is, byte by byte, what would be pushed."""
    return held.blobs == [flux_config(packed.content_digest)[0], _layer(packed)]


def _layer(packed: Pack) -> Descriptor:
    return Descriptor(LAYER_TYPE, packed.layer.digest, packed.layer.size)


def _upload(repository: Repository, packed: Pack, mount_from: str | None) -> None:
    config, body = flux_config(packed.content_digest)
    repository.put_blob(_layer(packed), packed.layer.content, mount_from)
    packed.drop_layer()
    repository.put_blob(config, body, mount_from)


def whole(url: str, packed: Pack) -> Sequence[Shown]:
    """What --diff shows of a pack where there is no registry to compare it with."""
    after = content_of(f"{url} (from {packed.path})", packed.archive, {})
    return compare(Content(f"{url} (there is no registry yet)"), after).shown


def _diff(
    repository: Repository, tag: str, held: Manifest | None, packed: Pack, annotations: Mapping[str, str]
) -> Sequence[Shown]:
    name = f"{repository.reference.url}:{tag}"
    after = content_of(f"{name} (from {packed.path})", packed.archive, annotations)
    with opened_content(name if held else f"{name} (does not exist)", held, repository) as before:
        return compare(before, after).shown
