# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import collections
import contextlib
import copy
import os
import socket
import threading

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import ClusterError
from ansible_collections.gitops.flux_local.plugins.module_utils._content import packing
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import compressed
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
    REQUESTED_AT,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import manifest
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads import workload as workload_module
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.registry_secrets import SECRET
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.run import Edge, run
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.task import is_up
from ansible_collections.gitops.flux_local.tests.unit.fakes.cluster import (
    MemoryCluster,
    descriptions,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.conditions import condition as any_condition
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository


def refs(name):
    return ObjectRef(OCI_REPOSITORY, "flux-system", name), ObjectRef(KUSTOMIZATION, "flux-system", name)


THING = Kind("example.org", "v1", "things", "Thing")


def thing(name, **spec):
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


def condition(status, reason, message):
    return any_condition("Ready", status, reason, message)


class Bench:
    """Folders, a registry and a cluster in memory, and a Flux that applies all but what is ``broken``."""

    is_there = True

    def __init__(self, folder):
        self.folder = folder
        self.repositories = {}
        self.cluster = MemoryCluster(react=self.reconcile, known=(THING,))
        self.broken = set()
        self.unhealthy_digests = set()
        self.unrenderable = set()
        self.rendered = []
        self.strictly = {}  # whether every variable of a workload had to have a value
        self.warnings = []
        self.things = {}  # what Flux makes of a workload, by its name

    def connect(self, reference, _connection):
        return self.repositories.setdefault(reference.repository, MemoryRepository(reference))

    def render(self, folder, kustomization, path, *, is_strict):
        name = kustomization["metadata"]["name"]
        self.rendered.append(name)
        self.strictly[name] = is_strict
        if name in self.unrenderable or "patches" in kustomization["spec"]:
            raise LoopError(f"{path} does not build.")
        return "---\n".join(yaml.safe_dump(self.owned(name, thing)) for thing in self.things.get(name, []))

    def owned(self, name, thing):
        labels = {f"{KUSTOMIZATION.group}/name": name, f"{KUSTOMIZATION.group}/namespace": "flux-system"}
        return {**thing, "metadata": {**thing["metadata"], "labels": labels}}

    def reconcile(self, cluster, ref):
        source_ref, own_ref = refs(ref.name)
        source, own = (copy.deepcopy(cluster.objects[each]) for each in (source_ref, own_ref))
        manifest = self.repositories[ref.name].manifests[source["spec"]["ref"]["tag"]]
        revision = f"latest@{manifest.digest}"
        unhealthy = manifest.digest in self.unhealthy_digests
        fine = ref.name not in self.broken and not unhealthy
        source["status"] = {
            "observedGeneration": 1,
            "conditions": [condition("True", "Succeeded", "stored")],
            "artifact": {"revision": revision, "digest": "sha256:x", "lastUpdateTime": "t"},
            "lastHandledReconcileAt": source["metadata"].get("annotations", {}).get(REQUESTED_AT),
        }
        own["status"] = {
            "observedGeneration": 1,
            "conditions": [
                condition("True", "ReconciliationSucceeded", "Applied")
                if fine
                else condition(
                    "False", "HealthCheckFailed" if unhealthy else "ReconciliationFailed", "it is broken"
                )
            ],
            "lastAttemptedRevision": revision,
            "lastHandledReconcileAt": own["metadata"].get("annotations", {}).get(REQUESTED_AT),
        }
        if fine:
            own["status"]["lastAppliedRevision"] = revision
            things = [self.owned(ref.name, thing) for thing in self.things.get(ref.name, [])]
            for thing in things:
                cluster.apply(THING, thing, manager="kustomize-controller", force=True)
            ids = [f"default_{thing['metadata']['name']}_example.org_Thing" for thing in things]
            own["status"]["inventory"] = {"entries": [{"id": each, "v": "v1"} for each in ids]}
        elif own_ref in cluster.objects:
            earlier = cluster.objects[own_ref].get("status", {}).get("lastAppliedRevision")
            own["status"] |= {"lastAppliedRevision": earlier} if earlier else {}
        cluster.put(source_ref, source)
        cluster.put(own_ref, own)

    def workload(self, name, content="a: 1\n", **options):
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "manifest.yaml").write_text(content)
        return {"name": name, "path": name, **options}

    def params(self, workloads, on_failure="stop", unknown_fields="warn", **registry):
        return {
            "workloads": list(workloads),
            "only": [],
            "registry": {"host": "127.0.0.1:5001", "cluster": None, "insecure": True, **registry},
            "namespace": "flux-system",
            "base_dir": str(self.folder),
            "compare": "content",
            "source": "s",
            "revision": "r",
            "timeout": 5,
            "on_failure": on_failure,
            "unknown_fields": unknown_fields,
        }

    def edge(self, cluster):
        return Edge(cluster, self.connect, self, self.warnings.append)

    def foretell(self, *workloads):
        self.cluster.asked.clear()
        return run(self.params(workloads), self.edge(None), check_mode=True, with_diff=True)

    def run(self, *workloads, check_mode=False, **options):
        self.cluster.asked.clear()
        self.rendered.clear()
        params = self.params(workloads, **options)
        return run(params, self.edge(self.cluster), check_mode=check_mode, with_diff=True)

    def tags(self, name):
        manifest = self.repositories[name].manifest("latest") if name in self.repositories else None
        return manifest.digest if manifest else None

    def written(self):
        return [asked for asked in self.cluster.asked if asked.split()[0] in ("apply", "patch", "delete")]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_a_folder_becomes_what_runs_and_a_second_run_leaves_everything_alone(bench):
    result = bench.run(bench.workload("shop"))
    [receipt] = result["receipts"]
    assert result["changed"]
    assert receipt["ready"]
    assert receipt["pushed_digest"] == bench.tags("shop")
    assert receipt["source_revision"] == receipt["applied_revision"] == f"latest@{bench.tags('shop')}"

    again = bench.run(bench.workload("shop"))
    assert (again["changed"], again["receipts"][0]["why"], again["diff"]) == (False, [], [])
    assert bench.written() == []
    assert bench.rendered == []


