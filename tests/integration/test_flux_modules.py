# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""flux_source, flux_kustomization, flux_reconcile and flux_info on the real API server and the real Flux."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import FIELDS, api_paths
from ansible_collections.gitops.flux_local.tests.integration.loops import (
    NAMESPACE,
    Loop,
    Run,
    config_map,
    write,
)


def schema_paths(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """The leaves of an OpenAPI schema, as ``fields.api_paths`` names them."""
    if schema["type"] == "array":
        yield from schema_paths(schema["items"], f"{path}[]")
    elif schema.get("properties"):
        for name, below in schema["properties"].items():
            yield from schema_paths(below, f"{path}.{name}")
    else:
        yield path.removeprefix(".")


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.name)
def test_every_field_that_the_api_server_knows_has_an_option(loop, kind: Kind):
    crd = loop.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.plural}.{kind.group}")
    [version] = [version for version in crd["spec"]["versions"] if version["name"] == kind.version]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert sorted(api_paths(FIELDS[kind])) == sorted(schema_paths(spec, ""))


def tried(loop: Loop, **tasks: Mapping[str, Any]) -> tuple[Run, dict[str, dict[str, Any]]]:
    """The results of tasks by their names; one that fails is no end."""
    listed = [{"name": name, "ignore_errors": True, **task} for name, task in tasks.items()]
    run = loop.tasks(listed, "-v")
    return run, dict(run.results)


def pushed(loop: Loop, folder: Path, *tags: str, **entries: str) -> dict[str, Any]:
    """A task that pushes a ConfigMap called as the folder."""
    name = folder.name
    write(folder, content=config_map(name, **entries))
    module = {"path": str(folder), "url": f"oci://{loop.registry}/{name}", "tags": list(tags)}
    return {"gitops.flux_local.oci_artifact_push": module}


def source(loop: Loop, name: str, /, **options: Any) -> dict[str, Any]:
    url = f"oci://{loop.registry}/{name}"
    return {"gitops.flux_local.flux_source": {"name": name, "url": url, **options}}


def kustomization(name: str, /, **options: Any) -> dict[str, Any]:
    given = {"name": name, "source_ref": {"kind": "OCIRepository", "name": name}, "prune": True, **options}
    return {"gitops.flux_local.flux_kustomization": given}


def reconcile(name: str, /, **options: Any) -> dict[str, Any]:
    return {"gitops.flux_local.flux_reconcile": {"name": name, **options}}


def test_flux_source(loop, tmp_path):
    absent = {"gitops.flux_local.flux_source": {"name": "quelle", "state": "absent", "wait": True}}
    foretold = {"check_mode": True, "diff": True}
    unused, results = tried(
        loop,
        push=pushed(loop, tmp_path / "quelle", "latest", "v1"),
        foretold=source(loop, "quelle", tag="latest") | foretold,
        nothing={"gitops.flux_local.flux_info": {"name": "quelle"}},
        created=source(loop, "quelle", tag="latest", interval="1h", wait=True, labels={"team": "ü-1"}),
        refused=source(loop, "quelle", tag="latest", interval="1h", labels={"team": "a b"}),
        labelled=source(loop, "quelle", tag="latest", interval="1h", wait=True, labels={"team": "a"}),
        same=source(loop, "quelle", tag="latest", interval="60m", labels={"team": "a"}),
        would_change=source(loop, "quelle", tag="v1", interval="1h", labels={"team": "a"}) | foretold,
        changed=source(loop, "quelle", tag="v1", interval="1h", wait=True),
        suspended=source(loop, "quelle", tag="v1", interval="1h", suspend=True, wait=True),
        left_suspended=source(loop, "quelle", tag="v1", interval="1h"),
        resumed=source(loop, "quelle", tag="v1", interval="1h", suspend=False),
        lost=source(loop, "quelle", tag="v2", interval="1h", wait=True, wait_timeout=60),
        would_go=absent | foretold,
        gone=absent,
        still_gone=absent,
    )
    del unused
    digest = results["push"]["digest"]
    assert results["foretold"]["changes"] == ["created"]
    assert results["foretold"]["diff"]["before"] == {}
    assert results["foretold"]["diff"]["after"]["spec"]["ref"] == {"tag": "latest"}
    assert results["nothing"]["sources"] == []
    for name in ("created", "refused"):
        assert "metadata.labels" in results[name]["msg"], "the API server's own words"
    labelled = results["labelled"]["resource"]
    assert (labelled["ready"], labelled["revision"]) == (True, f"latest@{digest}")
    assert labelled["labels"] == {"team": "a"}
    assert (results["same"]["changed"], results["same"]["changes"]) == (False, [])
    assert results["would_change"]["changes"] == ["spec.ref.tag: 'latest' -> 'v1'"]
    assert results["would_change"]["diff"]["before"]["spec"]["ref"] == {"tag": "latest"}
    assert results["changed"]["resource"]["revision"] == f"v1@{digest}"
    assert "metadata.labels.team: 'a' -> (none)" in results["changed"]["changes"]
    assert results["suspended"]["resource"]["state"] == "suspended"
    assert results["left_suspended"]["resource"]["suspended"] is False, "no longer managed here"
    assert results["resumed"]["resource"]["suspended"] is False
    assert results["lost"]["failed"]
    assert "v2" in results["lost"]["msg"]
    assert [results[name]["changed"] for name in ("would_go", "gone", "still_gone")] == [True, True, False]
    assert loop.source("quelle") is None


