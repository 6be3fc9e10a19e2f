# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What troubles a Pod, in the words of the scheduler or the kubelet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object

POD = Kind("", "v1", "pods", "Pod")

OOM_KILLED = "OOMKilled"
UNSCHEDULABLE = "Unschedulable"
CRASH_LOOP = "CrashLoopBackOff"
CRASHED = (CRASH_LOOP, "Error", OOM_KILLED, "ContainerCannotRun", "RunContainerError")
# What a container is told to do on its way up: no trouble yet.
_ON_THE_WAY = ("ContainerCreating", "PodInitializing")
# Reasons for which a container waits that no waiting mends.
_HOPELESS = (
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    CRASH_LOOP,
    "RunContainerError",
    "CreateContainerError",
    "CreateContainerConfigError",
)
# What a scheduler adds to why a Pod has no node: that no other Pod would make room for it.
_PREEMPTION = re.compile(r"[,.]? (?:no new claims to deallocate, )?preemption: ")
ENDED_BY_ITSELF = 1  # the exit code of Flux's controllers when they give up


@dataclass(frozen=True)
class PodTrouble:
    """What holds a Pod back, in the words of the scheduler or the kubelet; container is empty for the Pod."""

    pod: str
    reason: str
    message: str
    container: str = ""
    exit_code: int | None = None
    restarts: int = 0
    log: Sequence[str] = ()

    @property
    def has_run(self) -> bool:
        """Whether a container of the Pod ended, so that it left a log."""
        return self.exit_code is not None

    @property
    def sentence(self) -> str:
        """It in one sentence, without a full stop."""
        where = f"Pod {self.pod}" + (f", container {self.container}" if self.container else "")
        ended = f"exit code {self.exit_code}" if self.exit_code is not None else ""
        again = f"{self.restarts} restarts" if self.restarts else ""
        about = ", ".join(part for part in (ended, again) if part)
        said = f": {self.message}" if self.message else ""
        return f"{where}: {self.reason}{f' ({about})' if about else ''}{said}"


@dataclass(frozen=True)
class _Container:
    """One container as the kubelet tells of it: why it waits, and how it ended now or the last time."""

    name: str
    restarts: int
    waiting: Object
    ended: Object
    ended_last: Object


def _containers(statuses: Iterable[Object]) -> Iterator[_Container]:
    for status in statuses:
        state = status.get("state", {})
        yield _Container(
            name=status.get("name", ""),
            restarts=status.get("restartCount", 0),
            waiting=state.get("waiting", {}),
            ended=state.get("terminated", {}),
            ended_last=status.get("lastState", {}).get("terminated", {}),
        )


def pod_trouble(pod: Object) -> PodTrouble | None:
    """What holds a Pod back, None where nothing does so visibly."""
    name = pod["metadata"]["name"]
    status = pod.get("status", {})
    statuses = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    for container in _containers(statuses):
        trouble = _container_trouble(name, container)
        if trouble:
            return trouble
    if status.get("phase") == "Failed":
        return PodTrouble(name, status.get("reason", "Failed"), status.get("message", ""))
    conditions = status.get("conditions", ())
    for kind, otherwise in (("PodScheduled", UNSCHEDULABLE), ("Ready", "NotReady")):
        for entry in conditions:
            if entry["type"] == kind and entry["status"] == "False":
                said = _PREEMPTION.split(entry.get("message", ""))[0]
                return PodTrouble(name, entry.get("reason", otherwise), said)
    return None


def _container_trouble(pod: str, container: _Container) -> PodTrouble | None:
    waiting, ended, last = container.waiting, container.ended, container.ended_last
    reason = waiting.get("reason", "")
    if reason and reason not in _ON_THE_WAY:
        # A container that is started again and again says so; why it ended is in its last state.
        if last.get("reason") == OOM_KILLED:
            reason = OOM_KILLED
        message = waiting.get("message", "") or last.get("message", "")
        exit_code = last.get("exitCode")
    elif ended.get("exitCode"):
        reason, message, exit_code = ended.get("reason", "Error"), ended.get("message", ""), ended["exitCode"]
    else:
        return None
    return PodTrouble(pod, reason, " ".join(message.split()), container.name, exit_code, container.restarts)


def hopeless_trouble(pod: Object, *, may_crash: bool = False) -> str | None:
    """Why a Pod will not become ready however long one waits; None while it may.

    With ``may_crash`` a controller may end by itself: it does so while the API server of a node that was just
    started is not there, and is started again.
    """
    for container in _containers(pod.get("status", {}).get("containerStatuses", [])):
        waiting, ended = container.waiting, container.ended_last
        if waiting.get("reason") not in _HOPELESS:
            continue
        if may_crash and waiting["reason"] == CRASH_LOOP and ended.get("exitCode") == ENDED_BY_ITSELF:
            continue
        said = [waiting["reason"], ended.get("message"), waiting.get("message")]
        if ended.get("exitCode") is not None:
            said.append(f"it ended with {ended['exitCode']}")
        return ": ".join(" ".join(str(part).split()) for part in said if part)
    return None