class Counts:
    """How often a folder is read and things are done that a run needs to do once."""

    def __init__(self, monkeypatch, folder):
        self.folder = str(folder)
        self.seen = []
        count = self.count
        monkeypatch.setattr(
            ArgumentSpecValidator, "validate", count("validate", ArgumentSpecValidator.validate)
        )
        monkeypatch.setattr(f"{workload_module.__name__}.manifest", count("build", manifest))
        monkeypatch.setattr(f"{packing.__name__}.compressed", count("compress", compressed))
        monkeypatch.setattr(os, "scandir", self.count_of_folder("list folder", os.scandir))
        monkeypatch.setattr("builtins.open", self.count_of_folder("read file", open))

    def count(self, what, call):
        def counted(*args, **options):
            self.seen.append(what)
            return call(*args, **options)

        return counted

    def count_of_folder(self, what, call):
        def counted(path, *args, **options):
            if str(path).startswith(self.folder):
                self.seen.append(what)
            return call(path, *args, **options)

        return counted

    def taken(self):
        taken = collections.Counter(self.seen)
        self.seen.clear()
        return taken


LOOKED_AT_ONCE = {"validate": 1, "build": 2, "list folder": 1, "read file": 1}


def asked_about(bench, name):
    """What the cluster and the registry were asked of a workload, and how often."""
    asked = collections.Counter(
        each for each in bench.cluster.asked if each.endswith(f"/{name}") or f"={name}" in each
    )
    reads = [each for each in bench.repositories[name].asked if each.startswith("read")]
    bench.repositories[name].asked.clear()
    return dict(asked), reads


def test_a_run_looks_at_everything_once_before_it_acts_and_once_after(bench, monkeypatch):
    source, own = refs("shop")
    before = {f"get {source}": 1, f"get {own}": 1}
    after = {
        "list kustomizations flux-system metadata.name=shop": 1,
        "list ocirepositories flux-system metadata.name=shop": 1,
        "watch kustomizations flux-system metadata.name=shop": 1,
        "watch ocirepositories flux-system metadata.name=shop": 1,
    }
    workload = bench.workload("shop", "a: *no-plain-manifest\n")
    counts = Counts(monkeypatch, bench.folder)
    dry_runs = {f"dry-run {source}": 1, f"dry-run {own}": 1}

    bench.run(workload, check_mode=True)
    assert counts.taken() == LOOKED_AT_ONCE | {"compress": 1}
    assert asked_about(bench, "shop") == (before | dry_runs, ["read latest"])

    bench.run(workload)
    assert counts.taken() == LOOKED_AT_ONCE | {"compress": 1}
    asked, reads = asked_about(bench, "shop")
    assert {each: number for each, number in asked.items() if not each.startswith("patch")} == (
        before | dry_runs | after | {f"apply {source}": 1, f"apply {own}": 1}
    )
    assert reads == ["read latest"]
    assert bench.rendered == ["shop"]

    bench.run(workload)
    assert counts.taken() == LOOKED_AT_ONCE
    unwatched = {each: number for each, number in after.items() if not each.startswith("watch")}
    assert asked_about(bench, "shop") == (before | unwatched, ["read latest"])


