# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The whole loop for many workloads: packed and pushed together, applied together, proven together."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import push as artifact_push
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.diff import bounded
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import (
    PushPlan,
    PushRequest,
    PushResult,
    plan_push,
    whole,
    with_origin,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import read_tar
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import Pack, pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.apply import (
    Applied,
    ApplyPlan,
    carry_out,
    carry_out_removal,
    plan_apply,
    plan_removal,
    predict,
    predict_removal,
    wait_until,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.evidence import shared_objects
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import (
    Cause,
    Origin,
    shared_with,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import (
    DEPENDENCY_NOT_READY,
    HEALTH_CHECK_FAILED,
    State,
    condition,
    is_checking_health,
    kustomization_verdict,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.judgement import Request
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Change,
    creation,
    read_rendered,
    with_variables,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.foresight import (
    Foresight,
    refused,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.foretell import (
    Subject,
    foretell,
    waves,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.receipt import Proof
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.reconcile import explained, reconcile
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.certain_builds import (
    certainly_builds,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.places import (
    Manifests,
    WorkloadOrigin,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import resources
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference, parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.locks import exclusive
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.order import (
    in_order,
    unlisted_dependencies,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.progress import Follower, Silence
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.registry_secrets import (
    Secret,
    apply_secret,
    remove_unused_secret,
    secrets_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import Renderer
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rollback import last_healthy
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.workload import (
    Endpoint,
    Workload,
    read_workloads,
)

CONNECTIONS = 8
SETTLE_SECONDS = 10  # a Kustomization that takes longer is not waited for before its artifact
MOST_COMPARED = 1024 * 1024  # bytes of a folder's manifests that are compared with what Flux owns

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class WayBack:
    """What became of a workload that was taken back: its version and where that stands, if there is one."""

    digest: str = ""
    tracker: Proof | None = None

    @property
    def is_proven(self) -> bool:
        return self.tracker is not None and self.tracker.verdict.state is State.READY

    def told(self) -> str:
        """A sentence for the message."""
        if self.tracker is None:
            return "No version of it was healthy before that the registry still holds: it stays as it is."
        if self.is_proven:
            return f"It was taken back to {self.digest}, which is applied and healthy."
        return f"It was taken back to {self.digest}, but: {self.tracker.complaint()}"


@dataclass
class Present:
    """A workload that is to be in the cluster, and what became of it so far."""

    workload: Workload
    packed: Pack
    request: PushRequest
    repository: Repository
    warnings: list[str]
    push: PushPlan | None = None
    pushed: PushResult | None = None
    plans: list[ApplyPlan] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    tracker: Proof | None = None
    rivalry: Cause | None = None  # with others that apply the same objects
    way_back: WayBack | None = None
    subject: Subject | None = None

    @property
    def is_changing(self) -> bool:
        """Whether it is pushed, applied or reconciled for another reason than drift."""
        is_pushed = self.pushed is not None and self.pushed.changed
        is_triggered = self.tracker is not None and self.tracker.is_triggered
        return is_pushed or is_triggered or any(applied.is_changed for applied in self.applied)

    @property
    def changes(self) -> list[Change]:
        """What Flux would change, or has changed back."""
        return self.subject.changes if self.subject else []

    @property
    def drift(self) -> list[str]:
        """How what Flux applied was other than it had applied it, a sentence each."""
        if self.subject is None or self.subject.is_changing:
            return []
        certain = [change for change in self.changes if change.is_certain]
        return [f"drift: {sentence}" for change in certain for sentence in change.drift()]

    @property
    def why(self) -> list[str]:
        """What was different, a sentence each."""
        pushed = [f"{tag}: {why}" for tag, why in self.pushed.why.items()] if self.pushed else []
        known = [*pushed, *self.secrets, *_sentences(self.applied), *self.drift]
        is_asked = self.tracker is not None and self.tracker.is_triggered and not known
        return [*known, *(["reconciled"] if is_asked else [])]

    @property
    def failure(self) -> str:
        """Why it is not well, empty when it is: proven, or suspended as was asked for."""
        if self.tracker is None or self.tracker.verdict.state is State.READY:
            return ""
        is_meant = self.tracker.verdict.state is State.SUSPENDED and self.workload.options["suspend"]
        if is_meant:
            return ""
        return f"{self.tracker.complaint()}{f' {self.way_back.told()}' if self.way_back else ''}"

    @property
    def is_unhealthy_after_push(self) -> bool:
        """Whether it was pushed and applied just now, and is not healthy."""
        if self.tracker is None or self.pushed is None or not self.pushed.changed:
            return False
        verdict = self.tracker.verdict
        is_waiting = verdict.state is State.IN_PROGRESS and is_checking_health(self.tracker.live or {})
        return is_waiting or (verdict.state is State.FAILED and verdict.reason == HEALTH_CHECK_FAILED)

    @property
    def refusal(self) -> str:
        """Why Flux could not apply it, as far as the API server tells beforehand."""
        if not self.is_changing:
            return ""
        told = [f"{change.identity}: {change.message}" for change in refused(self.changes)]
        return f"Workload {self.workload.name}: Flux could not apply it. {' '.join(told)}" if told else ""

    def diffs(self, mask: Mask) -> list[Mapping[str, Any]]:
        """What --diff shows."""
        pushed = self.pushed.diff if self.pushed else ()
        applied = [applied.diff() for applied in self.applied if applied.is_changed]
        return [*pushed, *applied, *(change.shown(mask) for change in self.changes)]

    def receipt(self) -> dict[str, Any]:
        """What is returned for the workload."""
        proof: dict[str, Any] = self.tracker.receipt() if self.tracker else {"ready": False}
        if self.rivalry:
            proof["cause"] = self.rivalry.result
        about = _about(self.workload, self.why, self.changes)
        if self.pushed:
            about |= {
                "url": self.pushed.url,
                "tag": self.workload.options["tag"],
                "pushed_digest": self.pushed.digest,
                "size": self.pushed.size,
                "files": self.pushed.files,
            }
        if self.way_back:
            about["taken_back"] = {"digest": self.way_back.digest, "proven": self.way_back.is_proven}
        return {**proof, "verdict": proof.get("state", ""), **about}


@dataclass
class Absent:
    """A workload that is not to be in the cluster, and what became of it so far."""

    workload: Workload
    applied: list[Applied] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    @property
    def why(self) -> list[str]:
        """What was different, a sentence each."""
        return [*_sentences(self.applied), *self.secrets]

    def diffs(self, mask: Mask) -> list[Mapping[str, Any]]:
        """What --diff shows."""
        applied = [applied.diff() for applied in self.applied if applied.is_changed]
        return [*applied, *(change.shown(mask) for change in self.changes)]

    def receipt(self) -> dict[str, Any]:
        """What is returned for the workload."""
        return {**_about(self.workload, self.why, self.changes), "ready": False, "verdict": "absent"}


def _about(workload: Workload, why: list[str], changes: Sequence[Change] = ()) -> dict[str, Any]:
    return {
        "name": workload.name,
        "namespace": workload.namespace,
        "state": workload.options["state"],
        "changed": bool(why),
        "why": why,
        "changes": [change.as_dict() for change in changes],
    }


def _sentences(applied: Sequence[Applied]) -> list[str]:
    return [f"{one.ref.kind.name}: {change}" for one in applied for change in one.changes]


def run(
    params: Mapping[str, Any],
    *,
    cluster: Cluster,
    connect: Callable[[Reference, Connection], Repository],
    renderer: Renderer,
    warn: Callable[[str], None],
    check_mode: bool,
    with_diff: bool,
    follower: Follower | None = None,
    locks: str | None = None,
) -> dict[str, Any]:
    """Bring every listed workload to what the user's folders hold, and prove it.

    Everything that can be refused is refused before anything is pushed or applied. Raises LoopError with all
    receipts when a workload is not well in the end. ``locks`` is a folder with which two runs on one machine
    are kept from working on the same workload at once; check mode needs none.
    """
    workloads = in_order(read_workloads(params["workloads"], params["namespace"]))
    followed = follower or Silence()
    registry = params["registry"]
    connection = Connection.from_params(registry)
    endpoint = _endpoint(registry)
    secrets = secrets_of(endpoint.cluster, connection)
    endpoint = replace(endpoint, secrets={secret.reference: secret.name for secret in secrets})
    absent = [Absent(workload) for workload in reversed(workloads) if not workload.is_present]
    with ExitStack() as stack, ThreadPoolExecutor(CONNECTIONS) as pool:
        if not check_mode:
            stack.enter_context(_alone(locks, cluster, workloads, params["timeout"], followed))

        def packed(workload: Workload) -> Present:
            repository = connect(parse_url(workload.url(endpoint.host)), connection)
            return _packed(workload, params, repository, stack)

        def compare(one: Present) -> None:
            one.push = plan_push(one.packed, one.request, one.repository, with_diff=with_diff)
            one.pushed = one.push.predicted

        present = _each(pool, [workload for workload in workloads if workload.is_present], packed)
        _refuse_unknown_dependencies(cluster, workloads)
        # What the API server would refuse, or that there is none, shows before anything is pushed.
        _apply_secrets(present, secrets, cluster, check_mode=True)
        _each(pool, present, lambda one: _plan(one, cluster, endpoint))
        _each(pool, present, compare)
        changed = [one for one in present if one.pushed and one.pushed.changed]
        if not check_mode:
            _each(pool, changed, lambda one: _refuse_unbuildable(one, renderer))
            _each(pool, changed, lambda one: _publish(one, followed))
            if any(one.secrets for one in present):
                _apply_secrets(present, secrets, cluster, check_mode=False)
            differing = [one for one in present if any(applied.is_changed for applied in one.applied)]
            _each(pool, differing, lambda one: _apply(one, cluster))
            _each(pool, [one for one in differing if one in changed], lambda one: _settle(one, cluster))
            followed.changed(one.workload.kustomization for one in differing)
        for going in absent:
            _remove(going, cluster, params["timeout"], check_mode=check_mode)
        _remove_secrets(absent, secrets, cluster, check_mode=check_mode)
        _prove(present, cluster, params["timeout"], follower=followed, check_mode=check_mode)
        foresight = Foresight(cluster)
        together = partial(_each_of, pool)
        subjects = _subjects(present, renderer, check_mode=check_mode)
        for hidden in foretell(foresight, subjects, together):
            warn(f"Drift cannot be seen: {hidden}")
        if check_mode:
            _each(pool, absent, lambda going: _foretell_removal(going, foresight))
        else:
            _heal(present, foresight, params["timeout"])
            # Before anything is taken back: what has failed is there to be looked at.
            _look_for_causes(present, cluster, endpoint)
            _take_back(present, params["on_failure"], cluster, params["timeout"])
            _look_for_rivals(present, cluster)
    _pass_on_warnings(present, warn)
    failures = [one.refusal if check_mode else one.failure for one in present]
    return _result([*present, *absent], list(filter(None, failures)), foresight.mask)


def _alone(
    locks: str | None, cluster: Cluster, workloads: Sequence[Workload], timeout: float, follower: Follower
) -> AbstractContextManager[None]:
    """While no other run on this machine works on the workloads."""
    if locks is None:
        return nullcontext()
    names = [f"{workload.namespace}/{workload.name}" for workload in workloads]
    return exclusive(locks, cluster.server, names, timeout=timeout, on_wait=follower.waits)


def _pass_on_warnings(present: Sequence[Present], warn: Callable[[str], None]) -> None:
    for one in present:
        for warning in [*one.warnings, *(one.subject.warnings if one.subject else [])]:
            warn(f"{one.workload.name}: {warning}")


def _each(pool: ThreadPoolExecutor, items: Iterable[Item], call: Callable[[Item], Outcome]) -> list[Outcome]:
    """``call`` on all items at once; when all have ended, the error of the first that failed is raised."""
    futures = [pool.submit(call, item) for item in items]
    for future in futures:
        future.exception()
    return [future.result() for future in futures]


def _each_of(pool: ThreadPoolExecutor, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return _each(pool, items, call)


def _packed(
    workload: Workload, params: Mapping[str, Any], repository: Repository, stack: ExitStack
) -> Present:
    options = workload.options
    path = os.path.normpath(os.path.join(params["base_dir"] or "", options["path"]))
    try:
        packed = stack.enter_context(pack(path, ignore=options["ignore"], symlinks=options["symlinks"]))
    except LoopError as error:
        raise LoopError(f"Workload {workload.name}: {error.message}") from error
    request = PushRequest((options["tag"],), compare=params["compare"])
    request, warnings = with_origin(request, packed.path, params["source"], params["revision"])
    return Present(workload, packed, request, repository, [*packed.warnings, *warnings])


def _refuse_unknown_dependencies(cluster: Cluster, workloads: Sequence[Workload]) -> None:
    for dependency, dependent in unlisted_dependencies(workloads).items():
        if cluster.get(dependency) is None:
            raise LoopError(
                f"Workload {dependent}: depends_on names {dependency.name}, but the list has no such "
                f"workload and the cluster no {dependency}. Add it to the list, or correct the name."
            )


def _refuse_unbuildable(one: Present, renderer: Renderer) -> None:
    kustomization = one.workload.kustomization_object()
    if not certainly_builds(kustomization, one.packed.archive):
        _render(one, renderer, kustomization)


def _render(one: Present, renderer: Renderer, kustomization: Object) -> str:
    asked = one.workload.options["kustomization_path"] or ""
    # As Flux takes it: from the root of the artifact, and never out of it.
    inside = os.path.normpath(f"/{asked}").lstrip("/")
    with tempfile.TemporaryDirectory(prefix="flux-local-") as scratch:
        folder = os.path.join(os.path.realpath(scratch), "content")
        one.packed.extract(folder)
        entry = os.path.join(folder, inside) if inside else folder
        if not os.path.isdir(entry):
            raise LoopError(
                f"Workload {one.workload.name}: kustomization_path is {asked!r}, but {one.packed.path} has "
                "no such folder. Name one inside the workload's path."
            )
        try:
            return renderer.render(
                entry,
                kustomization,
                os.path.join(one.packed.path, inside) if inside else one.packed.path,
            )
        except LoopError as error:
            raise LoopError(f"Workload {one.workload.name}: {error.message}") from error


def _plan(one: Present, cluster: Cluster, endpoint: Endpoint) -> None:
    """Note what is to be applied, and what the API server says that would become of it."""
    one.plans = [
        plan_apply(cluster, kind, desired, force=True)
        for kind, desired in (
            (OCI_REPOSITORY, one.workload.source_object(endpoint)),
            (KUSTOMIZATION, one.workload.kustomization_object()),
        )
    ]
    one.applied = [predict(cluster, plan) for plan in one.plans]


def _apply(one: Present, cluster: Cluster) -> None:
    one.applied = [carry_out(cluster, plan) for plan in one.plans]


def _publish(one: Present, follower: Follower) -> None:
    if one.push is not None:
        began = time.monotonic()
        one.pushed = artifact_push.carry_out(one.push)
        follower.pushed(one.workload.kustomization, one.pushed.digest, time.monotonic() - began)


def _settle(one: Present, cluster: Cluster) -> None:
    """Let Flux take note of what it makes of the older artifact, before it sees the new one.

    kustomize-controller may begin its next pass before it has read what its last one noted as applied. What
    only that one applied, by a Kustomization that has just been changed, would never be pruned.
    """
    if one.applied[1].is_changed and one.applied[1].before is not None:
        wait_until(cluster, one.workload.kustomization, SETTLE_SECONDS, _has_settled)


def _has_settled(kustomization: Object | None) -> bool:
    if kustomization is None:
        return True
    verdict = kustomization_verdict(kustomization)
    if verdict.is_settled or verdict.reason == DEPENDENCY_NOT_READY:
        return True
    reconciling = condition(kustomization, "Reconciling") or {}
    is_of_now = reconciling.get("observedGeneration") == kustomization["metadata"].get("generation")
    return is_of_now and is_checking_health(kustomization)


def _apply_secrets(
    present: Sequence[Present], secrets: Sequence[Secret], cluster: Cluster, *, check_mode: bool
) -> None:
    """Have the registry's Secrets in every namespace with a source that names them."""
    for one in present:
        one.secrets = []
    for secret in secrets:
        needing = [one for one in present if one.workload.needs(secret.reference)]
        for namespace in sorted({one.workload.namespace for one in needing}):
            change = apply_secret(cluster, secret, namespace, check_mode=check_mode)
            for one in needing:
                if change and one.workload.namespace == namespace:
                    one.secrets.append(f"Secret {secret.name}: {change}")


def _remove_secrets(
    absent: Sequence[Absent], secrets: Sequence[Secret], cluster: Cluster, *, check_mode: bool
) -> None:
    """Leave no Secret of the registry where no source needs it any more."""
    removed = {one.workload.source for one in absent}
    last = {one.workload.namespace: one for one in absent}
    for secret in secrets:
        for namespace, one in last.items():
            if remove_unused_secret(cluster, secret, namespace, removed, check_mode=check_mode):
                one.secrets.append(f"Secret {secret.name}: deleted")


def _remove(one: Absent, cluster: Cluster, timeout: float, *, check_mode: bool) -> None:
    # The Kustomization first: as it goes, Flux prunes what it applied, and needs no source for that.
    for ref in (one.workload.kustomization, one.workload.source):
        plan = plan_removal(cluster, ref)
        one.applied.append(
            predict_removal(cluster, plan) if check_mode else carry_out_removal(cluster, plan, timeout)
        )


def _prove(
    present: Sequence[Present],
    cluster: Cluster,
    timeout: float,
    *,
    follower: Follower,
    check_mode: bool,
) -> None:
    provable = [
        one for one in present if not (check_mode and any(applied.before is None for applied in one.applied))
    ]
    requests = [
        Request(
            one.workload.namespace,
            one.workload.name,
            timeout,
            expected_digest=one.pushed.digest if one.pushed else None,
        )
        for one in provable
    ]
    trackers = reconcile(cluster, requests, check_mode=check_mode, observe=follower.observe)
    for one, tracker in zip(provable, trackers, strict=True):
        one.tracker = tracker


def _look_for_causes(present: Sequence[Present], cluster: Cluster, endpoint: Endpoint) -> None:
    failed = [one for one in present if one.failure]
    if not failed:
        return
    manifests = {one.workload.name: Manifests(one.packed.path, one.packed.archive) for one in present}
    origins: dict[ObjectRef, Origin] = {
        one.workload.kustomization: WorkloadOrigin(endpoint.host, manifests[one.workload.name], manifests)
        for one in failed
    }
    proofs = explained(cluster, [one.tracker for one in failed if one.tracker], origins)
    for one, proof in zip([one for one in failed if one.tracker], proofs, strict=True):
        one.tracker = proof


def _look_for_rivals(present: Sequence[Present], cluster: Cluster) -> None:
    """Warn of what several Kustomizations apply; where nothing was applied now, that was said before."""
    applied = {one.workload.kustomization: one for one in present if one.why and not one.failure}
    if not applied:
        return
    for ref, shared in shared_objects(cluster, list(applied)).items():
        for item, others in shared.items():
            cause = shared_with(item, others)
            applied[ref].warnings.append(cause.about(""))
            applied[ref].rivalry = cause


def _take_back(present: Sequence[Present], on_failure: str, cluster: Cluster, timeout: float) -> None:
    """Where that is asked for, have tags name again what was healthy last, and prove it."""
    unhealthy = [one for one in present if on_failure == "rollback" and one.is_unhealthy_after_push]
    for one in unhealthy:
        pushed = (one.pushed.digest if one.pushed else None) or ""
        live = (one.tracker.live if one.tracker else None) or {}
        target = last_healthy(live, pushed, one.repository.manifest)
        one.way_back = WayBack(target.digest if target else "")
        if target:
            one.repository.put_manifest(one.workload.options["tag"], target)
    going = [one for one in unhealthy if one.way_back and one.way_back.digest]
    requests = [
        Request(one.workload.namespace, one.workload.name, timeout, one.way_back.digest)
        for one in going
        if one.way_back
    ]
    proofs = explained(cluster, reconcile(cluster, requests))
    for one, request, proof in zip(going, requests, proofs, strict=True):
        one.way_back = WayBack(request.expected_digest or "", proof)


def _subjects(present: Sequence[Present], renderer: Renderer, *, check_mode: bool) -> list[Subject]:
    """What Flux may change, or has to change back; a run has proven already what it changed itself."""
    for one in present:
        is_well = one.tracker is not None and one.tracker.verdict.state is State.READY
        if check_mode or (is_well and not one.is_changing):
            kustomization = one.applied[1]
            one.subject = Subject(
                one.workload.name,
                kustomization.after or one.workload.kustomization_object(),
                kustomization.before,
                partial(_render, one, renderer),
                partial(_manifests, one.packed),
                is_changing=one.is_changing,
            )
    return [one.subject for one in present if one.subject]


def _manifests(packed: Pack) -> list[Object]:
    """The objects in a folder as they are written; a file that holds anything else counts as none."""
    found: list[Object] = []
    left = MOST_COMPARED
    for entry, blocks in read_tar(packed.archive):
        if blocks is not None and entry.name.endswith((".yaml", ".yml", ".json")):
            content = b"".join(blocks)
            left -= len(content)
            if left < 0:
                break
            held = resources(content.decode(errors="replace"), entry.name)
            found += [each.content for each in held or []]
    return found


def _foretell_removal(going: Absent, foresight: Foresight) -> None:
    kustomization = going.applied[0].before
    if kustomization is not None:
        going.changes = foresight.deletions(kustomization)


def _heal(present: Sequence[Present], foresight: Foresight, timeout: float) -> None:
    """Have Flux apply again what has drifted, and prove that."""
    drifted = {id(one.subject): one for one in present if one.drift}
    for wave in waves(foresight, [one.subject for one in drifted.values() if one.subject]):
        concerned = [drifted[id(subject)] for subject in wave]
        # Without the digest, which is proven already: it is a new pass that has to be seen.
        requests = [Request(one.workload.namespace, one.workload.name, timeout) for one in concerned]
        for one, tracker in zip(concerned, reconcile(foresight.cluster, requests), strict=True):
            one.tracker = tracker


def _result(outcomes: Sequence[Present | Absent], failures: Sequence[str], mask: Mask) -> dict[str, Any]:
    receipts = [one.receipt() for one in outcomes]
    result: dict[str, Any] = {
        "changed": any(receipt["changed"] for receipt in receipts),
        "receipts": receipts,
        "diff": bounded([diff for one in outcomes for diff in one.diffs(mask)]),
    }
    if failures:
        raise LoopError("\n".join(failures), **result)
    return result


def _listens(host: str) -> bool:
    address, _colon, port = host.partition("/")[0].rpartition(":")
    try:
        with socket.create_connection((address, int(port)), timeout=2):
            return True
    except (OSError, ValueError):
        return not port.isdecimal()


def _endpoint(registry: Mapping[str, Any]) -> Endpoint:
    return Endpoint(registry["host"], registry["cluster"] or registry["host"], registry["insecure"])


def is_up(params: Mapping[str, Any]) -> bool:
    """Whether the registry answers, and the kubeconfig is there: without, no loop runs."""
    kubeconfig = params["kubeconfig"]
    is_known = not isinstance(kubeconfig, str) or os.path.exists(os.path.expanduser(kubeconfig))
    return is_known and _listens(_endpoint(params["registry"]).host)


def foretold(
    params: Mapping[str, Any],
    *,
    connect: Callable[[Reference, Connection], Repository],
    renderer: Renderer | None,
    warn: Callable[[str], None],
    with_diff: bool,
) -> dict[str, Any]:
    """What check mode says where no loop runs: there is nothing to compare with, so everything would be made.

    What Flux would make of the folders is told where there is a ``renderer``. Raises LoopError for what would
    be refused anyway.
    """
    endpoint = _endpoint(params["registry"])
    connection = Connection.from_params(params["registry"])
    workloads = in_order(read_workloads(params["workloads"], params["namespace"]))
    mask = Mask()
    receipts: list[dict[str, Any]] = []
    diffs: list[Mapping[str, Any]] = []
    with ExitStack() as stack:
        for workload in workloads:
            if not workload.is_present:
                receipts.append({**_about(workload, []), "ready": False, "verdict": "absent"})
                continue
            repository = connect(parse_url(workload.url(endpoint.host)), connection)
            one = _packed(workload, params, repository, stack)
            changes = _creations(one, renderer) if renderer else []
            for warning in one.warnings:
                warn(f"{workload.name}: {warning}")
            receipts.append(
                {
                    **_about(workload, ["the loop does not run yet"], changes),
                    "ready": False,
                    "verdict": "",
                    "url": workload.url(endpoint.host),
                    "tag": workload.options["tag"],
                    "files": one.packed.files,
                }
            )
            if with_diff:
                diffs += [
                    *whole(repository.reference.url, one.packed),
                    *(each.shown(mask) for each in changes),
                ]
    is_changed = any(receipt["changed"] for receipt in receipts)
    return {"changed": is_changed, "receipts": receipts, "diff": bounded(diffs)}


def _creations(one: Present, renderer: Renderer) -> list[Change]:
    kustomization = one.workload.kustomization_object()
    text = _render(one, renderer, with_variables(kustomization, {}))
    items = read_rendered(text, _manifests(one.packed))
    return [] if one.workload.options["suspend"] else [creation(item) for item in items]
