# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Flux in a cluster: installed, upgraded, healed, stopped, removed; that of others is used and left alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.permissions import (
    Permission,
    refused,
    require_permissions,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.at_once import for_each
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    FIELD_MANAGER,
    Applied,
    carry_out_deletion,
    content,
    plan_deletion,
    predict_deletion,
    wait_until,
    wait_until_gone,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.installation import (
    NEEDED,
    Installation,
    flaws,
    image_of,
    installations,
    is_available,
    newer_than,
    pod_trouble,
    unserved,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.install.manifests import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONTROLLERS,
    CRD,
    DEPLOYMENT,
    KINDS,
    MANAGED_BY,
    NAMESPACE,
    OURS,
    PART_OF,
    Settings,
    compose,
    is_of,
    kind_of,
    read_published,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import field_changes
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import dumped
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import tag_of_image

AT_ONCE = 8
LOOK_AT_PODS_EVERY = 2  # seconds
CRASHES_PASS_IN = (
    60  # seconds after which a controller that ends by itself again and again is no news any more
)
POD = Kind("", "v1", "pods", "Pod")
# What the role flux makes for Flux's processes beside a cluster (flux_mode: processes).
BESIDE = ObjectRef(CLUSTER_ROLE_BINDING, "", "flux-local:kustomize-controller")

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """What a user decides besides the objects themselves."""

    namespace: str
    loop: str
    adopts: bool
    allows_downgrade: bool
    deletes_workloads: bool
    seconds: float
    check_mode: bool


@dataclass
class Outcome:
    """What is in the cluster, and what had to be done for that."""

    installed: Installation | None
    namespace: str
    mode: str = "deployments"
    owner: str = "ours"
    applied: list[Applied] = field(default_factory=list)

    def result(self, *, with_diff: bool) -> dict[str, Any]:
        """As the module returns it."""
        changed = [each for each in self.applied if each.is_changed]
        result: dict[str, Any] = {
            "changed": bool(changed),
            "changes": [f"{each.ref}: {change}" for each in changed for change in each.changes],
            "mode": self.mode,
            "owner": self.owner,
            "namespace": self.namespace,
            "version": self.installed.version if self.installed else "",
            "versions": self.installed.versions if self.installed else {},
        }
        if with_diff:
            result["diff"] = {
                "before": "---\n".join(_shown(each.before) for each in changed if each.before),
                "after": "---\n".join(_shown(each.after) for each in changed if each.after),
            }
        return result


def run(cluster: Cluster, params: Mapping[str, Any], *, check_mode: bool, with_diff: bool) -> dict[str, Any]:
    """The result of the module flux_install."""
    options = Options(
        namespace=params["namespace"],
        loop=params["name"],
        adopts=params["adopt"],
        allows_downgrade=params["allow_downgrade"],
        deletes_workloads=params["delete_workloads"],
        seconds=float(params["timeout"]),
        check_mode=check_mode,
    )
    if params["state"] == "absent":
        outcome = uninstall(cluster, options)
    elif params["state"] == "stopped":
        outcome = stop(cluster, options)
    else:
        outcome = install(cluster, settings_of(params), params["manifests"], options)
    return outcome.result(with_diff=with_diff)


def settings_of(params: Mapping[str, Any]) -> Settings:
    """What the module's options say of an installation. Raises LoopError for what cannot be."""
    unknown = sorted({*params["images"], *params["arguments"]} - set(CONTROLLERS))
    if unknown:
        raise LoopError(
            f"images and arguments name {', '.join(unknown)}, but there are only {', '.join(CONTROLLERS)}."
        )
    images = {
        name: params["images"].get(name) or f"{params['image_registry']}/{name}:v{params['versions'][name]}"
        for name in CONTROLLERS
    }
    return Settings(
        namespace=params["namespace"],
        version=params["versions"]["flux"],
        loop=params["name"],
        images=images,
        arguments=params["arguments"],
        pull_secrets=params["image_pull_secrets"],
        with_network_policies=params["network_policies"],
    )


# --- present


def install(cluster: Cluster, settings: Settings, manifests: Mapping[str, str], options: Options) -> Outcome:
    """Have Flux in the cluster, or use the one that is there. Raises LoopError before anything is changed."""
    found = _if_allowed(lambda: find_installations(cluster, options.namespace)) or []
    foreign = [each for each in found if each.loop != options.loop]
    ours = [each for each in found if each.loop == options.loop]
    if foreign and not options.adopts:
        if ours:
            raise LoopError(_two(ours[0], foreign[0], cluster))
        return use(cluster, foreign[0], options)
    if not found and _if_allowed(lambda: cluster.get(BESIDE)) is not None:
        return _use_processes(cluster, options)
    for each in found:
        _require_replaceable(each, settings, options, cluster)
    objects = compose(read_published(manifests), settings)
    require_permissions(cluster, lacking_permissions(cluster, objects, options.namespace), "To install Flux")
    applied = _apply_all(cluster, objects, options)
    wanted = [each.after for each in applied if each.ref.kind == DEPLOYMENT and each.after]
    if not options.check_mode:
        wanted = _each(wanted, lambda item: wait_until_available(cluster, item, options.seconds))
    return Outcome(installations(wanted)[0], options.namespace, applied=applied)


def _if_allowed(call: Callable[[], Result]) -> Result | None:
    """What the call returns, None where the user may not ask: all that he may not do is named together."""
    try:
        return call()
    except ClusterError as error:
        if error.status == 403:
            return None
        raise


def find_installations(cluster: Cluster, namespace: str) -> list[Installation]:
    """Flux's Deployments in all namespaces, as far as the user may see them."""
    selector = f"{PART_OF}=flux"
    listed = _if_allowed(lambda: cluster.list(DEPLOYMENT, label_selector=selector))
    if listed is None:
        # Who may only work in some namespaces sees what is in Flux's.
        listed = cluster.list(DEPLOYMENT, namespace, label_selector=selector)
    return installations(listed.items)


def use(cluster: Cluster, installed: Installation, options: Options) -> Outcome:
    """An installation that is not ours, as it is. Raises LoopError where it cannot be used."""
    said = flaws(installed, _crds(cluster))
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
    said = unserved(_crds(cluster))
    if said:
        raise LoopError(f"Flux beside {cluster.origin} cannot be used: {'; '.join(said)}.")
    return Outcome(None, options.namespace, mode="processes", owner="foreign")


def _crds(cluster: Cluster) -> dict[Kind, Object | None]:
    """The definitions of the kinds that a loop needs; none where the user may not read them."""
    refs = {kind: ObjectRef(CRD, "", f"{kind.plural}.{kind.group}") for kind in NEEDED}
    return _if_allowed(lambda: {kind: cluster.get(ref) for kind, ref in refs.items()}) or {}


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


def lacking_permissions(cluster: Cluster, objects: Sequence[Object], namespace: str) -> list[Permission]:
    """What the user may not do of all that the installation of ``objects`` takes."""
    needed = [
        Permission(verb, kind, item["metadata"].get("namespace", ""))
        for item in objects
        for kind in [kind_of(item)]
        for verb in ("get", "create", "patch")
    ]
    needed += [Permission(verb, CRD) for verb in ("list", "watch")]
    needed += [Permission(verb, DEPLOYMENT, namespace) for verb in ("list", "watch")]
    needed += [
        Permission("bind", CLUSTER_ROLE, name=item["roleRef"]["name"])
        for item in objects
        if item["kind"] == CLUSTER_ROLE_BINDING.name
    ]
    needed += [Permission("list", POD, namespace), Permission("escalate", CLUSTER_ROLE)]
    missing = refused(cluster, needed)
    if Permission("escalate", CLUSTER_ROLE) in missing and not (
        {Permission(verb, CLUSTER_ROLE) for verb in ("get", "create", "patch")} & set(missing)
    ):
        # Nobody needs to escalate who has all the rights himself that the roles give: only an attempt tells.
        roles = [item for item in objects if item["kind"] == CLUSTER_ROLE.name]
        if all(_each(roles, lambda item: _may_be_granted(cluster, item))):
            missing.remove(Permission("escalate", CLUSTER_ROLE))
    return missing


def _may_be_granted(cluster: Cluster, role: Object) -> bool:
    try:
        cluster.apply(CLUSTER_ROLE, role, manager=FIELD_MANAGER, dry_run=True, force=True)
    except ClusterError as error:
        if error.status == 403:
            return False
        raise
    return True


def _apply_all(cluster: Cluster, objects: Sequence[Object], options: Options) -> list[Applied]:
    """Bring all objects about: the namespace first, and Deployments when what they need is served."""
    live = dict(zip(map(_ref, objects), _each(map(_ref, objects), cluster.get), strict=True))
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
        ref = _ref(item)
        if is_predicted and ref.kind.is_namespaced:
            return Applied(ref, None, item, ["created"])
        after = cluster.apply(ref.kind, item, manager=FIELD_MANAGER, dry_run=options.check_mode, force=True)
        return Applied(ref, live[ref], after, _changes(live[ref], after))

    def wave(is_in: Callable[[Kind], bool]) -> list[Applied]:
        return _each([item for item in objects if is_in(kind_of(item))], apply)

    # A namespace that somebody else made is used as it is.
    applied = (
        wave(lambda kind: kind == NAMESPACE) if namespace is None or is_of(namespace, options.loop) else []
    )
    applied += wave(lambda kind: kind not in (NAMESPACE, DEPLOYMENT))
    if not options.check_mode:
        new = [each.ref for each in applied if each.ref.kind == CRD and each.is_changed]
        _each(new, lambda ref: _wait_until_served(cluster, ref, options.seconds))
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


def _ref(item: Object) -> ObjectRef:
    return ref_of(kind_of(item), item)


def _changes(before: Object | None, after: Object) -> list[str]:
    if before is None:
        return ["created"]
    return [
        f"{change.field}: {_or_none(change.before)} -> {_or_none(change.after)}"
        for change in field_changes(content(before), content(after))
    ]


def _or_none(value: str | None) -> str:
    return "(none)" if value is None else value


def _shown(item: Object) -> str:
    """An object for the diff; of a resource's definition, which fills pages, the versions that it serves."""
    shown = content(item)
    if item["kind"] == CRD.name:
        versions = [each["name"] for each in item["spec"]["versions"] if each["served"]]
        shown["spec"] = {"group": item["spec"]["group"], "versions": versions}
    return dumped(shown)


def _wait_until_served(cluster: Cluster, ref: ObjectRef, seconds: float) -> None:
    def is_established(item: Object | None) -> bool:
        # The API server writes null before it knows any.
        conditions = (item or {}).get("status", {}).get("conditions") or []
        return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)

    if not wait_until(cluster, ref, seconds, is_established)[1]:
        raise LoopError(f"{ref} is not served {seconds:g} s after it was applied.")


