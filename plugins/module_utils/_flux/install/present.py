# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Have Flux in the cluster, or use the one that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.permissions import (
    require_permissions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import Applied
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.changes import FIELD_MANAGER
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    Installation,
    flaws,
    installations,
    newer_than,
    unserved,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.lookup import (
    BESIDE,
    definitions,
    find_installations,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CRD,
    DEPLOYMENT,
    NAMESPACE,
    Settings,
    compose,
    is_of,
    kind_of,
    read_published,
    ref_to,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.outcome import (
    Options,
    Outcome,
    field_lines,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.requests import (
    for_all,
    if_allowed,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.rights import (
    lacking_permissions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.waiting import (
    wait_until_available,
    wait_until_served,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import tag_of_image


def install(cluster: Cluster, settings: Settings, manifests: Mapping[str, str], options: Options) -> Outcome:
    """Have Flux in the cluster, or use the one that is there. Raises LoopError before anything is changed."""
    found = if_allowed(lambda: find_installations(cluster, options.namespace)) or []
    foreign = [installed for installed in found if installed.loop != options.loop]
    ours = [installed for installed in found if installed.loop == options.loop]
    if foreign and not options.adopts:
        if ours:
            raise LoopError(_two(ours[0], foreign[0], cluster))
        return use(cluster, foreign[0], options)
    if not found and if_allowed(lambda: cluster.get(BESIDE)) is not None:
        return _use_processes(cluster, options)
    for installed in found:
        _require_replaceable(installed, settings, options, cluster)
    objects = compose(read_published(manifests), settings)
    require_permissions(cluster, lacking_permissions(cluster, objects, options.namespace), "To install Flux")
    applied = _apply_all(cluster, objects, options)
    wanted = [made.after for made in applied if made.ref.kind == DEPLOYMENT and made.after]
    if not options.check_mode:
        wanted = for_all(wanted, lambda item: wait_until_available(cluster, item, options.seconds))
    return Outcome(installations(wanted)[0], options.namespace, applied=applied)


def use(cluster: Cluster, installed: Installation, options: Options) -> Outcome:
    """An installation that is not ours, as it is. Raises LoopError where it cannot be used."""
    said = flaws(installed, definitions(cluster))
    if said:
        raise LoopError(
            f"Flux in namespace {installed.namespace} of {cluster.origin} ({installed.installer}) cannot be"
            f" used: {'; '.join(said)}. Mend it with what installed it, or take it over (flux_adopt=true,"
            f" flux_namespace={installed.namespace})."
        )
    if not options.check_mode:
        for item in installed.controllers.values():
            wait_until_available(cluster, item, options.seconds)
    return Outcome(installed, installed.namespace, owner="foreign")


def _use_processes(cluster: Cluster, options: Options) -> Outcome:
    """Flux that another loop runs beside the cluster."""
    said = unserved(definitions(cluster))
    if said:
        raise LoopError(f"Flux beside {cluster.origin} cannot be used: {'; '.join(said)}.")
    return Outcome(None, options.namespace, mode="processes", owner="foreign")


def _require_replaceable(
    installed: Installation, settings: Settings, options: Options, cluster: Cluster
) -> None:
    """Raise LoopError where an installation cannot become the one that is wanted."""
    if installed.namespace != options.namespace:
        raise LoopError(
            f"flux_namespace is {options.namespace}, but Flux is in namespace {installed.namespace} of"
            f" {cluster.origin} ({installed.installer}). Set flux_namespace={installed.namespace}, or remove"
            " that one first (flux_state=absent)."
        )
    versions = {name: tag_of_image(image) for name, image in settings.images.items()}
    newer = newer_than(installed, settings.version, versions)
    if newer and not options.allows_downgrade:
        raise LoopError(
            f"Flux in namespace {installed.namespace} of {cluster.origin} is newer: {'; '.join(newer)}."
            " Flux's objects may hold what an older version does not know. Use a newer version of the"
            " collection, or set flux_allow_downgrade=true."
        )


def _two(ours: Installation, foreign: Installation, cluster: Cluster) -> str:
    return (
        f"There are two installations of Flux in {cluster.origin}, which would work against each other: this"
        f" loop's in namespace {ours.namespace}, and one in {foreign.namespace} ({foreign.installer})."
        " Remove one of them; this loop's with flux_state=absent."
    )


def _apply_all(cluster: Cluster, objects: Sequence[Object], options: Options) -> list[Applied]:
    """Bring all objects about: the namespace first, and Deployments when what they need is served."""
    live = dict(zip(map(ref_to, objects), for_all(map(ref_to, objects), cluster.get), strict=True))
    for ref, item in live.items():
        if item and item["metadata"].get("deletionTimestamp"):
            raise LoopError(
                f"{ref} of {cluster.origin} is being deleted. Wait until it is gone, then run this again."
                " Nothing has been changed."
            )
    namespace = live[ObjectRef(NAMESPACE, "", options.namespace)]
    _require_ours(live, options, cluster)
    # Nothing can be tried out in a namespace that is not there.
    is_predicted = options.check_mode and namespace is None

    def apply(item: Object) -> Applied:
        ref = ref_to(item)
        if is_predicted and ref.kind.is_namespaced:
            return Applied(ref, None, item, ["created"])
        after = cluster.apply(ref.kind, item, manager=FIELD_MANAGER, dry_run=options.check_mode, force=True)
        return Applied(ref, live[ref], after, field_lines(live[ref], after))

    def wave(is_in: Callable[[Kind], bool]) -> list[Applied]:
        return for_all([item for item in objects if is_in(kind_of(item))], apply)

    # A namespace that somebody else made is used as it is.
    applied = (
        wave(lambda kind: kind == NAMESPACE) if namespace is None or is_of(namespace, options.loop) else []
    )
    applied += wave(lambda kind: kind not in (NAMESPACE, DEPLOYMENT))
    if not options.check_mode:
        new = [crd.ref for crd in applied if crd.ref.kind == CRD and crd.is_changed]
        for_all(new, lambda ref: wait_until_served(cluster, ref, options.seconds))
    return applied + wave(lambda kind: kind == DEPLOYMENT)


def _require_ours(live: Mapping[ObjectRef, Object | None], options: Options, cluster: Cluster) -> None:
    """Raise LoopError where something would be overwritten that another installation left or shares."""
    others = [
        str(ref)
        for ref, item in live.items()
        if item and ref.kind != NAMESPACE and not is_of(item, options.loop)
    ]
    if others and not options.adopts:
        raise LoopError(
            f"Flux does not run in {cluster.origin}, but parts of an installation are there that are not this"
            f" loop's: {', '.join(others)}. Remove them, or let them be taken over (flux_adopt=true)."
            " Nothing has been changed."
        )
