# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The way back: the tag that a workload follows names an earlier version again, and that is proven applied.

Which version was healthy last is told by the Kustomization's own status, not by anything kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import diff_module as artifact_sides
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.stored import stored_digests
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.versions import Version, versions
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import digest_of
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    source_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import explained, reconcile
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    check_tag,
    is_digest,
    parse_url,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.parse import REGISTRY
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.references import digests_in

PREVIOUS = "previous"
LAST_HEALTHY = "last_healthy"

SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "flux-system"},
    "to": {"type": "str", "default": LAST_HEALTHY},
    "registry": {"type": "dict", "required": True, "options": REGISTRY},
    "storage_dir": {"type": "path"},
    "timeout": {"type": "float", "default": 120},
}


@dataclass(frozen=True)
class Followed:
    """What a workload follows: a tag of a repository, as this machine reaches it."""

    repository: Repository
    tag: str
    held: Manifest
    kustomization: Object


def healthy_digests(kustomization: Object) -> list[str]:
    """The digests of the source that Flux has applied with success, the latest first.

    ``status.lastAppliedRevision`` is only written after the health checks; ``status.history`` has the last
    five results, the latest first (kustomize.toolkit.fluxcd.io/v1).
    """
    status = kustomization.get("status", {})
    revisions = [status.get("lastAppliedRevision")]
    revisions += [
        (entry.get("metadata") or {}).get("revision")
        for entry in status.get("history") or []
        if entry.get("lastReconciledStatus") == "ReconciliationSucceeded"
    ]
    return list(dict.fromkeys(digest_of(revision) for revision in revisions if revision))


def last_healthy(
    kustomization: Object, current: str, find: Callable[[str], Manifest | None]
) -> Manifest | None:
    """The version other than ``current`` that was healthy last and that ``find`` finds by its digest."""
    candidates = (find(digest) for digest in healthy_digests(kustomization) if digest != current)
    return next((manifest for manifest in candidates if manifest is not None), None)


def run(
    params: Mapping[str, Any],
    *,
    cluster: Cluster,
    connect: Callable[[str], Repository],
    check_mode: bool = False,
    with_diff: bool = False,
) -> dict[str, Any]:
    """The result of the module flux_rollback. Raises LoopError; once the tag is moved, with the receipt."""
    followed = _followed(params, cluster, connect)
    target = _target(params, followed)
    name = params["name"]
    is_moved = target.digest != followed.held.digest
    result: dict[str, Any] = {
        "changed": is_moved,
        "name": name,
        "url": followed.repository.reference.url,
        "tag": followed.tag,
        "from_digest": followed.held.digest,
        "to_digest": target.digest,
    }
    if with_diff and is_moved:
        result["diff"] = _diff(followed, target)
    if check_mode:
        return result
    if is_moved:
        followed.repository.put_manifest(followed.tag, target)
    request = Request(params["namespace"], name, params["timeout"], target.digest)
    [proof] = explained(cluster, reconcile(cluster, [request]))
    result["receipt"] = proof.receipt()
    if not proof.is_ready:
        raise LoopError(
            f"{followed.tag} of {followed.repository.reference.url} names {target.digest} now, but: "
            f"{proof.complaint()}",
            **result,
        )
    return result


def _followed(params: Mapping[str, Any], cluster: Cluster, connect: Callable[[str], Repository]) -> Followed:
    ref = ObjectRef(KUSTOMIZATION, params["namespace"], params["name"])
    kustomization = cluster.get(ref)
    if kustomization is None:
        there = sorted(item["metadata"]["name"] for item in cluster.list(KUSTOMIZATION, ref.namespace).items)
        raise LoopError(
            f"name: there is no {ref}. Name a workload that Flux has in namespace {ref.namespace}: "
            f"{', '.join(there) or 'there is none'}."
        )
    source_ref = source_of(kustomization)
    source = cluster.get(source_ref) if source_ref.kind == OCI_REPOSITORY else None
    if source is None:
        raise LoopError(f"name: the source of {ref} is {source_ref}, which is no OCIRepository that exists.")
    for item, what in ((kustomization, ref), (source, source_ref)):
        if item["spec"].get("suspend"):
            raise LoopError(f"{what} is suspended, so that nothing would be applied. Resume it first.")
    tag = _tag_of(source, source_ref)
    repository = connect(_url(source["spec"]["url"], params["registry"]))
    held = repository.manifest(tag)
    if held is None:
        raise LoopError(
            f"{repository.reference.url} has no tag {tag}, which {source_ref} follows. Push it first."
        )
    return Followed(repository, tag, held, kustomization)


