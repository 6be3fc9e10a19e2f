# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Of what kind and k3d say of a failure, the cause is told."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.engine.creation import (
    LONGEST,
    creation_cause,
)

KUBEADM = """\
Creating cluster "shop" ...
 • Ensuring node image (kindest/node:v1.37.0) 🖼  ...
 ✓ Ensuring node image (kindest/node:v1.37.0) 🖼
 • Starting control-plane 🕹️  ...
 ✗ Starting control-plane 🕹️
Deleted nodes: ["shop-control-plane"]
ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec \
--privileged shop-control-plane kubeadm init --config=/kind/kubeadm.conf" failed with error: exit status 1

Command Output: I1127 20:00:00.000001     150 initconfiguration.go:255] loading configuration
I1127 20:00:01.000001     150 round_trippers.go:553] GET https://shop:6443/healthz in 0 milliseconds
[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods
[kubelet-check] The kubelet is not healthy after 4m0.001s
The kubelet is not running: the required cgroups are disabled
error execution phase wait-control-plane: failed while waiting for the kubelet to start: time-out
k8s.io/kubernetes/cmd/kubeadm/app/cmd/phases/workflow.(*Runner).Run.func1
\tk8s.io/kubernetes/cmd/kubeadm/app/cmd/phases/workflow/runner.go:261
github.com/spf13/cobra.(*Command).execute
\tgithub.com/spf13/cobra@v1.9.1/command.go:1015
main.main
\tk8s.io/kubernetes/cmd/kubeadm/kubeadm.go:25
runtime.main
\truntime/proc.go:283
runtime.goexit
\truntime/asm_amd64.s:1700
"""
K3D = """\
INFO[0000] Prep: Network
INFO[0000] Created network 'k3d-shop'
ERRO[0010] Failed Cluster Start: Failed to start server k3d-shop-server-0: port is already allocated
ERRO[0010] Failed to create cluster >>> Rolling Back
INFO[0010] Deleting cluster 'shop'
FATA[0011] Cluster creation FAILED, all changes have been rolled back!
"""


def test_kubeadm_s_cause_is_told_instead_of_its_stack_trace():
    cause = creation_cause(KUBEADM)
    assert cause.startswith("ERROR: failed to create cluster: failed to init node with kubeadm: ")
    assert "error execution phase wait-control-plane: failed while waiting for the kubelet to start" in cause
    for noise in (".go:", "cobra", "runtime.main", "round_trippers", "✓"):
        assert noise not in cause


def test_k3d_s_cause_is_told_instead_of_its_progress():
    assert creation_cause(K3D) == (
        "Failed Cluster Start: Failed to start server k3d-shop-server-0: port is already allocated"
    )


def test_what_k3d_writes_to_a_file_is_read_too():
    told = [
        ("info", "Prep: Network"),
        ("error", 'failed Cluster Creation: image \\"k3s:1\\" is not there'),
        ("error", "Failed to create cluster >>> Rolling Back"),
        ("fatal", "Cluster creation FAILED, also FAILED to rollback changes!"),
    ]
    said = "".join(f'time="2026-11-28T02:25:20Z" level={level} msg="{msg}"\n' for level, msg in told)
    assert creation_cause(said) == 'failed Cluster Creation: image "k3s:1" is not there'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ""),
        ("no reason given", "no reason given"),
        ("\n".join("abcdefg"), "c | d | e | f | g"),
        ("one\x1b[2J error\none\x1b[2J error", "one\\x1b[2J error"),
        ("goroutine 1:\nmain.f()\n\t/src/main.go:12 +0x1d\n", "goroutine 1:"),
    ],
)
def test_what_names_no_error_is_told_by_its_end(said, expected):
    assert creation_cause(said) == expected


def test_of_a_long_cause_neither_beginning_nor_end_is_lost():
    cause = creation_cause("\n".join(f"error {number} {'x' * 80}" for number in range(100)))
    assert cause.startswith("error 0 ")
    assert cause.endswith("x" * 80)
    assert "error 99 " in cause
    assert len(cause) <= LONGEST + 3