def test_without_a_loop_check_mode_looks_at_the_folder_once(bench, monkeypatch):
    workload = bench.workload("shop")
    counts = Counts(monkeypatch, bench.folder)
    bench.foretell(workload)
    assert counts.taken() == LOOKED_AT_ONCE
    assert bench.repositories["shop"].asked == []


def test_only_what_was_edited_is_pushed_and_reconciled(bench):
    bench.run(bench.workload("shop"), bench.workload("blog"))
    before = bench.tags("blog")
    result = bench.run(bench.workload("shop", "a: 2\n"), bench.workload("blog"))
    assert [receipt["changed"] for receipt in result["receipts"]] == [True, False]
    assert result["receipts"][0]["why"] == ["latest: content differs"]
    assert bench.tags("blog") == before
    assert bench.rendered == ["shop"]
    assert not any("blog" in asked for asked in bench.written())


def refusal(bench, *workloads, **options):
    """Why a run refuses workloads, in whose words check mode does it too."""
    with pytest.raises(LoopError) as foretold:
        bench.run(*workloads, check_mode=True, **options)
    with pytest.raises(LoopError) as done:
        bench.run(*workloads, **options)
    assert foretold.value.message == done.value.message
    assert bench.written() == []
    return done.value.message


def test_check_mode_and_a_run_refuse_what_does_not_build_in_the_same_words(bench):
    path = f"{bench.folder}/shop"
    bench.unrenderable = {"shop"}
    told = f"Workload shop: {path} does not build. Nothing was pushed."
    assert refusal(bench, bench.workload("shop", "*")) == told
    with pytest.raises(LoopError) as without_a_loop:
        bench.foretell(bench.workload("shop"))
    assert without_a_loop.value.message == told


def test_an_option_that_does_not_build_is_named_though_the_folder_is_as_it_was(bench):
    bench.run(bench.workload("shop"))
    before = bench.tags("shop")
    patches = [{"patch": "- op: replace"}]
    assert refusal(bench, bench.workload("shop", patches=patches)) == (
        f"Workload shop: patches: {bench.folder}/shop does not build. Nothing was pushed."
    )
    said = refusal(bench, bench.workload("shop", kustomization_path="nowhere"))
    assert said.startswith("Workload shop: kustomization_path is 'nowhere', but")
    assert bench.tags("shop") == before


def test_what_builds_is_rendered_once_in_check_mode_and_in_a_run(bench):
    workload = bench.workload("shop", "a: *no-plain-manifest\n")
    bench.run(workload, check_mode=True)
    assert bench.rendered == ["shop"]
    bench.run(workload)
    assert bench.rendered == ["shop"]


@pytest.mark.parametrize(
    ("brings", "is_strict"), [({}, False), ({"optional": True}, True), ({"values": True}, True)]
)
def test_variables_are_to_have_values_once_all_that_gives_them_is_known(bench, brings, is_strict):
    values = {"kind": "ConfigMap", "name": "values", **({"optional": True} if "optional" in brings else {})}
    if "values" in brings:
        metadata = {"name": "values", "namespace": "flux-system"}
        values_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"who": "me"}}
        bench.things["base"] = [values_map]
        bench.cluster.known += (Kind("", "v1", "configmaps", "ConfigMap"),)
    base = bench.workload("base", "a: *no-plain-manifest\n")
    shop = bench.workload("shop", substitute_from=[values], depends_on=["base"])
    bench.run(base, shop, check_mode=True)
    assert bench.strictly["shop"] is is_strict


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: default
spec:
  replicaz: 2