def _tag_of(source: Object, ref: ObjectRef) -> str:
    asked = source["spec"].get("ref") or {}
    for field in ("digest", "semver"):
        if asked.get(field):
            raise LoopError(
                f"{ref} follows {field} {asked[field]}, and no tag that could name another version. Change "
                f"its {field} instead, with the module flux_source."
            )
    return str(asked.get("tag") or "latest")


def _url(url: str, registry: Mapping[str, Any]) -> str:
    prefix = f"oci://{registry.get('cluster') or registry['host']}/"
    if not url.startswith(prefix):
        raise LoopError(
            f"registry: the workload's artifact is {url}, which is not in {prefix}. Name the registry that "
            "it is in, as Flux reaches it, with registry.cluster."
        )
    return f"oci://{registry['host']}/{url.removeprefix(prefix)}"


def _target(params: Mapping[str, Any], followed: Followed) -> Manifest:
    """The version to go back to. Raises LoopError with those there are."""
    to, repository, current = params["to"], followed.repository, followed.held.digest
    found: Manifest | None
    if to == LAST_HEALTHY:
        found = last_healthy(followed.kustomization, current, repository.manifest)
        lacking = (
            "Flux's history of it has no other version that was healthy and that the registry still holds"
        )
    elif to == PREVIOUS:
        found = _older(_known(params, followed), current)
        lacking = f"the registry holds no version that is older than {current}"
    else:
        found = repository.manifest(to if is_digest(to) else check_tag(to))
        kind = "digest" if is_digest(to) else "tag"
        lacking = f"{repository.reference.url} holds no such {kind}"
    if found is not None:
        return found
    held = "".join(f"\n  {_line(version)}" for version in _known(params, followed))
    raise LoopError(f"to: {to} leads nowhere for {params['name']}: {lacking}. It holds:{held}")


def _known(params: Mapping[str, Any], followed: Followed) -> Sequence[Version]:
    """The versions that are known, the newest first: by tag, by Flux's history, by the registry's folder."""
    digests: Iterable[str] = digests_in(followed.kustomization.get("status", {}))
    if params["storage_dir"]:
        digests = [*digests, *stored_digests(params["storage_dir"], followed.repository.reference)]
    return versions(followed.repository, digests)


def _older(known: Sequence[Version], current: str) -> Manifest | None:
    digests = [version.digest for version in known]
    older = known[digests.index(current) + 1 :] if current in digests else ()
    return older[0].manifest if older else None


def _line(version: Version) -> str:
    created = version.created
    when = created.strftime("%Y-%m-%dT%H:%M:%SZ") if created else "at an unknown time"
    return f"{version.digest} {' '.join(version.tags) or '(no tag)'}, made {when}"


def _diff(followed: Followed, target: Manifest) -> list[Mapping[str, Any]]:
    """The tag, and what is in the two versions."""
    url = followed.repository.reference.url
    tag = {
        "before_header": f"{url}:{followed.tag}",
        "after_header": f"{url}:{followed.tag}",
        "before": f"{followed.held.digest}\n",
        "after": f"{target.digest}\n",
    }
    side = {"path": None, "url": None, "tag": None}
    compared = artifact_sides.run(
        {
            "url": url,
            "before": {**side, "digest": followed.held.digest},
            "after": {**side, "digest": target.digest},
        },
        connect=lambda _params: followed.repository,
        with_diff=True,
    )
    return [tag, *compared["diff"]]


def connector(params: Mapping[str, Any]) -> Callable[[str], Repository]:
    """How the repositories of the option ``registry`` are reached. Raises LoopError."""
    connection = Connection.from_params(params["registry"])
    return lambda url: RegistryRepository(parse_url(url), connection)
