# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Who can reach a loop that is up: its user on this machine, and nobody else."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ansible_collections.gitops.flux_local.tests.integration.loops import PROGRAMS

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
LISTENING = "0A"


def sockets_of(pid: int) -> Iterator[str]:
    """The inodes of a process's sockets."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").removesuffix("]")


def listeners() -> Iterator[tuple[str, str, int]]:
    """Inode, address and port of everything that listens for TCP (proc(5))."""
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            address, _colon, port = fields[1].partition(":")
            if fields[3] == LISTENING:
                yield fields[9], address, int(port, 16)


def test_everything_runs_once_and_listens_on_loopback_only(loop):
    processes = loop.processes()
    assert sorted(processes.values()) == PROGRAMS
    own = {inode for pid in processes for inode in sockets_of(pid)}
    found = [(address, port) for inode, address, port in listeners() if inode in own]
    assert {port for _address, port in found} >= set(loop.ports.values())
    assert {address for address, _port in found} <= LOOPBACK


def test_a_web_page_cannot_have_its_name_lead_to_the_registry(loop):
    address = f"127.0.0.1:{loop.ports['registry']}"
    calls = (
        ("GET", "/v2/"),
        ("GET", "/v2/_catalog"),
        ("POST", "/v2/shop/blobs/uploads/"),
        ("PUT", "/v2/shop/manifests/latest"),
        ("DELETE", "/v2/shop/manifests/latest"),
    )
    foreign: tuple[dict[str, str], ...] = (
        {"Host": "evil.example"},
        {"Host": f"evil.example:{loop.ports['registry']}"},
        {"Host": "localhost.evil.example"},
        {"Origin": "https://evil.example"},
    )
    for method, path in calls:
        for headers in foreign:
            refused = requests.request(method, f"http://{address}{path}", headers=headers, timeout=5)
            assert (refused.status_code, refused.content) == (400, b""), (method, path, headers)
    for name in (address, "localhost", "shop.localhost:5000", "[::1]:5000"):
        assert requests.get(f"http://{address}/v2/", headers={"Host": name}, timeout=5).status_code == 200


def test_keys_are_for_their_user_only(loop):
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(loop.state_dir / "pki") == 0o700
    keys = list((loop.state_dir / "pki").glob("*.key"))
    assert len(keys) >= 9
    assert {mode(key) for key in keys} == {0o600}
    assert mode(loop.kubeconfig) == 0o600
    open_to_others = [path for path in loop.state_dir.rglob("*") if mode(path) & 0o007 and path.is_file()]
    assert [path for path in open_to_others if b"PRIVATE KEY" in path.read_bytes()] == []
    assert mode(loop.state_dir) & 0o077 == 0


def test_anonymous_requests_learn_of_health_only(loop):
    server, ca = f"https://127.0.0.1:{loop.ports['kube_apiserver']}", str(loop.state_dir / "pki/ca.crt")
    for path in ("/livez", "/readyz", "/healthz"):
        assert requests.get(server + path, verify=ca, timeout=10).text == "ok"
    for path in ("/", "/api", "/api/v1/namespaces", "/version", "/metrics", "/openapi/v2", "/livez/ping"):
        assert requests.get(server + path, verify=ca, timeout=10).status_code == 401, path
    bearer = {"Authorization": "Bearer admin"}
    assert requests.get(f"{server}/api", verify=ca, headers=bearer, timeout=10).status_code == 401
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{server}/livez", timeout=10)


@pytest.mark.parametrize("identity", [None, "admin", "source-controller", "kwok"])
def test_etcd_answers_the_api_server_only(loop, identity):
    pki = loop.state_dir / "pki"
    for port in ("etcd", "etcd_peer"):
        url, ca = f"https://127.0.0.1:{loop.ports[port]}/health", str(pki / "etcd-ca.crt")
        certificate = (str(pki / f"{identity}.crt"), str(pki / f"{identity}.key")) if identity else None
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(url, verify=ca, cert=certificate, timeout=10)
    own = (str(pki / "etcd-client.crt"), str(pki / "etcd-client.key"))
    url = f"https://127.0.0.1:{loop.ports['etcd']}/health"
    assert requests.get(url, verify=ca, cert=own, timeout=10).json() == {"health": "true", "reason": ""}


def test_no_identity_has_more_rights_than_its_work_needs(loop):
    pki = loop.state_dir / "pki"
    server, ca = f"https://127.0.0.1:{loop.ports['kube_apiserver']}", str(pki / "ca.crt")
    for identity, path, status in (
        ("source-controller", "/apis/source.toolkit.fluxcd.io/v1/ocirepositories", 200),
        ("source-controller", "/apis/apps/v1/deployments", 403),
        ("kwok", "/api/v1/pods", 200),
        ("kwok", "/api/v1/secrets", 403),
        ("kube-scheduler", "/api/v1/secrets", 403),
    ):
        certificate = (str(pki / f"{identity}.crt"), str(pki / f"{identity}.key"))
        answer = requests.get(server + path, verify=ca, cert=certificate, timeout=10)
        assert answer.status_code == status, (identity, path)


def test_the_processes_belong_to_the_user_who_called(loop):
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in loop.processes()} == {os.getuid()}