def wait_until_available(cluster: Cluster, deployment: Object, seconds: float) -> Object:
    """The Deployment once its Pods are ready. Raises LoopError as soon as one of them cannot become it."""
    ref = ref_of(DEPLOYMENT, deployment)
    began = time.monotonic()
    deadline = began + seconds
    while True:
        remaining = deadline - time.monotonic()
        item, is_settled = wait_until(cluster, ref, min(LOOK_AT_PODS_EVERY, remaining), is_available)
        if item is None:
            raise LoopError(f"{ref} was deleted while it was being waited for.")
        if is_settled:
            return item
        troubles = _troubles(cluster, item, may_crash=time.monotonic() < began + CRASHES_PASS_IN)
        if troubles:
            raise LoopError(
                f"{ref} does not become available: {'; '.join(troubles)}. Its image is {image_of(item)}:"
                " it has to be for the nodes' platform and in their reach (flux_images, flux_image_registry,"
                " flux_image_pull_secrets)."
            )
        if deadline <= time.monotonic():
            raise LoopError(f"{ref} is not available after {seconds:g} s: {_standing(item)} (flux_timeout).")


def _troubles(cluster: Cluster, deployment: Object, *, may_crash: bool) -> list[str]:
    namespace = deployment["metadata"]["namespace"]
    pods = cluster.list(POD, namespace, label_selector=_selector(deployment)).items
    return [
        f"Pod {pod['metadata']['name']}: {said}"
        for pod in pods
        if (said := pod_trouble(pod, may_crash=may_crash))
    ]


