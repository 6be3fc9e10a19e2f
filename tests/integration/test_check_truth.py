# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What check mode announces is what a run then changes: nothing more, nothing less."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import comparable
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import field_changes
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import FluxCli
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.run import Edge, run
from ansible_collections.gitops.flux_local.tests.integration.loops import Loop, config_map, until, write

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
            "on_failure": "stop",
            "unknown_fields": "warn",
            "only": [],
            "namespace": "flux-system",
        }
        cluster = KubernetesCluster(kubeconfig)
        edge = Edge(cluster, RegistryRepository, FluxCli(self.flux), self.warnings.append)
        return run(params, edge, check_mode=check_mode, with_diff=True)

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
        for change in [each for receipt in result["receipts"] for each in receipt["changes"]]:
            key = (change["kind"], change["namespace"], change["name"])
            assert key not in changes
            told = {each["field"]: (each["before"], each["after"]) for each in change["fields"]}
            changes[key] = (
                without_secret_values(key, told) if change["action"] == "changed" else change["action"]
            )
        return changes

    def tried(self, *, check_mode: bool, others: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], str]:
        """The result, and why it failed, empty where it did not."""
        try:
            return self.run(check_mode=check_mode, others=others), ""
        except LoopError as error:
            return error.details, error.message

    def agree(self, *others: dict[str, Any]) -> dict[Any, Any]:
        """Check, run, and check again; returns what was changed."""
        before = self.snapshot()
        foretold, refusal = self.tried(check_mode=True, others=others)
        # Controllers may still be at work on what was drifted, and write what they have seen.
        assert not self.changed_between(before, self.snapshot()), "check mode wrote something"
        done, failure = self.tried(check_mode=False, others=others)
        assert bool(refusal) == bool(failure), (refusal, failure)
        if "receipts" not in done:  # refused before anything was changed
            assert refusal == failure
            assert not self.changed_between(before, self.snapshot())
            return {}
        if failure:  # told beforehand as Flux tells it
            causes = [self.receipt(result)["cause"] for result in (foretold, done)]
            assert causes[0] == causes[1]
            return {}
        changed = self.changed_between(before, self.snapshot())
        assert self.announced(foretold) == changed, self.told(foretold)
        assert foretold["changed"] == done["changed"]
        assert self.causes(foretold) == self.causes(done)
        again = self.run(check_mode=True, others=others)
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


def deployment(name: str, image: str, replicas: int, app: str = "", **unknown: int) -> dict[str, Any]:
    """A Deployment, whose ``app`` cannot be changed in place; ``unknown`` fields it does not have."""
    container = {"name": "main", "image": image, "ports": [{"containerPort": 80}], **unknown}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "minReadySeconds": 0,  # which says nothing to Go
            "selector": {"matchLabels": {"app": app or name}},
            "template": {
                "metadata": {"labels": {"app": app or name}},
                "spec": {"containers": [container]},
            },
            **unknown,
        },
    }


def misspelled(name: str, replicas: int) -> dict[str, Any]:
    return deployment(name, "example.org/a:1", replicas, replicaz=7)


def unquoted(name: str, text: str) -> str:
    """A ConfigMap with a word that versions of YAML read in different ways."""
    metadata = f"{{name: {name}, namespace: default}}"
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata:\n  a: {text}\n"


MAKERS: dict[str, Callable[..., str | dict[str, Any]]] = {
    "config": config,
    "secret": secret,
    "service": service,
    "deployment": deployment,
    "misspelled": misspelled,
    "unquoted": unquoted,
}
ANNOTATE = '[{"op": "add", "path": "/metadata/annotations", "value": {"note": "patched"}}]'
SOME_DATA = {"paths": ["/data/one"]}
REPLICAS = {"paths": ["/spec/replicas"], "target": {"kind": "Deploy.*"}}
SLOTS = ["a", "b", "c", "d", "e"]
TEXT = st.sampled_from(
    ["1", "2", "yes", "${who}", "${unset}", "${unset:=x}", "=", "a: b", "Grüße", " spaced ", "0123", "x\ny\n"]
)
TRAPS = ["=", "<<", "2001-01-01", "yes", "0o17", "1_000", "12:30", "~"]
KEYS = st.sampled_from(["one", "two", "three"])
DATA = st.dictionaries(KEYS, TEXT, max_size=3)
CONTENT = st.one_of(
    st.tuples(st.just("config"), DATA),
    st.tuples(st.just("secret"), DATA),
    st.tuples(st.just("service"), st.sampled_from([80, 8080])),
    st.tuples(
        st.just("deployment"),
        st.sampled_from(["example.org/a:1", "example.org/b:2"]),
        st.integers(0, 3),
        st.sampled_from(["", "other"]),
    ),
    st.tuples(st.just("misspelled"), st.integers(0, 3)),
    st.tuples(st.just("unquoted"), st.sampled_from(TRAPS)),
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
                [{"patch": "- op: replace"}],  # does not build
            ]
        ),
    ),
    st.tuples(st.just("kustomization_path"), st.sampled_from([None, "nowhere"])),
    st.tuples(st.just("force"), st.booleans()),
    st.tuples(st.just("ignore_fields"), st.sampled_from([[], [SOME_DATA], [REPLICAS]])),
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
    loop.apply(namespace)

    def make() -> Stage:
        name = f"truth{next(NUMBERS)}"
        folder = write(tmp_path / name, keep=config(f"{name}-keep", {"kept": "true"}))
        made.append(Stage(loop, folder, binary("flux"), name))
        return made[-1]

    yield make
    for one in made:
        one.options = {"state": "absent"}
        one.run()


