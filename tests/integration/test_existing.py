# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster with Flux and a registry that are there already: used, and left as they are."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.tests.integration.loops import config_map, write


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

    write(folder, guest=config_map("guest", text="2"))
    assert guest.push(*listed).succeeded().receipts["guest"]["ready"]
    assert loop.config_map("guest")["data"] == {"text": "2"}
    guest.remove("guest")
    assert loop.config_map("guest") is None

    guest.play("stop").succeeded()
    guest.play("destroy", flux_local_purge=True).succeeded()
    assert not guest.state_dir.exists()
    assert loop.processes() == processes
    assert loop.digest("guest")
    assert loop.get("/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations")["items"]


def test_a_registry_of_the_loop_s_own_beside_an_existing_cluster(loop, new_loop, folder):
    guest = new_loop("halb zu Gast", flux_local_provider="existing", cluster_kubeconfig=str(loop.kubeconfig))
    listed = [{"name": "half", "path": str(write(folder, half=config_map("half")))}]
    assert guest.up(workloads_list=listed).receipts["half"]["ready"]
    assert sorted(guest.processes().values()) == ["registry", "supervisord"]
    assert (guest.digest("half") is None, loop.digest("half")) == (False, None)
    guest.remove("half")
    guest.play("stop").succeeded()
    assert guest.processes() == {}