def test_flux_kustomization_and_who_owns_what(loop, tmp_path):
    tried(
        loop,
        push=pushed(loop, tmp_path / "besitz", "latest"),
        source=source(loop, "besitz", tag="latest"),
        kustomization=kustomization("besitz", interval="1h", wait=True),
    )
    assert loop.config_map("besitz")
    theirs = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "besitz", "namespace": NAMESPACE, "labels": {"cost-centre": "4711"}},
        "spec": {"interval": "2h", "timeout": "1m"},
    }
    client.CustomObjectsApi(loop.api).patch_namespaced_custom_object(
        group="kustomize.toolkit.fluxcd.io",
        version="v1",
        plural="kustomizations",
        namespace=NAMESPACE,
        name="besitz",
        body=theirs,
        field_manager="accounting",
        force=True,
        _content_type="application/apply-patch+yaml",
    )
    unused, results = tried(
        loop,
        conflict=kustomization("besitz", interval="1h"),
        foreseen=kustomization("besitz", interval="1h") | {"check_mode": True},
        unowned=kustomization("besitz", interval="2h", suspend=True),
        forced=kustomization("besitz", interval="1h", suspend=True, force_conflicts=True),
        again=kustomization("besitz", interval="1h", suspend=True),
        woken=kustomization("besitz", interval="1h", suspend=False, wait=True),
    )
    del unused
    for name in ("conflict", "foreseen"):
        assert results[name]["failed"]
        for said in ("Kustomization flux-system/besitz", "spec.interval", '"accounting"', "force_conflicts"):
            assert said in results[name]["msg"]
    assert "spec.suspend: (none) -> True" in results["unowned"]["changes"]
    assert results["forced"]["changes"] == ["spec.interval: '2h' -> '1h'"]
    assert results["again"]["changed"] is False
    assert results["woken"]["resource"]["ready"]
    live = loop.kustomization("besitz")
    assert (live["spec"]["timeout"], live["metadata"]["labels"]) == ("1m", {"cost-centre": "4711"})
    assert live["spec"]["interval"] == "1h"


def test_flux_reconcile(loop, tmp_path):
    folder = tmp_path / "beweis"
    unused, first = tried(
        loop,
        push=pushed(loop, folder, "latest", text="1"),
        source=source(loop, "beweis", tag="latest", interval="1h", wait=True),
        early=reconcile("beweis"),
        kustomization=kustomization("beweis", interval="1h", wait=True),
        proven=reconcile("beweis", expected_digest="sha256:" + "0" * 64, timeout=3),
        asked=reconcile("beweis"),
    )
    digest = first["push"]["digest"]
    assert "flux-system/beweis" in first["early"]["msg"]
    assert first["proven"]["failed"], "another digest than the expected one is no success"
    assert digest in str(first["proven"]["receipt"])
    assert first["asked"]["changed"]
    assert first["asked"]["receipt"]["applied_revision"] == f"latest@{digest}"

    unused, second = tried(
        loop,
        push=pushed(loop, folder, "latest", text="2") | {"register": "pushed"},
        would=reconcile("beweis", expected_digest="{{ pushed.digest }}") | {"check_mode": True},
        proven=reconcile("beweis", expected_digest="{{ pushed.digest }}"),
        again=reconcile("beweis", expected_digest="{{ pushed.digest }}"),
        suspended=kustomization("beweis", interval="1h", suspend=True),
        refused=reconcile("beweis", timeout=60),
        unknown=reconcile("beweiss", timeout=60),
        invalid=reconcile("beweis", expected_digest="latest"),
    )
    del unused
    digest = second["push"]["digest"]
    assert second["would"]["changed"]
    receipt = second["proven"]["receipt"]
    assert (second["proven"]["changed"], receipt["ready"]) == (True, True)
    assert receipt["pushed_digest"] == digest
    assert receipt["source_revision"] == receipt["applied_revision"] == f"latest@{digest}"
    assert set(receipt["phases"]) == {"source", "apply", "health"}
    assert all(seconds is not None and seconds >= 0 for seconds in receipt["phases"].values())
    assert receipt["inventory"] == [
        {"group": "", "kind": "ConfigMap", "name": "beweis", "namespace": "default", "version": "v1"}
    ]
    assert any(event["reason"] == "ReconciliationSucceeded" for event in receipt["events"])
    assert loop.config_map("beweis")["data"] == {"text": "2"}
    assert second["again"]["changed"] is False
    assert "suspended" in second["refused"]["msg"].lower()
    assert "flux-system/beweiss" in second["unknown"]["msg"]
    assert "expected_digest is 'latest'" in second["invalid"]["msg"]


def test_flux_info(loop):
    run, results = tried(
        loop,
        all={"gitops.flux_local.flux_info": {}},
        one={"gitops.flux_local.flux_info": {"name": "backend", "events": True}},
        elsewhere={"gitops.flux_local.flux_info": {"name": "backend", "namespace": "kube-system"}},
    )
    names = {entry["name"] for entry in results["all"]["kustomizations"]}
    assert names >= {"base", "backend", "frontend"}
    assert {entry["name"] for entry in results["all"]["sources"]} >= names
    [backend] = results["one"]["kustomizations"]
    [origin] = results["one"]["sources"]
    assert backend["ready"]
    assert backend["depends_on"] == [{"name": "base", "namespace": NAMESPACE}]
    assert backend["applied_revision"] == origin["revision"] == f"latest@{loop.digest('backend')}"
    assert {(entry["kind"], entry["name"]) for entry in backend["inventory"]} == {
        ("Deployment", "backend"),
        ("Service", "backend"),
    }
    assert backend["history"][0]["status"] == "ReconciliationSucceeded"
    assert results["elsewhere"]["kustomizations"] == results["elsewhere"]["sources"] == []
    # A module never reads a cluster by accident: at -v it says which one it was.
    assert results["all"]["kubeconfig_used"] == f"{loop.kubeconfig}#{loop.name}"
    assert not run.changed