def _selector(deployment: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in deployment["spec"]["selector"]["matchLabels"].items())


def _standing(deployment: Object) -> str:
    conditions = deployment.get("status", {}).get("conditions", [])
    said = [
        each.get("message", "")
        for each in conditions
        if each["status"] != "True" or each["type"] == "Progressing"
    ]
    return "; ".join(filter(None, said)) or "its controller has said nothing of it"


# --- stopped


def stop(cluster: Cluster, options: Options) -> Outcome:
    """Have this loop's Flux not running; its objects and those of the workloads stay."""
    found = find_installations(cluster, options.namespace)
    installed = next((each for each in found if each.loop == options.loop), None)
    if installed is None:
        return _left_alone(found, options)
    running = [item for item in installed.controllers.values() if item["spec"].get("replicas", 1)]
    needed = [
        Permission("patch", DEPLOYMENT, installed.namespace),
        Permission("list", POD, installed.namespace),
    ]
    if running:
        require_permissions(cluster, refused(cluster, needed), "To stop Flux")

    def scale(item: Object) -> Applied:
        ref = ref_of(DEPLOYMENT, item)
        after = {**item, "spec": {**item["spec"], "replicas": 0}}
        if not options.check_mode:
            after = cluster.merge_patch(ref, {"spec": {"replicas": 0}}, manager=FIELD_MANAGER)
            _wait_for_the_end_of_pods(cluster, item, options.seconds)
        return Applied(ref, item, after, _changes(item, after))

    return Outcome(installed, installed.namespace, applied=_each(running, scale))


def _wait_for_the_end_of_pods(cluster: Cluster, deployment: Object, seconds: float) -> None:
    namespace = deployment["metadata"]["namespace"]
    pods = cluster.list(POD, namespace, label_selector=_selector(deployment)).items
    _each(pods, lambda pod: wait_until_gone(cluster, ref_of(POD, pod), seconds))


