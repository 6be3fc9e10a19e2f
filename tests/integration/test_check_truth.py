# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What check mode announces is what a run then changes: nothing more, nothing less."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils.kubernetes_client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils.prediction import comparable
from ansible_collections.gitops.flux_local.plugins.module_utils.registry import OrasRepository
from ansible_collections.gitops.flux_local.plugins.module_utils.resource_diff import field_changes
from ansible_collections.gitops.flux_local.plugins.module_utils.workloads_loop import FluxCli, run
from ansible_collections.gitops.flux_local.tests.integration.loops import Loop, config_map, write

PATHS = {
    "ConfigMap": "/api/v1/configmaps",
    "Secret": "/api/v1/secrets",
    "Service": "/api/v1/services",
    "Deployment": "/apis/apps/v1/deployments",
}
# The Deployment's controller counts what Flux changes.
COUNTED = 'metadata.annotations["deployment.kubernetes.io/revision"]'
NUMBERS = itertools.count()

Snapshot = dict[tuple[str, str, str], dict[str, Any]]


@dataclass
class Stage:
    """One workload on a real loop, whose module runs in this process."""

    loop: Loop
    folder: Path
    flux: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def run(self, *, check_mode: bool = False, others: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
        kubeconfig = {"kubeconfig": str(self.loop.kubeconfig)}
        workload = {"name": self.name, "path": str(self.folder), "wait": False, **self.options}
        params = {
            "workloads": [*others, workload],
            "registry": {"host": self.loop.registry, "cluster": None, "insecure": False},
            "base_dir": None,
            "source": "s",
            "revision": "r",
            "compare": "content",
            "timeout": 60,
        }
        return run(
            params,
            cluster=KubernetesCluster(kubeconfig),
            connect=OrasRepository,
            renderer=FluxCli(self.flux),
            warn=self.warnings.append,
            check_mode=check_mode,
            with_diff=True,
        )

    def receipt(self, result: dict[str, Any]) -> dict[str, Any]:
        return next(receipt for receipt in result["receipts"] if receipt["name"] == self.name)

    def causes(self, result: dict[str, Any]) -> list[str]:
        """Why it was changed; the stand-ins for secret values are others each time."""
        return [re.sub(r"\*\*\* \(\w+\)", "***", why) for why in self.receipt(result)["why"]]

    def told(self, result: dict[str, Any]) -> str:
        """What a result says of the workload."""
        receipt = self.receipt(result)
        return f"why: {receipt['why']}, changes: {receipt['changes']}"

    def snapshot(self) -> Snapshot:
        """Every object whose name begins with the workload's."""
        found = {}
        for kind, path in PATHS.items():
            for item in (self.loop.get(path) or {})["items"]:
                metadata = item["metadata"]
                if metadata["name"].removeprefix("x-").startswith(f"{self.name}-"):
                    found[kind, metadata["namespace"], metadata["name"]] = item
        return found

    def changed_between(self, before: Snapshot, after: Snapshot) -> dict[Any, Any]:
        """What became of each object that differs, as a receipt tells it."""
        changes: dict[Any, Any] = {}
        for key in before.keys() | after.keys():
            if key not in after:
                changes[key] = "pruned"
            elif key not in before:
                changes[key] = "created"
            elif before[key]["metadata"]["uid"] != after[key]["metadata"]["uid"]:
                changes[key] = "created" if key not in before else "recreated"
            else:
                fields = field_changes(comparable(before[key]), comparable(after[key]))
                told = {each.field: (each.before, each.after) for each in fields if each.field != COUNTED}
                if told:
                    changes[key] = without_secret_values(key, told)
        return changes

    def announced(self, result: dict[str, Any]) -> dict[Any, Any]:
        """The same of what check mode says."""
        changes: dict[Any, Any] = {}
        for change in self.receipt(result)["changes"]:
            key = (change["kind"], change["namespace"], change["name"])
            assert key not in changes
            told = {each["field"]: (each["before"], each["after"]) for each in change["fields"]}
            changes[key] = (
                without_secret_values(key, told) if change["action"] == "changed" else change["action"]
            )
        return changes

    def agree(self) -> dict[Any, Any]:
        """Check, run, and check again; returns what was changed."""
        before = self.snapshot()
        foretold = self.run(check_mode=True)
        assert self.snapshot() == before, "check mode wrote something"
        done = self.run()
        changed = self.changed_between(before, self.snapshot())
        assert self.announced(foretold) == changed, self.told(foretold)
        assert foretold["changed"] == done["changed"]
        assert self.causes(foretold) == self.causes(done)
        again = self.run(check_mode=True)
        assert (again["changed"], self.receipt(again)["changes"]) == (False, []), self.told(again)
        return changed


def without_secret_values(key: tuple[str, str, str], told: dict[str, Any]) -> dict[str, Any]:
    if key[0] != "Secret":
        return told
    return {name: None if name.startswith("data") else values for name, values in told.items()}


def config(name: str, data: dict[str, str]) -> dict[str, Any]:
    return config_map(name, **data)


def secret(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "stringData": data,
    }


def service(name: str, port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": [{"port": port, "name": "http"}], "selector": {"app": name}},
    }


def deployment(name: str, image: str, replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": image, "ports": [{"containerPort": 80}]}]},
            },
        },
    }


