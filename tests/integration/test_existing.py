# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster with Flux and a registry that are there already: used, and left as they are."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import config_map, write
from ansible_collections.gitops.flux_local.tests.integration.registries import (
    DELETES,
    asks_for_a_password,
    issued,
    serving,
)

PASSWORD = {"REGISTRY_PASSWORD": "s3cret"}


def test_an_existing_cluster_and_registry_are_used_and_left_as_they_are(loop, new_loop, folder):
    processes = loop.processes()
    guest = new_loop(
        "zu Gast",
        flux_local_provider="existing",
        cluster_kubeconfig=str(loop.kubeconfig),
        cluster_context=loop.name,
        registry_engine="existing",
        registry_address=loop.registry,
        registry_insecure=True,
    )
    listed = [{"name": "guest", "path": str(write(folder, guest=config_map("guest", text="1")))}]
    run = guest.up(workloads_list=listed)
    assert run.receipts["guest"]["ready"]
    assert loop.digest("guest") == run.receipts["guest"]["pushed_digest"]
    assert loop.config_map("guest")["data"] == {"text": "1"}
    assert guest.processes() == {}
    assert "simulated" not in run.text
    assert guest.up(workloads_list=listed).changed == []

    guest.remove("guest")
    assert loop.config_map("guest") is None

    guest.play("destroy", flux_local_purge=True).succeeded()
    assert not guest.state_dir.exists()
    assert loop.processes() == processes
    assert loop.digest("guest")
    assert loop.get("/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations")["items"]


def test_a_cluster_that_no_kubeconfig_describes_is_refused(new_loop):
    guest = new_loop("ohne Namen", flux_local_provider="existing")
    guest.play("site").refused(
        "cluster_kubeconfig: the environment has K8S_AUTH_API_KEY, K8S_AUTH_HOST",
        "Unset them, or name a kubeconfig with this option",
    )


def test_a_registry_of_the_loop_s_own_beside_an_existing_cluster(loop, new_loop, folder):
    guest = new_loop("halb zu Gast", flux_local_provider="existing", cluster_kubeconfig=str(loop.kubeconfig))
    listed = [{"name": "half", "path": str(write(folder, half=config_map("half")))}]
    assert guest.up(workloads_list=listed).receipts["half"]["ready"]
    assert sorted(guest.processes().values()) == ["registry", "supervisord"]
    assert (guest.digest("half") is None, loop.digest("half")) == (False, None)


@pytest.fixture
def private(binary, tmp_path):
    """A registry with an authority of its own that asks for a password: its address and its authority."""
    authority = issued(tmp_path, "authority")
    certificate = issued(tmp_path, "registry", authority)
    tls = {"certificate": str(certificate), "key": str(certificate.with_suffix(".key"))}
    with serving(binary, tmp_path, auth=asks_for_a_password(tmp_path), tls=tls, **DELETES) as host:
        yield host, authority


def test_a_registry_with_tls_and_a_password_becomes_flux_s_too(loop, new_loop, folder, private):
    host, authority = private
    guest = new_loop(
        "geheim",
        flux_local_provider="existing",
        cluster_kubeconfig=str(loop.kubeconfig),
        registry_engine="existing",
        registry_address=f"{host}/team",
        flux_local_registry_username="ci",
        flux_local_registry_password="{{ lookup('ansible.builtin.env', 'REGISTRY_PASSWORD') }}",
        flux_local_registry_ca_cert=str(authority),
    )
    listed = [{"name": "private", "path": str(write(folder, private=config_map("private", text="1")))}]
    options = {"workloads_list": listed, "environment": PASSWORD}
    run = guest.up("--diff", "-vvv", **options)
    assert run.receipts["private"]["ready"]
    assert loop.config_map("private")["data"] == {"text": "1"}
    called = f"registry-{host.replace('.', '-').replace(':', '-')}"
    spec = loop.source("private")["spec"]
    assert (spec["secretRef"]["name"], spec["certSecretRef"]["name"]) == (f"{called}-login", f"{called}-tls")
    assert "insecure" not in spec
    login = loop.core.read_namespaced_secret(f"{called}-login", "flux-system")
    assert login.type == "kubernetes.io/dockerconfigjson"
    known = json.loads(base64.b64decode(login.data[".dockerconfigjson"]))["auths"]
    assert known[host]["password"] == "s3cret"
    for secret in ("s3cret", login.data[".dockerconfigjson"], base64.b64encode(b"ci:s3cret").decode()):
        assert secret not in run.output + run.warnings
        assert secret not in (guest.state_dir / "loop.json").read_text()

    assert guest.up(**options).changed == []
    assert guest.play("site", "--check", **options).succeeded().changed == []

    # Somebody's change is found, also where nothing was pushed.
    loop.core.patch_namespaced_secret(
        f"{called}-login", "flux-system", {"data": {".dockerconfigjson": "e30="}}
    )
    run = guest.up(**options)
    assert run.receipts["private"]["why"] == [f"Secret {called}-login: content differs"]
    write(folder, private=config_map("private", text="2"))
    assert guest.push(*listed, environment=PASSWORD).succeeded().receipts["private"]["ready"]
    assert loop.config_map("private")["data"] == {"text": "2"}

    report = guest.play("prune", flux_local_keep_last=1, **options).succeeded()
    assert "private: 1 kept, 0 removed" in report.text

    gone = guest.push({"name": "private", "state": "absent"}, environment=PASSWORD).succeeded()
    assert f"Secret {called}-login: deleted" in gone.receipts["private"]["why"]
    names = [item.metadata.name for item in loop.core.list_namespaced_secret("flux-system").items]
    assert not [name for name in names if name.startswith("registry-")]


def test_a_workload_has_an_account_of_its_own(loop, new_loop, folder, private):
    host, authority = private
    known = {"auths": {host: {"username": "ci", "password": "s3cret"}}}
    loop.core.create_namespaced_secret(
        "flux-system",
        {
            "metadata": {"name": "pull-only"},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(known)},
        },
    )
    workload = {
        "name": "own",
        "path": str(write(folder, own=config_map("own"))),
        "secret_ref": {"name": "pull-only"},
        "labels": {"team": "shop"},
    }
    registry = {"workloads_registry": {"host": host}, "flux_local_registry_ca_cert": str(authority)}
    registry |= {"flux_local_registry_username": "ci", "flux_local_registry_password": "s3cret"}
    assert loop.push(workload, **registry).succeeded().receipts["own"]["ready"]
    assert loop.source("own")["spec"]["secretRef"] == {"name": "pull-only"}
    assert loop.kustomization("own")["metadata"]["labels"] == {"team": "shop"}
    loop.push({"name": "own", "state": "absent"}, **registry).succeeded()
    loop.core.delete_namespaced_secret("pull-only", "flux-system")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"flux_local_registry_password": "wr0ng"}, "registry_username"),
        ({"flux_local_registry_ca_cert": ""}, "registry_address"),
    ],
)
def test_a_wrong_password_or_authority_is_refused_before_anything_is_touched(
    loop, new_loop, private, options, said
):
    host, authority = private
    fresh = new_loop(
        "falsch",
        flux_local_provider="existing",
        cluster_kubeconfig=str(loop.kubeconfig),
        registry_engine="existing",
        registry_address=host,
        flux_local_registry_username="ci",
        flux_local_registry_password="s3cret",
        flux_local_registry_ca_cert=str(authority),
    )
    run = fresh.play("site", **options)
    run.refused(said, host)
    assert "wr0ng" not in run.output
    assert fresh.processes() == {}