# --- absent


def uninstall(cluster: Cluster, options: Options) -> Outcome:
    """Remove what this loop installed, and nothing else.

    What workloads brought into the cluster stays, unless it is to be deleted: then Flux prunes it first.
    """
    found = find_installations(cluster, options.namespace)
    unseen = refused(cluster, [Permission("list", kind) for kind in KINDS])
    if any(each.loop == options.loop for each in found):
        require_permissions(cluster, unseen, "To remove Flux")
    owned = [] if unseen else _owned(cluster, options.loop)
    if not owned:
        return _left_alone(found, options)
    if not options.deletes_workloads:
        owned = [item for item in owned if kind_of(item) != NAMESPACE]
    flux_kinds = [_defined_kind(item) for item in owned if kind_of(item) == CRD]
    needed = [
        Permission("delete", kind_of(item), item["metadata"].get("namespace", "")) for item in owned
    ] + [Permission(verb, kind) for kind in flux_kinds for verb in ("list", "patch")]
    require_permissions(cluster, refused(cluster, needed), "To remove Flux")
    removed = _prune_workloads(cluster, options) if options.deletes_workloads else []
    deployments = [item for item in owned if kind_of(item) == DEPLOYMENT]
    removed += _remove_all(cluster, deployments, options)
    if not options.check_mode:
        # A controller that still runs would give its finalizers back, or prune.
        _each(deployments, lambda item: _wait_for_the_end_of_pods(cluster, item, options.seconds))
        _each(flux_kinds, lambda kind: _release(cluster, kind))
    removed += _remove_all(cluster, [item for item in owned if kind_of(item) != DEPLOYMENT], options)
    return Outcome(None, options.namespace, owner="none", applied=removed)


def _left_alone(found: Sequence[Installation], options: Options) -> Outcome:
    """What is said where there is nothing of this loop."""
    if not found:
        return Outcome(None, options.namespace, owner="none")
    return Outcome(found[0], found[0].namespace, owner="foreign")


def _owned(cluster: Cluster, loop: str) -> list[Object]:
    """All objects that the loop installed, in the order in which they are to be removed."""
    listed = _each(KINDS[::-1], lambda kind: cluster.list(kind, label_selector=f"{MANAGED_BY}={OURS}").items)
    return [item for items in listed for item in items if is_of(item, loop)]


def _defined_kind(crd: Object) -> Kind:
    spec = crd["spec"]
    version = next(each["name"] for each in spec["versions"] if each["storage"])
    return Kind(spec["group"], version, spec["names"]["plural"], spec["names"]["kind"])


def _prune_workloads(cluster: Cluster, options: Options) -> list[Applied]:
    """Delete all Kustomizations while Flux still runs, which prunes what they applied."""
    kustomizations = cluster.list(KUSTOMIZATION).items
    if not kustomizations:
        return []
    found = find_installations(cluster, options.namespace)
    installed = next((each for each in found if each.loop == options.loop), None)
    if installed is None or flaws(installed, _crds(cluster)):
        raise LoopError(
            "flux_delete_workloads is true, but Flux is not running, and only it can delete what it applied."
            " Start it first (flux_state=present), or set flux_delete_workloads=false."
        )
    refs = [ref_of(KUSTOMIZATION, item) for item in kustomizations]
    removed = _each(refs, lambda ref: _remove(cluster, ref, options))
    if not options.check_mode:
        _each(refs, lambda ref: wait_until_gone(cluster, ref, options.seconds))
    return removed


def _release(cluster: Cluster, kind: Kind) -> None:
    """Take Flux's finalizers from all objects of a kind: nobody is left who would remove them."""
    for item in cluster.list(kind).items:
        if item["metadata"].get("finalizers"):
            # An object that is being deleted is gone with its last finalizer.
            with suppress(ClusterError):
                cluster.merge_patch(
                    ref_of(kind, item), {"metadata": {"finalizers": None}}, manager=FIELD_MANAGER
                )


def _remove_all(cluster: Cluster, items: Sequence[Object], options: Options) -> list[Applied]:
    removed = _each(items, lambda item: _remove(cluster, _ref(item), options, options.seconds))
    return [each for each in removed if each.before is not None]


def _remove(cluster: Cluster, ref: ObjectRef, options: Options, wait_seconds: float | None = None) -> Applied:
    plan = plan_deletion(cluster, ref)
    if options.check_mode:
        return predict_deletion(cluster, plan)
    return carry_out_deletion(cluster, plan, wait_seconds)


def _each(items: Iterable[Item], call: Callable[[Item], Result]) -> list[Result]:
    """``call`` for all items at once; the first error is raised when all have ended."""
    return for_each(call, items, at_once=AT_ONCE)