MAKERS: dict[str, Callable[..., dict[str, Any]]] = {
    "config": config,
    "secret": secret,
    "service": service,
    "deployment": deployment,
}
ANNOTATE = '[{"op": "add", "path": "/metadata/annotations", "value": {"note": "patched"}}]'
SLOTS = ["a", "b", "c", "d", "e"]
TEXT = st.sampled_from(["1", "2", "yes", "${who}", "a: b", "Grüße", " spaced ", "0123", "x\ny\n"])
KEYS = st.sampled_from(["one", "two", "three"])
DATA = st.dictionaries(KEYS, TEXT, max_size=3)
CONTENT = st.one_of(
    st.tuples(st.just("config"), DATA),
    st.tuples(st.just("secret"), DATA),
    st.tuples(st.just("service"), st.sampled_from([80, 8080])),
    st.tuples(
        st.just("deployment"), st.sampled_from(["example.org/a:1", "example.org/b:2"]), st.integers(0, 3)
    ),
)
OPTIONS = st.one_of(
    st.tuples(st.just("prune"), st.booleans()),
    st.tuples(st.just("target_namespace"), st.sampled_from(["default", "elsewhere"])),
    st.tuples(st.just("substitute"), st.fixed_dictionaries({"who": st.sampled_from(["me", "you"])})),
    st.tuples(
        st.just("common_metadata"),
        st.fixed_dictionaries({"labels": st.fixed_dictionaries({"team": st.sampled_from(["red", "blue"])})}),
    ),
    st.tuples(
        st.just("patches"),
        st.sampled_from(
            [
                [],
                [
                    {
                        "patch": ANNOTATE,
                        "target": {"kind": "ConfigMap"},
                    }
                ],
            ]
        ),
    ),
    st.tuples(st.just("name_prefix"), st.sampled_from([None, "x-"])),
    st.tuples(st.just("images"), st.just([{"name": "example.org/a", "new_tag": "9"}])),
    st.tuples(st.just("interval"), st.sampled_from(["10m", "20m"])),
)
MANAGERS = st.sampled_from(["kubectl-edit", "kubectl-label", "somebody"])
DRIFT = st.one_of(
    st.tuples(st.just("delete")),
    st.tuples(st.just("set"), MANAGERS, TEXT),
    st.tuples(st.just("label"), MANAGERS, st.sampled_from(["1", "yes"])),
    st.tuples(st.just("take"), MANAGERS),
)
EDIT = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(SLOTS), CONTENT),
    st.tuples(st.just("remove"), st.sampled_from(SLOTS)),
    st.tuples(st.just("option"), OPTIONS),
    st.tuples(st.just("drift"), st.integers(0, 4), DRIFT),
    st.tuples(st.just("drift"), st.integers(0, 4), DRIFT),
)
ROUNDS = st.lists(st.lists(EDIT, min_size=1, max_size=4), min_size=1, max_size=3)


