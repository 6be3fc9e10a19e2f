# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The module oci_artifact_prune: remove the versions of an artifact that nobody needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.retention import (
    Decision,
    Rules,
    parse_duration,
    retain,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.stored import stored_digests
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import (
    CONNECTIONS,
    Version,
    versions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import is_digest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Connect, Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.references import (
    LiveReference,
    live_references,
    protected_digests,
)

MOVED = "named by a tag that was set meanwhile"


def run(
    params: Mapping[str, Any],
    *,
    connect: Connect,
    connect_cluster: Callable[[Mapping[str, Any]], Cluster],
    now: datetime,
    check_mode: bool = False,
    with_diff: bool = False,
) -> dict[str, Any]:
    """The return values of the module for its ``params``. Raises LoopError, before anything is removed."""
    rules = rules_of(params)
    for digest in params["keep_digests"]:
        if not is_digest(digest):
            raise LoopError(
                f"keep_digests: {digest!r} is no digest. It has to be sha256: and 64 hexadecimal digits."
            )
    repository = connect(params)
    clusters = [connect_cluster(cluster) for cluster in params["clusters"]]
    untagged = stored_digests(params["storage_dir"], repository.reference) if params["storage_dir"] else []
    found = versions(repository, untagged)
    references = [LiveReference("keep_digests", digest=digest) for digest in params["keep_digests"]]
    # After the versions: what is applied from here on is newer than anything that is removed.
    for cluster in clusters:
        references += live_references(cluster, repository.reference)
    decisions = retain(found, rules, protected_digests(references, found), now)
    if not check_mode:
        decisions = remove(repository, decisions)
    return _returned(repository, decisions, clusters) | (
        {"diff": _diff(repository, decisions)} if with_diff else {}
    )


def rules_of(params: Mapping[str, Any]) -> Rules:
    """The rules among a module's ``params``. Raises LoopError where there are none."""
    age = params["keep_newer_than"]
    return Rules(
        keep_last=params["keep_last"],
        keep_newer_than=None if age is None else parse_duration(age, "keep_newer_than"),
        keep_tags=tuple(params["keep_tags"]),
        keep_latest_of=params["keep_latest_of"],
        order=params["order"],
    )


def remove(repository: Repository, decisions: Sequence[Decision]) -> list[Decision]:
    """Remove what is not kept, and return the decisions as they were carried out. Raises LoopError.

    First the tags, each only where it still names what was judged; then the manifests that no tag names any
    more. So a push or a tag that comes in between is never lost. Manifests are not deleted at once also
    because a registry looks through all tags for each.
    """
    doomed = [decision.version for decision in decisions if not decision.is_kept]
    if not doomed:
        return list(decisions)
    judged = {(tag, version.digest) for version in doomed for tag in version.tags}
    if _removes_tags(repository, sorted(judged)):
        judged = set()  # whatever names them now was set meanwhile
    named = _named(repository, judged)
    going = [version.digest for version in doomed if version.digest not in named]
    for_each(repository.delete_manifest, going, at_once=CONNECTIONS)
    return [
        replace(decision, is_kept=True, reasons=(MOVED,))
        if decision.version in doomed and decision.version.digest in named
        else decision
        for decision in decisions
    ]


def _removes_tags(repository: Repository, judged: Sequence[tuple[str, str]]) -> bool:
    """Remove the tags that still name what they named; false where the registry removes no single tags."""

    def removed(pair: tuple[str, str]) -> bool:
        tag, digest = pair
        held = repository.manifest(tag)
        return held is None or held.digest != digest or repository.delete_tag(tag)

    # One alone, to see whether the registry does it.
    return all(map(removed, judged[:1])) and all(for_each(removed, judged[1:], at_once=CONNECTIONS))


def _named(repository: Repository, judged: set[tuple[str, str]]) -> set[str]:
    """What tags name now, but for the ``judged`` pairs of tag and digest."""
    tags = repository.tags()
    held = zip(tags, for_each(repository.manifest, tags, at_once=CONNECTIONS), strict=True)
    return {manifest.digest for tag, manifest in held if manifest and (tag, manifest.digest) not in judged}


def _returned(
    repository: Repository, decisions: Sequence[Decision], clusters: Iterable[Cluster]
) -> dict[str, Any]:
    kept = [decision.version for decision in decisions if decision.is_kept]
    removed = [decision.version for decision in decisions if not decision.is_kept]
    return {
        "changed": bool(removed),
        "url": repository.reference.url,
        "clusters": [cluster.origin for cluster in clusters],
        "kept": len(kept),
        "removed": len(removed),
        "released": released(kept, removed),
        "versions": [decision.as_dict() for decision in decisions],
    }


def released(kept: Iterable[Version], removed: Iterable[Version]) -> int:
    """The bytes of the layers that only removed versions refer to, which garbage collection can win."""
    sizes = {layer.digest: layer.size for version in removed for layer in version.manifest.layers}
    for version in kept:
        for layer in version.manifest.layers:
            sizes.pop(layer.digest, None)
    return sum(sizes.values())


def _diff(repository: Repository, decisions: Sequence[Decision]) -> dict[str, str]:
    """Every version as a line, and the lines that stay."""
    url = repository.reference.url
    lines = [_line(decision) for decision in decisions]
    kept = [line for line, decision in zip(lines, decisions, strict=True) if decision.is_kept]
    return {
        "before_header": url,
        "before": "".join(lines),
        "after_header": url,
        "after": "".join(kept),
    }


def _line(decision: Decision) -> str:
    tags = " ".join(decision.version.tags) or "(no tag)"
    return f"{tags}  {decision.version.digest}  {'; '.join(decision.reasons)}\n"