"""
DESCRIBED = {
    "Deployment": {
        "properties": {name: {} for name in ("apiVersion", "kind", "metadata")}
        | {"spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}]}},
        "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}],
    },
    "Spec": {"properties": {"replicas": {}}},
}


@pytest.fixture
def deployments(bench):
    """Has the cluster know Deployments, and their fields."""
    bench.cluster.known += (Kind("apps", "v1", "deployments", "Deployment"),)
    bench.cluster.texts |= descriptions("apis/apps/v1", DESCRIBED)


UNKNOWN = "manifest.yaml:7: Deployment default/web has the field spec.replicaz, which Deployment of apps/v1"


@pytest.mark.usefixtures("deployments")
@pytest.mark.parametrize("is_rendered", [False, True])
def test_a_field_that_a_kind_does_not_have_is_warned_of_where_it_is_written(bench, is_rendered):
    [web] = yaml.safe_load_all(WEB)
    bench.things["shop"] = [web]
    workload = bench.workload("shop", WEB, **({"build_metadata": []} if is_rendered else {}))
    foretold = bench.run(workload, check_mode=True)
    [change] = foretold["receipts"][0]["changes"]
    assert change["action"] == "created"
    assert "replicaz" not in foretold["diff"][-1]["after"]
    bench.run(workload)
    foretold_warning, warning = bench.warnings
    assert foretold_warning == warning
    assert warning.startswith(f"shop: {bench.folder}/shop/{UNKNOWN}")
    bench.warnings.clear()
    bench.run(workload)
    assert bench.warnings == []


@pytest.mark.usefixtures("deployments")
def test_a_field_that_a_kind_does_not_have_is_refused_where_that_is_asked_for(bench):
    bench.things["shop"] = list(yaml.safe_load_all(WEB))
    said = refusal(bench, bench.workload("shop", WEB), unknown_fields="refuse")
    assert said.startswith(f"Workload shop: {bench.folder}/shop/{UNKNOWN}")
    assert said.endswith("Nothing was pushed.")
    assert bench.tags("shop") is None


def test_what_is_deleted_and_then_refused_is_warned_of_in_check_mode_and_in_a_run(bench, monkeypatch):
    bench.things["shop"] = [thing("web", size=1)]
    bench.run(bench.workload("shop", force=True))
    apply, invalid = bench.cluster.apply, 'Thing "web" is invalid: spec.size: Invalid value: 99999: too large'

    def refuse(kind, manifest, **options):
        if kind == THING and options.get("dry_run"):
            raise ClusterError(invalid, 422, reason="Invalid")
        return apply(kind, manifest, **options)

    def refuse_new(_kind, _manifest, **_options):
        raise ClusterError(f"Cannot create a Thing: {invalid}", 422, said=invalid, reason="Invalid")

    monkeypatch.setattr(bench.cluster, "apply", refuse)
    monkeypatch.setattr(bench.cluster, "create", refuse_new)
    workload = bench.workload("shop", "a: *no-plain-manifest\n", force=True)
    told = "Thing default/web would be deleted, since force is set, and then refused: spec.size: Invalid"
    with pytest.raises(LoopError, match=r"shop: Flux could not apply it\. Thing default/web: spec\.size"):
        bench.run(workload, check_mode=True)
    assert [told in warning for warning in bench.warnings] == [True]
    bench.warnings.clear()
    with contextlib.suppress(LoopError, ClusterError):
        bench.run(workload)
    assert [told in warning for warning in bench.warnings] == [True]


def test_one_that_does_not_build_keeps_all_of_them_from_being_pushed(bench):
    bench.unrenderable = {"blog"}
    with pytest.raises(LoopError, match=r"Workload blog: .*blog does not build"):
        bench.run(bench.workload("shop"), bench.workload("blog"))
    assert (bench.tags("shop"), bench.tags("blog"), bench.written()) == (None, None, [])


def test_a_dependency_that_nobody_has_is_refused_before_the_push(bench):
    with pytest.raises(LoopError, match="Workload shop: depends_on names base"):
        bench.run(bench.workload("shop", depends_on=["base"]))
    assert (bench.tags("shop"), bench.written()) == (None, [])


def test_a_dependency_that_the_cluster_has_is_fine(bench):
    bench.run(bench.workload("base"))
    assert bench.run(bench.workload("shop", depends_on=["base"]))["receipts"][0]["ready"]


def test_one_that_fails_is_told_with_the_receipts_of_all(bench):
    bench.broken = {"blog"}
    with pytest.raises(LoopError) as failure:
        bench.run(bench.workload("shop"), bench.workload("blog"))
    assert "Kustomization flux-system/blog is not ready: ReconciliationFailed" in failure.value.message
    assert "it is broken" in failure.value.message
    assert {receipt["name"]: receipt["ready"] for receipt in failure.value.details["receipts"]} == {
        "shop": True,
        "blog": False,
    }
    assert failure.value.details["changed"]


def test_a_repair_heals(bench):
    bench.broken = {"shop"}
    with pytest.raises(LoopError):
        bench.run(bench.workload("shop"))
    bench.broken = set()
    assert bench.run(bench.workload("shop"))["receipts"][0]["ready"]


def test_check_mode_writes_nothing_and_says_what_a_run_then_does(bench):
    bench.run(bench.workload("shop"))
    before = bench.tags("shop")
    foretold_result = bench.run(bench.workload("shop", "a: 2\n"), bench.workload("blog"), check_mode=True)
    assert (bench.tags("shop"), bench.tags("blog"), bench.written()) == (before, None, [])
    done = bench.run(bench.workload("shop", "a: 2\n"), bench.workload("blog"))
    for said, did in zip(foretold_result["receipts"], done["receipts"], strict=True):
        assert (said["name"], said["changed"], said["why"]) == (did["name"], did["changed"], did["why"])


def test_what_somebody_changed_in_the_cluster_is_found_and_healed(bench):
    bench.run(bench.workload("shop"))
    bench.cluster.objects[refs("shop")[1]]["spec"]["prune"] = False
    result = bench.run(bench.workload("shop"))
    assert any("spec.prune" in why for why in result["receipts"][0]["why"])
    assert bench.cluster.objects[refs("shop")[1]]["spec"]["prune"] is True


def test_a_changed_kustomization_settles_before_flux_is_asked_for_the_new_artifact(bench, monkeypatch):
    bench.run(bench.workload("shop"))
    source, own = refs("shop")
    apply = bench.cluster.apply

    def settle():
        settled = copy.deepcopy(bench.cluster.objects[own])
        settled["metadata"]["generation"] = 1
        bench.cluster.asked.append("settled")
        bench.cluster.put(own, settled)

    def apply_and_be_slow(kind, manifest, **options):
        after = apply(kind, manifest, **options)
        if kind == KUSTOMIZATION and not options["dry_run"]:
            after["metadata"]["generation"] = 2  # of which Flux has said nothing yet
            bench.cluster.put(own, after)
            threading.Timer(0.2, settle).start()
        return after

    monkeypatch.setattr(bench.cluster, "apply", apply_and_be_slow)
    assert bench.run(bench.workload("shop", "a: 2\n", prune=False))["receipts"][0]["ready"]
    asked = bench.cluster.asked
    assert asked.index(f"apply {own}") < asked.index("settled") < asked.index(f"patch {source}")


def sentences(result):
    return [
        f"{change['action']} {change['name']} {[field['field'] for field in change['fields']]}"
        for change in result["receipts"][0]["changes"]
    ]


def test_check_mode_says_what_flux_would_change(bench):
    bench.things["shop"] = [thing("web", size=1), thing("old")]
    assert sentences(bench.run(bench.workload("shop"), check_mode=True)) == [
        "created web []",
        "created old []",
    ]
    bench.run(bench.workload("shop"))
    bench.things["shop"] = [thing("web", size=2), thing("new")]
    foretold = bench.run(bench.workload("shop", "a: 2\n"), check_mode=True)
    assert sentences(foretold) == ["changed web ['spec.size']", "created new []", "pruned old []"]
    shown = {diff["after_header"]: diff for diff in foretold["diff"]}
    assert shown["Thing default/web in the cluster, changed by Flux"]["after"] == "spec.size: 2\n"
    foretold = bench.run(bench.workload("shop", "a: 2\n", prune=False), check_mode=True)
    assert "pruned old []" not in sentences(foretold)
    assert sentences(bench.run({"name": "shop", "state": "absent"}, check_mode=True)) == [
        "pruned web []",
        "pruned old []",
    ]
    assert bench.written() == []


def test_a_suspended_one_changes_nothing_though_it_is_pushed(bench):
    bench.things["shop"] = [thing("web")]
    foretold = bench.run(bench.workload("shop", suspend=True), check_mode=True)
    assert foretold["receipts"][0]["changed"]
    assert sentences(foretold) == []


@pytest.mark.parametrize("is_deleted", [True, False])
def test_what_somebody_did_to_what_flux_applied_is_foretold_and_healed(bench, is_deleted):
    bench.things["shop"] = [thing("web", size=1), thing("other")]
    bench.run(bench.workload("shop"))
    web = ObjectRef(THING, "default", "web")
    if is_deleted:
        bench.cluster.objects.pop(web)
        why = ["drift: Thing default/web is missing"]
    else:
        bench.cluster.apply(THING, thing("web", size=7), manager="somebody", force=True)
        why = ["drift: Thing default/web: spec.size: 7 -> 1"]
    foretold = bench.run(bench.workload("shop"), check_mode=True)
    assert (foretold["changed"], foretold["receipts"][0]["why"], bench.written()) == (True, why, [])
    done = bench.run(bench.workload("shop"))
    assert (done["changed"], done["receipts"][0]["why"]) == (True, why)
    assert done["receipts"][0]["ready"]
    assert bench.cluster.objects[web]["spec"] == {"size": 1}
    bench.cluster.objects[web]["metadata"]["managedFields"][0]["time"] = "2026-01-01T00:00:00Z"
    assert not bench.run(bench.workload("shop"))["changed"]


def test_in_check_mode_too_one_that_does_not_build_is_an_error(bench):
    bench.unrenderable = {"shop"}
    with pytest.raises(LoopError, match=r"Workload shop: .* does not build"):
        bench.run(bench.workload("shop"), check_mode=True)


def test_drift_of_what_no_longer_builds_is_a_warning(bench):
    bench.things["shop"] = [thing("web")]
    bench.run(bench.workload("shop"))
    bench.cluster.objects.pop(ObjectRef(THING, "default", "web"))
    bench.unrenderable = {"shop"}
    assert not bench.run(bench.workload("shop"))["changed"]
    assert "shop: Its drift cannot be told" in bench.warnings[0]


def test_what_the_api_server_would_refuse_fails_check_mode_with_all_receipts(bench):
    strange = thing("web") | {"kind": "Strange"}
    bench.things["shop"] = [strange]
    with pytest.raises(
        LoopError, match=r"Workload shop: .*knows no kind Strange of example.org/v1"
    ) as failure:
        bench.run(bench.workload("shop"), check_mode=True)
    assert sentences(failure.value.details) == ["refused web []"]


def test_an_absent_one_loses_its_kustomization_before_its_source(bench):
    bench.run(bench.workload("shop"))
    result = bench.run({"name": "shop", "state": "absent"})
    assert result["changed"]
    assert [asked for asked in bench.cluster.asked if asked.startswith("delete")] == [
        "delete Kustomization flux-system/shop",
        "delete OCIRepository flux-system/shop",
    ]
    assert not bench.run({"name": "shop", "state": "absent"})["changed"]


def test_a_kustomization_path_that_is_not_there_is_named(bench):
    with pytest.raises(LoopError, match=r"Workload shop: kustomization_path is '\./overlay'"):
        bench.run(bench.workload("shop", kustomization_path="./overlay"))
    assert bench.tags("shop") is None


def test_aliases_that_multiply_are_refused_before_anything_reads_them(bench):
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 20)]
    bomb = bench.workload("shop", "kind: ConfigMap\ndata:\n  " + "\n  ".join(lines) + "\n")
    for check_mode in (True, False):
        with pytest.raises(LoopError, match=r"Workload shop: .*shop/manifest\.yaml:\d+: its aliases repeat"):
            bench.run(bomb, check_mode=check_mode)
    assert bench.rendered == []
    assert bench.tags("shop") is None


def test_what_sops_has_encrypted_and_flux_is_not_to_decrypt_is_a_warning(bench):
    secret = "kind: Secret\nstringData: {p: 'ENC[AES256_GCM,data:x]'}\nsops:\n  mac: ENC[AES256_GCM,data:y]\n"
    for check_mode in (True, False):
        bench.run(bench.workload("shop", secret), check_mode=check_mode)
    assert len(bench.warnings) == 2
    for warning in bench.warnings:
        assert f"decryption is not set, and SOPS has encrypted {bench.folder}/shop/manifest.yaml:1" in warning
    bench.run(bench.workload("shop", secret, decryption={"provider": "sops"}))
    bench.run(bench.workload("plain", "kind: ConfigMap\ndata: {note: 'sops makes ENC[ of it'}\n"))
    assert len(bench.warnings) == 2


def test_a_path_that_is_not_there_is_named(bench):
    with pytest.raises(LoopError, match=r"Workload shop: .*nowhere"):
        bench.run({"name": "shop", "path": "nowhere"})


def test_without_a_registry_check_mode_says_that_everything_would_be_made(bench):
    bench.things["shop"] = [thing("web")]
    told = bench.foretell(bench.workload("shop"), {"name": "old", "state": "absent"})
    assert [(receipt["name"], receipt["changed"]) for receipt in told["receipts"]] == [
        ("shop", True),
        ("old", False),
    ]
    assert told["receipts"][0]["files"] == 1
    assert sentences(told) == ["created web []"]
    assert "manifest.yaml" in told["diff"][0]["after"]
    assert "kind: Thing" in told["diff"][-1]["after"]
    assert sentences(bench.foretell(bench.workload("shop", suspend=True))) == []
    assert (bench.tags("shop"), bench.cluster.asked) == (None, [])


def test_without_a_registry_check_mode_refuses_what_is_refused_anyway(bench):
    with pytest.raises(LoopError, match=r"Workload shop: .*nowhere"):
        bench.foretell({"name": "shop", "path": "nowhere"})
    bench.unrenderable = {"shop"}
    with pytest.raises(LoopError, match="does not build"):
        bench.foretell(bench.workload("shop"))


def test_a_loop_runs_where_the_registry_answers_and_the_kubeconfig_is_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        registry = {"host": host, "cluster": None, "insecure": False}
        for kubeconfig, is_there in (
            (str(tmp_path), True),
            ({"a": 1}, True),
            (None, True),
            ("/nowhere", False),
        ):
            assert is_up({"registry": registry, "kubeconfig": kubeconfig}) is is_there
    assert not is_up({"registry": registry, "kubeconfig": None})


def unhealthy(bench, name):
    """An edit of a workload that does not become healthy; its digest is known beforehand by a push."""
    bench.run(bench.workload(name, "a: 1\n"))
    healthy = bench.tags(name)
    held = bench.repositories[name].manifests
    held["kept"] = held["latest"]  # the registry in memory holds nothing without a name
    react = bench.cluster.react

    def condemn(cluster, ref):
        if bench.tags(name) != healthy:
            bench.unhealthy_digests.add(bench.tags(name))
        react(cluster, ref)

    bench.cluster.react = condemn
    return healthy


def test_what_is_not_healthy_after_a_push_is_taken_back_when_that_is_asked_for(bench):
    healthy = unhealthy(bench, "shop")
    with pytest.raises(LoopError) as failed:
        bench.run(bench.workload("shop", "a: 2\n"), on_failure="rollback")
    [receipt] = failed.value.details["receipts"]
    assert bench.tags("shop") == healthy
    assert receipt["taken_back"] == {"digest": healthy, "proven": True}
    assert not receipt["ready"]
    assert receipt["pushed_digest"] != healthy
    assert f"It was taken back to {healthy}, which is applied and healthy." in failed.value.message


def test_by_default_what_is_not_healthy_stays_as_it_is(bench):
    healthy = unhealthy(bench, "shop")
    with pytest.raises(LoopError) as failed:
        bench.run(bench.workload("shop", "a: 2\n"))
    assert bench.tags("shop") != healthy
    assert "taken_back" not in failed.value.details["receipts"][0]


def test_what_was_never_healthy_cannot_be_taken_back_and_that_is_said(bench):
    react = bench.cluster.react

    def condemn(cluster, ref):
        bench.unhealthy_digests.add(bench.tags("shop"))
        react(cluster, ref)

    bench.cluster.react = condemn
    with pytest.raises(LoopError) as failed:
        bench.run(bench.workload("shop"), on_failure="rollback")
    assert failed.value.details["receipts"][0]["taken_back"] == {"digest": "", "proven": False}
    assert "No version of it was healthy before" in failed.value.message


def test_what_the_api_refuses_is_no_failed_health_check_and_is_not_taken_back(bench):
    bench.run(bench.workload("shop"))
    healthy = bench.tags("shop")
    bench.broken.add("shop")
    with pytest.raises(LoopError) as failed:
        bench.run(bench.workload("shop", "a: 2\n"), on_failure="rollback")
    assert bench.tags("shop") != healthy
    assert "taken_back" not in failed.value.details["receipts"][0]


LOGIN = ObjectRef(SECRET, "flux-system", "registry-127-0-0-1-5001-login")
TLS = ObjectRef(SECRET, "flux-system", "registry-127-0-0-1-5001-tls")


@pytest.fixture
def access(tmp_path):
    (tmp_path / "ca.pem").write_text("the authority")
    return {"username": "ci", "password": "s3cret", "ca_cert": str(tmp_path / "ca.pem")}


def test_flux_gets_the_login_and_the_authority_of_the_registry(bench, access):
    foretold_run = bench.run(bench.workload("shop"), bench.workload("blog"), check_mode=True, **access)
    assert LOGIN not in bench.cluster.objects
    result = bench.run(bench.workload("shop"), bench.workload("blog"), **access)
    for said in (foretold_run, result):
        assert f"Secret {LOGIN.name}: created" in said["receipts"][0]["why"]
        assert f"Secret {TLS.name}: created" in said["receipts"][1]["why"]
        assert "s3cret" not in str(said)
        assert base64.b64encode(b"ci:s3cret").decode() not in str(said)
    spec = bench.cluster.objects[refs("shop")[0]]["spec"]
    assert (spec["secretRef"], spec["certSecretRef"]) == ({"name": LOGIN.name}, {"name": TLS.name})
    assert bench.cluster.objects[LOGIN]["type"] == "kubernetes.io/dockerconfigjson"
    assert base64.b64decode(bench.cluster.objects[TLS]["data"]["ca.crt"]) == b"the authority"

    again = bench.run(bench.workload("shop"), bench.workload("blog"), **access)
    assert (again["changed"], again["diff"], bench.written()) == (False, [], [])
    other = bench.run(bench.workload("shop"), **{**access, "password": "0ther"})
    assert other["receipts"][0]["why"] == [f"Secret {LOGIN.name}: content differs"]


def test_a_workload_can_name_secrets_of_its_own(bench, access):
    own = {"secret_ref": {"name": "mine"}, "cert_secret_ref": {"name": "mine-too"}}
    bench.run(bench.workload("shop", **own), **access)
    spec = bench.cluster.objects[refs("shop")[0]]["spec"]
    assert (spec["secretRef"], spec["certSecretRef"]) == ({"name": "mine"}, {"name": "mine-too"})
    assert LOGIN not in bench.cluster.objects


def test_the_last_workload_takes_the_secrets_with_it(bench, access):
    bench.run(bench.workload("shop"), bench.workload("blog"), **access)
    bench.run({"name": "shop", "state": "absent"}, **access)
    assert LOGIN in bench.cluster.objects
    gone = [{"name": "blog", "state": "absent"}]
    assert (
        f"Secret {LOGIN.name}: deleted" in bench.run(*gone, check_mode=True, **access)["receipts"][0]["why"]
    )
    assert LOGIN in bench.cluster.objects
    assert f"Secret {LOGIN.name}: deleted" in bench.run(*gone, **access)["receipts"][0]["why"]
    assert not {LOGIN, TLS} & set(bench.cluster.objects)


def test_a_secret_of_somebody_else_is_left_alone(bench, access):
    foreign = {"metadata": {"name": LOGIN.name, "namespace": "flux-system"}, "data": {}}
    bench.cluster.objects[LOGIN] = foreign
    with pytest.raises(LoopError, match=r"was not made by .* name your own Secret in the"):
        bench.run(bench.workload("shop"), **access)
    assert (bench.cluster.objects[LOGIN], bench.tags("shop")) == (foreign, None)