def edit(stage: Stage, what: tuple[Any, ...]) -> None:
    """Make one generated edit."""
    match what:
        case ("write", slot, (sort, *values)):
            name = f"{stage.name}-{slot}"
            write(stage.folder, **{slot: MAKERS[sort](name, *values)})
        case ("remove", slot):
            (stage.folder / f"{slot}.yaml").unlink(missing_ok=True)
        case ("option", (option, value)):
            stage.options[option] = value
        case ("drift", number, how):
            live = sorted(stage.snapshot().items())
            if live:
                key, item = live[number % len(live)]
                drift(stage, key, item, how)


def drift(stage: Stage, key: tuple[str, str, str], item: dict[str, Any], how: tuple[Any, ...]) -> None:
    """Change an object behind Flux's back."""
    kind, namespace, name = key
    path = f"{PATHS[kind].rpartition('/')[0]}/namespaces/{namespace}/{PATHS[kind].rpartition('/')[2]}/{name}"
    match how:
        case ("delete",):
            send(stage.loop, "DELETE", path)
        case ("set", manager, text):
            send(stage.loop, "PATCH", f"{path}?fieldManager={manager}", somehow(kind, item, text))
        case ("label", manager, text):
            send(
                stage.loop,
                "PATCH",
                f"{path}?fieldManager={manager}",
                {"metadata": {"labels": {"mine": text}}},
            )
        case ("take", manager):
            body: dict[str, Any] = {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": None}}}
            if item.get("data"):
                body = {"data": {min(item["data"]): None}}
            send(stage.loop, "PATCH", f"{path}?fieldManager={manager}", body)


def somehow(kind: str, item: dict[str, Any], text: str) -> dict[str, Any]:
    """A patch of a field that the manifest has, or may have."""
    if kind == "ConfigMap":
        return {"data": {"one": text}}
    if kind == "Secret":
        return {"stringData": {"one": text}}
    if kind == "Service":
        return {"spec": {"sessionAffinity": "ClientIP", "selector": {"app": "other"}}}
    return {"spec": {"replicas": 7, "minReadySeconds": 3, "revisionHistoryLimit": 2}}


def send(loop: Loop, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    api = loop.api
    response = api.call_api(
        method,
        api.configuration.host + path,
        header_params={"Content-Type": "application/merge-patch+json"},
        body=body,
        _request_timeout=10,
    )
    answer = response.read()
    assert response.status == 200, json.loads(answer)


@pytest.fixture
def stage(loop: Loop, tmp_path: Path, binary: Callable[[str], str]) -> Iterator[Callable[[], Stage]]:
    """Makes workloads of a name that nobody else has, of which nothing is left after the test."""
    made: list[Stage] = []
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}}
    loop.tasks([{"kubernetes.core.k8s": {"definition": namespace}}]).succeeded()

    def make() -> Stage:
        name = f"truth{next(NUMBERS)}"
        folder = write(tmp_path / name, keep=config(f"{name}-keep", {"kept": "true"}))
        made.append(Stage(loop, folder, binary("flux"), name))
        return made[-1]

    yield make
    for one in made:
        one.options = {"state": "absent"}
        one.run()


@settings(
    max_examples=14,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # shrinking would take minutes
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=ROUNDS)
def test_what_is_announced_is_what_is_changed(stage, rounds):
    one = stage()
    one.agree()
    for edits in rounds:
        for what in edits:
            edit(one, what)
        one.agree()