# One of each kind that check mode once told wrongly.
WEB = ("deployment", "example.org/a:1", 1, "")
ONCE_WRONG: list[list[tuple[Any, ...]]] = [
    [("write", "a", ("misspelled", 1)), ("write", "b", WEB), ("option", ("force", True))],
    [("write", "b", ("deployment", "example.org/a:1", 1, "other")), ("write", "c", ("unquoted", "="))],
    [("option", ("ignore_fields", [REPLICAS])), ("drift", 3, ("set", "somebody", ""))],
    [("option", ("substitute", {"who": "me"})), ("write", "d", ("config", {"one": "${unset}"}))],
    [("remove", "d"), ("option", ("patches", [{"patch": "- op: replace"}]))],
    [("option", ("patches", [])), ("write", "d", ("service", 99999))],
]


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=ROUNDS)
@example(rounds=ONCE_WRONG)
def test_what_is_announced_is_what_is_changed(stage, rounds):
    one = stage()
    one.agree()
    for edits in rounds:
        for what in edits:
            edit(one, what)
        one.agree()


def resource_versions(loop: Loop) -> dict[Any, str]:
    """The version of every object in the cluster, less those by which programs tell that they live."""
    places = [("/api/v1", resource) for resource in (loop.get("/api/v1") or {})["resources"]]
    for group in (loop.get("/apis") or {})["groups"]:
        root = f"/apis/{group['preferredVersion']['groupVersion']}"
        places += [(root, resource) for resource in (loop.get(root) or {})["resources"]]
    return {
        (root, resource["name"], item["metadata"].get("namespace"), item["metadata"]["name"]): item[
            "metadata"
        ]["resourceVersion"]
        for root, resource in places
        if "/" not in resource["name"] and "list" in resource["verbs"] and resource["name"] != "leases"
        for item in (loop.get(f"{root}/{resource['name']}") or {})["items"]
        if item["metadata"].get("resourceVersion")
    }


# What programs that run write to all the time, and what other loops of this machine and other tests do.
RESTLESS = {"etcd", "logs", "lab", "locks", "oras"}


def files_of(folder: Path, *, with_content: bool = True) -> dict[str, tuple[Any, int]]:
    """Every file's bytes (or size) and time."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(place) != folder or name not in RESTLESS]
        for path in (Path(place) / name for name in names):
            if not path.is_socket():
                content = path.read_bytes() if with_content else path.lstat().st_size
                found[path.relative_to(folder).as_posix()] = (content, path.lstat().st_mtime_ns)
    return found


@pytest.fixture
def untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Loop], contextlib.AbstractContextManager[None]]:
    """Looks at everything that check mode could write to, before and after: the registry is in the state."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flux-local"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))

    @contextlib.contextmanager
    def look(loop: Loop) -> Iterator[None]:
        def everything() -> tuple[Any, ...]:
            versions = resource_versions(loop) if loop.kubeconfig.exists() else {}
            return versions, files_of(loop.state_dir), files_of(cache, with_content=False)

        def quiet() -> tuple[Any, ...] | None:
            """Everything, once nothing that was begun before is still at work."""
            seen = everything()
            time.sleep(1)
            return seen if seen == everything() else None

        before = until(quiet, "nothing changes by itself")
        yield
        for one, other in zip(before, everything(), strict=True):
            written = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
            assert written == set(), written
        # kubernetes.core keeps what it knows of an API server in the temporary folder, in check mode too.
        left = [path.name for path in scratch.iterdir() if not path.name.startswith("k8srcp-")]
        assert left == []

    return look


@pytest.mark.parametrize("playbook", ["site", "push"])
def test_check_mode_writes_nothing_and_a_run_does_what_it_said(loop, folder, untouched, playbook):
    name = f"pure-{playbook}"
    kept, going = config(f"{name}-kept", {"a": "1"}), config(f"{name}-going", {})
    one = {"name": name, "path": str(write(folder / "one", kept=kept, going=going)), "wait": False}
    two = {"name": f"{name}-2", "path": str(write(folder / "two", two=config(f"{name}-2", {})))}
    loop.push(one, two).succeeded()
    write(folder / "one", kept=config(f"{name}-kept", {"a": "2"}), new=config(f"{name}-new", {}))
    (folder / "one" / "going.yaml").unlink()
    three = {
        "name": f"{name}-3",
        "path": str(write(folder / "three", three=secret(f"{name}-3", {"key": "s3cret"}))),
    }
    listed = [one, {"name": f"{name}-2", "state": "absent"}, three]

    with untouched(loop):
        foretold = loop.play(playbook, "--check", "--diff", workloads_list=listed).succeeded()
    told = {
        f"{receipt['name']} {change['action']} {change['name']}"
        for receipt in foretold.receipts.values()
        for change in receipt["changes"]
    }
    assert told == {
        f"{name} changed {name}-kept",
        f"{name} created {name}-new",
        f"{name} pruned {name}-going",
        f"{name}-2 pruned {name}-2",
        f"{name}-3 created {name}-3",
    }
    assert f'changed ConfigMap default/{name}-kept data.a: "1" -> "2"' in " ".join(foretold.text.split())
    shown = str(foretold.result("What the folders hold is what runs")["diff"])
    assert f"ConfigMap default/{name}-new in the cluster, created by Flux" in shown
    assert "s3cret" not in foretold.output
    assert "czNjcmV0" not in foretold.output

    done = loop.play(playbook, workloads_list=listed).succeeded()
    assert done.changed == foretold.changed
    for receipt in done.receipts.values():
        assert receipt["why"] == foretold.receipts[receipt["name"]]["why"]
    assert loop.config_map(f"{name}-kept")["data"] == {"a": "2"}
    assert loop.config_map(f"{name}-going") is None
    loop.remove(name, f"{name}-3")
    # Other tests bring this loop up with its examples.
    (loop.state_dir / "workloads.json").unlink(missing_ok=True)


def test_on_a_machine_without_a_loop_check_mode_says_what_would_be_made(new_loop, folder, untouched):
    bare = new_loop("bare")
    workload = {"name": "shop", "path": str(write(folder, shop=config("shop", {"a": "${who}"})))}
    with untouched(bare):
        foretold = bare.play(
            "site", "--check", "--diff", workloads_list=[{**workload, "substitute": {"who": "you"}}]
        ).succeeded()
    assert not bare.state_dir.exists()
    [change] = foretold.receipts["shop"]["changes"]
    assert (change["action"], change["kind"], change["name"]) == ("created", "ConfigMap", "shop")
    shown = str(foretold.result("What the folders hold is what runs")["diff"])
    assert "shop.yaml" in shown
    assert "a: you" in shown


def test_what_somebody_deleted_or_edited_is_healed_by_the_next_run_and_said(stage):
    one = stage()
    write(one.folder, web=deployment(f"{one.name}-web", "example.org/a:1", 1))
    one.agree()
    edit(one, ("drift", 0, ("set", "kubectl-edit", "")))
    edit(one, ("drift", 1, ("delete",)))
    assert one.agree().keys() == {
        ("ConfigMap", "default", f"{one.name}-keep"),
        ("Deployment", "default", f"{one.name}-web"),
    }


def test_a_folder_and_its_options_changed_at_once_leave_nothing_behind(stage):
    one = stage()
    for namespace in ("default", "elsewhere", "default", "elsewhere"):
        one.options["target_namespace"] = namespace
        (one.folder / f"{'default' if namespace == 'elsewhere' else 'elsewhere'}.yaml").unlink(
            missing_ok=True
        )
        write(one.folder, **{namespace: config(f"{one.name}-{namespace}", {})})
        one.agree()
    assert {name for _kind, _namespace, name in one.snapshot()} == {
        f"{one.name}-keep",
        f"{one.name}-elsewhere",
    }


def test_variables_of_another_workload_s_objects_are_taken_into_account(stage, tmp_path):
    one = stage()
    one.options |= {
        "depends_on": [f"{one.name}-base"],
        "substitute_from": [{"kind": "ConfigMap", "name": f"{one.name}-values"}],
    }
    write(one.folder, a=config(f"{one.name}-a", {"who": "${who}"}))
    values = config(f"{one.name}-values", {"who": "me"})
    values["metadata"]["namespace"] = "flux-system"
    base = {"name": f"{one.name}-base", "path": str(write(tmp_path / "base", values=values))}
    try:
        one.agree(base)
        values["data"]["who"] = "you"
        write(tmp_path / "base", values=values)
        changed = one.agree(base)
        assert changed["ConfigMap", "default", f"{one.name}-a"] == {"data.who": ('"me"', '"you"')}
    finally:
        one.options = {"state": "absent"}
        one.run(others=({"name": base["name"], "state": "absent"},))
