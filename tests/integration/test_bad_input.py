# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is refused: with the option, the value and the remedy, before anything is changed."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import resource
import shutil
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.gitops.flux_local.tests.integration.loops import (
    AS_ORDINARY_USER,
    NEVER,
    Loop,
    config_map,
    free_port,
    listening,
    write,
)

# Name of the case: the workloads, and what has to be in the message. FOLDER has sound and unsound ones.
REFUSED: dict[str, tuple[list[Any], list[str]]] = {
    "a path that does not exist": (
        [{"name": "shop", "path": "FOLDER/nowhere"}],
        ["Workload shop", "path: FOLDER/nowhere does not exist", "Name an existing folder or file"],
    ),
    "an empty folder": (
        [{"name": "shop", "path": "FOLDER/empty"}],
        ["Workload shop", "path: FOLDER/empty"],
    ),
    "a folder with nothing but what is ignored": (
        [{"name": "shop", "path": "FOLDER/sound", "ignore": ["*"]}],
        ["Workload shop", "path: nothing is left of FOLDER/sound", "one.yaml", "Change `ignore`"],
    ),
    "a link out of the folder": (
        [{"name": "shop", "path": "FOLDER/linked"}],
        ["Workload shop", "FOLDER/linked", "out.yaml (symlink that leads out", "or ignore it"],
    ),
    "invalid YAML": (
        [{"name": "shop", "path": "FOLDER/invalid"}],
        ["Workload shop", "FOLDER/invalid", "broken.yaml", "Nothing was pushed"],
    ),
    "YAML that is no manifest": (
        [{"name": "shop", "path": "FOLDER/no-kind"}],
        ["Workload shop", "FOLDER/no-kind", "list.yaml", "Nothing was pushed"],
    ),
    "a kustomization that names a missing file": (
        [{"name": "shop", "path": "FOLDER/unbuilt"}],
        ["Workload shop", "FOLDER/unbuilt/missing.yaml", "Nothing was pushed"],
    ),
    "an option that keeps a sound folder from building": (
        [{"name": "shop", "path": "FOLDER/sound", "patches": [{"patch": "- op: replace"}]}],
        ["Workload shop: patches: FOLDER/sound does not build", "target", "Nothing was pushed"],
    ),
    "a variable without a value": (
        [{"name": "shop", "path": "FOLDER/unset", "substitute": {"who": "me"}}],
        ["FOLDER/unset/one.yaml:3: the variable DS_PROMETHEUS", "substitute: disabled", "Nothing was pushed"],
    ),
    "a remote base that does not answer": (
        [{"name": "shop", "path": "FOLDER/remote"}],
        [
            "Workload shop: FOLDER/remote does not build: the remote base https://127.0.0.1:1/me/base?ref=v1",
            "cannot be fetched: fatal: unable to access 'https://127.0.0.1:1/me/base/'",
            "Correct its address",
        ],
    ),
    "a kustomization_path that is not there": (
        [{"name": "shop", "path": "FOLDER/sound", "kustomization_path": "./prod"}],
        ["Workload shop", "kustomization_path", "prod", "FOLDER/sound"],
    ),
    "a kustomization_path that leads out": (
        [{"name": "shop", "path": "FOLDER/sound", "kustomization_path": "../invalid"}],
        ["Workload shop", "kustomization_path", "../invalid"],
    ),
    "no path": ([{"name": "shop"}], ["Workload shop", "path is missing", "state: absent"]),
    "no name": ([{"path": "FOLDER/sound"}], ["Workload number 1", "name"]),
    "a word in the place of a workload": (["shop"], ["entry 1 is 'shop'", "name and path"]),
    "an option that does not exist": (
        [{"name": "shop", "path": "FOLDER/sound", "intervall": "1m"}],
        ["Workload shop: intervall is not an option: the nearest name is interval."],
    ),
    "a state that does not exist": (
        [{"name": "shop", "path": "FOLDER/sound", "state": "gone"}],
        ["Workload shop", "state", "gone", "present, absent"],
    ),
    "an invalid tag": (
        [{"name": "shop", "path": "FOLDER/sound", "tag": "v1+dirty"}],
        ["Workload shop", "tag", "v1+dirty"],
    ),
    "an invalid name": (
        [{"name": "Shop_1", "path": "FOLDER/sound"}],
        ["Workload Shop_1", "name is 'Shop_1'", "lower-case"],
    ),
    "a name that is too long for a label": (
        [{"name": "s" * 64, "path": "FOLDER/sound"}],
        [f"name is '{'s' * 64}'", "63"],
    ),
    "an invalid namespace": (
        [{"name": "shop", "path": "FOLDER/sound", "namespace": "Flux.System"}],
        ["Workload shop", "namespace is 'Flux.System'"],
    ),
    "an invalid target namespace": (
        [{"name": "shop", "path": "FOLDER/sound", "target_namespace": "a b"}],
        ["Workload shop", "target_namespace is 'a b'"],
    ),
    "an invalid repository": (
        [{"name": "shop", "path": "FOLDER/sound", "repository": "Shop:v1"}],
        ["Workload shop", "Shop:v1"],
    ),
    "an interval that is none": (
        [{"name": "shop", "path": "FOLDER/sound", "interval": "5 minutes"}],
        ["Workload shop", "interval is '5 minutes'", "1m30s"],
    ),
    "a timeout that is none": (
        [{"name": "shop", "path": "FOLDER/sound", "timeout": "soon"}],
        ["Workload shop", "timeout is 'soon'", "1m30s"],
    ),
    "a value that is no string": (
        [{"name": "shop", "path": "FOLDER/sound", "substitute": {"ports": [80]}}],
        ["Workload shop", "substitute.ports", "only strings"],
    ),
    "two of one name": (
        [{"name": "shop", "path": "FOLDER/sound"}, {"name": "shop", "path": "FOLDER/other"}],
        ["Workload shop", "two of this name", "flux-system", "another name"],
    ),
    "a cycle": (
        [
            {"name": "aa", "path": "FOLDER/sound", "depends_on": ["cc"]},
            {"name": "bb", "path": "FOLDER/sound", "depends_on": ["aa"]},
            {"name": "cc", "path": "FOLDER/sound", "depends_on": ["flux-system/bb"]},
        ],
        ["depends_on", "aa -> cc -> bb -> aa", "Remove one"],
    ),
    "a workload that waits for itself": (
        [{"name": "aa", "path": "FOLDER/sound", "depends_on": ["aa"]}],
        ["depends_on", "aa -> aa"],
    ),
    "a name of one letter": (
        [{"name": "a", "path": "FOLDER/sound"}],
        ["Workload a: repository is 'a'", "2 to 255 characters", "another name"],
    ),
    "a field to ignore that is no pointer": (
        [{"name": "shop", "path": "FOLDER/sound", "ignore_fields": [{"paths": ["spec.replicas"]}]}],
        ["Workload shop: ignore_fields[0]", "'spec.replicas' is not a JSON pointer"],
    ),
    "an unknown dependency": (
        [
            {"name": "shop", "path": "FOLDER/sound", "depends_on": ["bas"]},
            {"name": "base", "path": "FOLDER/other"},
        ],
        [
            "Workload shop",
            "depends_on names bas,",
            "Add it to the list, or correct the name (the nearest is base)",
        ],
    ),
    "a sound one before one that is not": (
        [{"name": "sound", "path": "FOLDER/sound"}, {"name": "shop", "path": "FOLDER/invalid"}],
        ["Workload shop", "broken.yaml", "Nothing was pushed"],
    ),
}


# What is refused only after a look at what Flux would build.
FORETOLD = (
    "invalid YAML",
    "a kustomization that names a missing file",
    "an option that keeps a sound folder from building",
    "a variable without a value",
    "a kustomization_path that is not there",
)


@pytest.fixture(scope="module")
def unsound(tmp_path_factory) -> Path:
    """Folders that are no workloads, and one that is."""
    root: Path = tmp_path_factory.mktemp("unsound") / "Ordner"
    for name in ("sound", "other"):
        write(root / name, one=config_map("one"))
    (root / "empty").mkdir()
    (write(root / "linked", one=config_map("one")) / "out.yaml").symlink_to("/etc/hostname")
    write(root / "invalid", fine=config_map("one"), broken="a: [1\n")
    write(root / "no-kind", list="- a\n- b\n")
    write(
        root / "unset",
        one='{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"},\n'
        ' "data": {"a": "${who}",\n "b": "${DS_PROMETHEUS}"}}\n',
    )
    write(root / "unbuilt", kustomization={"resources": ["missing.yaml"]})
    write(root / "remote", kustomization={"resources": ["https://127.0.0.1:1/me/base?ref=v1"]})
    return root


def holdings(loop: Loop) -> dict[str, Any]:
    """Everything there is that a push could change."""
    catalog = requests.get(f"http://{loop.registry}/v2/_catalog?n=1000", timeout=10).json()["repositories"]
    found: dict[str, Any] = {name: loop.digest(name) for name in catalog}
    for path in (
        "/apis/source.toolkit.fluxcd.io/v1/ocirepositories",
        "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations",
        "/api/v1/configmaps",
    ):
        listed = loop.get(path)
        assert listed
        found[path] = [(item["metadata"]["name"], item["metadata"]["uid"]) for item in listed["items"]]
    return found


@pytest.fixture(scope="module")
def refusals(shared_loop, unsound, binary) -> dict[str, dict[str, Any]]:
    """What became of all cases: one playbook tries them one after the other."""
    cases = json.loads(
        json.dumps({name: workloads for name, (workloads, _said) in REFUSED.items()}).replace(
            "FOLDER", str(unsound)
        )
    )
    before = holdings(shared_loop)
    task = {
        "gitops.flux_local.flux_workloads": {
            "registry": {"host": shared_loop.registry},
            "flux": binary("flux"),
            "workloads": "{{ item.value }}",
            "timeout": 10,
        },
        "ignore_errors": True,
    }
    done = [{"key": name, "value": workloads} for name, workloads in cases.items()]
    foretold = [{"key": f"foretold {name}", "value": cases[name]} for name in FORETOLD]
    run = shared_loop.tasks([task | {"loop": done}, task | {"loop": foretold, "check_mode": True}])
    results = {one["item"]["key"]: one for _task, result in run.results for one in result["results"]}
    return results | {"nothing was changed": {"holds": holdings(shared_loop) == before}}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_workload_is_refused(refusals, unsound, case):
    result = refusals[case]
    assert result.get("failed"), result
    assert not result["changed"]
    for said in REFUSED[case][1]:
        assert said.replace("FOLDER", str(unsound)) in result["msg"]
    assert "/flux-local-" not in result["msg"], "a scratch folder is named"
    assert "Traceback" not in result["msg"]


@pytest.mark.parametrize("case", FORETOLD)
def test_check_mode_refuses_it_in_the_same_words(refusals, case):
    assert refusals[f"foretold {case}"]["msg"] == refusals[case]["msg"]


def test_nothing_was_changed_by_what_is_refused(refusals):
    assert refusals["nothing was changed"]["holds"]


def test_what_the_user_may_not_read_is_refused(loop, folder):
    workload = {
        "name": "unreadable",
        "path": str(write(folder, fine=config_map("f"), closed=config_map("c"))),
    }
    closed = folder / "closed.yaml"
    closed.chmod(0)
    loop.push(workload, prefix=AS_ORDINARY_USER).refused(
        "Workload unreadable", f"path: {folder}", "closed.yaml (unreadable)", "permission"
    )
    closed.chmod(0o600)
    folder.chmod(0)
    try:
        loop.push(workload, prefix=AS_ORDINARY_USER).refused("Workload unreadable", str(folder))
    finally:
        folder.chmod(0o700)
    assert loop.digest("unreadable") is None


# --- registries


# What a terminal would obey, and a line that looks like Ansible's.
HOSTILE = json.dumps(
    {"errors": [{"code": "DENIED", "message": "no\x1b[2K\x9b31m\nTASK [All is well] ***\nok: [localhost]"}]}
).encode()


class Odd(http.server.BaseHTTPRequestHandler):
    """Something that speaks HTTP, and is no registry; below /login it wants credentials."""

    def do_GET(self) -> None:
        status: int = self.server.status  # type: ignore[attr-defined]  # set by `serving`
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="somewhere"')
        self.send_header("Content-Type", "application/json" if status >= 403 else "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE if status >= 403 else b"<html>Welcome</html>")

    do_HEAD = do_POST = do_PUT = do_GET

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(status: int) -> Iterator[str]:
    """An HTTP server that answers everything alike."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        server.status = status  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def sound(unsound) -> dict[str, str]:
    return {"name": "sound", "path": str(unsound / "sound")}


def registry_at(host: str) -> dict[str, Any]:
    return {"workloads_registry": {"host": host, "cluster": host, "insecure": True}}


def test_a_registry_that_is_down_is_named(loop, sound):
    before = holdings(loop)
    host = f"127.0.0.1:{free_port()}"
    run = loop.push(sound, workloads_timeout=NEVER, **registry_at(host))
    run.refused(host, "connection refused", "Check that the registry runs")
    assert holdings(loop) == before


@pytest.mark.parametrize(
    ("status", "said"), [(200, "registry"), (401, "username"), (403, "403"), (500, "500")]
)
def test_what_is_no_registry_or_refuses_is_named(loop, sound, status, said):
    before = holdings(loop)
    with serving(status) as host:
        run = loop.push(sound, **registry_at(host))
        run.refused(host, said)
    assert "\nTASK [All" not in f"{run.text}\n{run.warnings}\n{run.message}"
    assert holdings(loop) == before


@pytest.mark.parametrize("status", [None, 200])
def test_an_existing_registry_that_is_none_is_refused_by_site(new_loop, status):
    fresh = new_loop("kein register")
    with serving(status) if status else contextlib.nullcontext(f"127.0.0.1:{free_port()}") as host:
        run = fresh.play("site", registry_engine="existing", registry_address=host, registry_insecure=True)
    run.refused("registry_address", host)
    assert fresh.processes() == {}


# --- container engines, of which none is needed here


class OldVersion(http.server.BaseHTTPRequestHandler):
    """The answers of a Docker engine and of an API server that are too old."""

    def do_GET(self) -> None:
        docker = {"ApiVersion": "1.40", "Version": "19.03.15", "ServerVersion": "19.03.15", "Volumes": []}
        kubernetes = {"major": "1", "minor": "20", "gitVersion": "v1.20.0", "versions": ["v1"], "groups": []}
        body = json.dumps(docker | kubernetes | {"kind": "APIGroupList", "resources": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def address_string(self) -> str:
        return "unix"

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@pytest.fixture
def docker_socket():
    """A path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="docker-") as folder:
        yield Path(folder) / "docker.sock"


def test_a_docker_that_is_too_old_is_named(new_loop, docker_socket):
    fresh = new_loop("alt")
    with socketserver.ThreadingUnixStreamServer(str(docker_socket), OldVersion) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run = fresh.play(
            "site", registry_engine="docker", environment={"DOCKER_HOST": f"unix://{docker_socket}"}
        )
        server.shutdown()
    run.refused(
        "registry_engine: docker: version 20.10 or later is needed, and 19.03.15 answers", "Upgrade it"
    )
    assert fresh.processes() == {}


def test_a_podman_that_is_too_old_is_named(new_loop, tmp_path):
    fresh = new_loop("alt")
    program = tmp_path / "podman"
    program.write_text('#!/bin/sh\necho \'{"version": {"Version": "3.4.4"}}\'\n')
    program.chmod(0o755)
    run = fresh.play(
        "site", registry_engine="podman", environment={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    )
    run.refused("registry_engine: podman: version 4.0 or later is needed, and 3.4.4 answers", "Upgrade it")
    assert fresh.processes() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a socket that is closed to itself")
def test_a_docker_that_this_user_may_not_ask_says_which_group_may(new_loop, docker_socket):
    fresh = new_loop("verboten")
    with socketserver.ThreadingUnixStreamServer(str(docker_socket), OldVersion):
        shutil.chown(docker_socket, "nobody")
        docker_socket.chmod(0o600)
        docker_socket.parent.chmod(0o755)
        run = fresh.play(
            "site",
            prefix=AS_ORDINARY_USER,
            registry_engine="docker",
            environment={"DOCKER_HOST": f"unix://{docker_socket}", "USER": "dev"},
        )
    run.refused(f"Docker at unix://{docker_socket} refuses this user", "sudo usermod -aG docker dev")
    assert fresh.processes() == {}


def test_no_engine_where_one_is_asked_for_is_named(new_loop, docker_socket):
    fresh = new_loop("ohne")
    where = {"DOCKER_HOST": f"unix://{docker_socket}"}
    run = fresh.play("site", registry_engine="docker", environment=where)
    run.refused(
        f"registry_engine: docker: no Docker answers at unix://{docker_socket}", "DOCKER_HOST", "process"
    )
    assert fresh.processes() == {}


# --- clusters


def test_a_kubeconfig_that_leads_nowhere_is_named(loop, sound, tmp_path):
    before = holdings(loop)
    dead, garbage = tmp_path / "dead", tmp_path / "garbage"
    port = free_port()
    dead.write_text(loop.kubeconfig.read_text().replace(str(loop.ports["kube_apiserver"]), str(port)))
    garbage.write_text("no: [kubeconfig\n")
    for connection, said in (
        ({"kubeconfig": str(tmp_path / "none")}, [str(tmp_path / "none")]),
        ({"kubeconfig": str(garbage)}, [str(garbage)]),
        ({"kubeconfig": str(loop.kubeconfig), "context": "another"}, ["another"]),
        ({"kubeconfig": str(dead)}, [str(port)]),
    ):
        run = loop.push(sound, workloads_connection={"context": "", **connection}, workloads_timeout=NEVER)
        run.refused(*said)
    assert holdings(loop) == before


@pytest.mark.parametrize(
    ("kubeconfig", "remedy"), [("none", "Name the kubeconfig"), ("dead", "Start the cluster")]
)
def test_an_existing_cluster_that_is_none_is_refused_by_site(loop, new_loop, tmp_path, kubeconfig, remedy):
    fresh = new_loop("kein cluster")
    port = free_port()
    (tmp_path / "dead").write_text(
        loop.kubeconfig.read_text().replace(str(loop.ports["kube_apiserver"]), str(port))
    )
    run = fresh.play(
        "site",
        flux_local_provider="existing",
        cluster_kubeconfig=str(tmp_path / kubeconfig),
        registry_engine="existing",
        registry_address=loop.registry,
        registry_insecure=True,
    )
    run.refused("cluster_kubeconfig", str(tmp_path / kubeconfig), remedy)


def kubeconfig_of_servers(path: Path, **servers: str) -> Path:
    """A kubeconfig with a context for each server, of which the first is the current one."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(servers)),
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in servers],
        "clusters": [{"name": name, "cluster": {"server": server}} for name, server in servers.items()],
        "users": [{"name": "me", "user": {"token": "s3cret"}}],
    }
    path.write_text(json.dumps(content))
    return path


def test_a_context_that_does_not_look_local_is_refused_before_anything_is_touched(new_loop, tmp_path):
    path = kubeconfig_of_servers(
        tmp_path / "config",
        staging="https://api.staging.example.com:6443",
        **{"kind-shop": "https://127.0.0.1:9"},
    )
    fresh = new_loop("fern", flux_local_provider="existing", cluster_kubeconfig=str(path))
    for playbook in ("site", "stop", "destroy"):
        for arguments in ([], ["--check"]):
            run = fresh.play(playbook, *arguments)
            run.refused(
                "the context staging of",
                str(path),
                "https://api.staging.example.com:6443",
                "kind-shop",
                "flux_local_allow_remote=true",
            )
            assert "s3cret" not in run.output
    assert not fresh.state_dir.exists()
    # Allowed, it is asked; that it does not answer is another matter.
    run = fresh.play(
        "site", flux_local_allow_remote=True, registry_engine="existing", registry_address="127.0.0.1:9"
    )
    run.refused("registry_address")


def test_the_context_of_a_loop_is_guarded_when_it_is_pushed_to(loop, new_loop, sound, tmp_path):
    path = tmp_path / "config"
    path.write_text(loop.kubeconfig.read_text())
    guest = new_loop(
        "bald fern",
        registry_engine="existing",
        registry_address=loop.registry,
        registry_insecure=True,
    )
    guest.up(flux_local_provider="existing", cluster_kubeconfig=str(path), workloads_list=[])
    before = holdings(loop)
    server = f"https://127.0.0.1:{loop.ports['kube_apiserver']}"
    path.write_text(path.read_text().replace(server, "https://api.example.com:6443"))
    guest.push(sound).refused(f"the context {loop.name} of {path} means https://api.example.com:6443")
    # Another context that is the current one by now does not lead it elsewhere.
    kubeconfig_of_servers(path, other="https://127.0.0.1:9")
    guest.push(sound).refused(
        f"cluster_context: the kubeconfig {path} has no context {loop.name}: it has other"
    )
    assert holdings(loop) == before
    guest.play("destroy", flux_local_purge=True).succeeded()


def test_a_cluster_that_is_too_old_is_named(new_loop, tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldVersion) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = kubeconfig_of_servers(tmp_path / "config", old=f"http://127.0.0.1:{server.server_port}")
        fresh = new_loop("alt", flux_local_provider="existing", cluster_kubeconfig=str(path))
        run = fresh.tasks(
            [{"ansible.builtin.include_role": {"name": "gitops.flux_local.cluster"}}],
            cluster_provider="existing",
        )
        server.shutdown()
    run.refused(f"the context old of {path} is Kubernetes v1.20.0", "v1.33", "name another context")


# --- options


# Each with what is said of it.
WRONG: dict[str, tuple[Any, str]] = {
    "flux_concurrency": (0, "flux_concurrency is 0"),
    "cluster_timeout": ("soon", "cluster_timeout"),
    "workloads_compare": ("contents", "workloads_compare must be one of: content, exact, got: contents"),
    "flux_mode": ("processs", "flux_mode must be one of"),
    "registry_engine": ("podmann", "registry_engine must be one of"),
    "binaries_source": ("gone", "binaries_source must be one of"),
    "flux_local_provider": ("minikube", "flux_local_provider must be one of: auto, embedded"),
    "flux_local_purge": ("perhaps", "flux_local_purge is 'perhaps'. Write true or false"),
    "registry_port": ("abc", "registry_port: the port of registry is 'abc'. Give a number from 1 to 65535"),
    "cluster_ports": (
        {"kube_apiserver": 70000},
        "cluster_ports: the port of kube_apiserver is 70000. Give a number from 1 to 65535",
    ),
    "registry_ca_cert": ("/nowhere/ca.pem", "registry_ca_cert: /nowhere/ca.pem does not exist"),
    "workloads_list": (
        [{"name": "shop", "path": "/nowhere/shop"}],
        "Workload shop: path: /nowhere/shop does not exist. Name an existing folder or file",
    ),
}
# What can only be told where nothing else is wrong.
UNKNOWN: dict[str, tuple[Any, str]] = {
    "flux_local_providr": (
        "kind",
        "flux_local_providr is not an option: the nearest name is flux_local_provider",
    ),
    "registry_prot": (5050, "registry_prot is not an option: the nearest name is registry_port"),
    "flux_ports": ({"health": 9440}, "flux_ports.health is not an option"),
    "workloads_list": (
        [{"name": "shop", "path": "/", "intervall": "1m"}],
        "Workload shop: intervall is not an option: the nearest name is interval",
    ),
}


@pytest.mark.parametrize(
    ("wrong", "arguments"), [(WRONG, ()), (UNKNOWN, ("--check",))], ids=["values", "names"]
)
def test_all_that_can_be_known_to_be_wrong_is_refused_at_once_and_before_anything_is_there(
    new_loop, wrong, arguments
):
    fresh = new_loop("ungültig")
    run = fresh.play("site", *arguments, **{name: value for name, (value, _said) in wrong.items()})
    run.refused(*(said for _value, said in wrong.values()), "Nothing was touched")
    assert run.changed == []
    # Nor is the list kept.
    assert not fresh.state_dir.exists()


def alone(role: str, **how: Any) -> dict[str, Any]:
    """A block that uses a role, and goes on when it fails."""
    include = {"ansible.builtin.include_role": {"name": f"gitops.flux_local.{role}", "apply": how}}
    return {
        "name": f"{role} {how}",
        "block": [include],
        "rescue": [
            {
                "name": f"said by {role} {' '.join(how)}".strip(),
                "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"},
            }
        ],
    }


def test_a_role_alone_says_what_it_needs_and_where_it_runs(new_loop):
    fresh = new_loop("allein")
    roles = [alone(role) for role in ("registry", "cluster", "flux", "workloads")]
    someone_else = alone("registry", become=True, become_user="nobody")
    elsewhere = alone("cluster", vars={"ansible_connection": "ssh", "ansible_host": "127.0.0.2"})
    run = fresh.tasks([*roles, someone_else, elsewhere], cluster_provider="embedded")
    for name, said in {
        "registry": ["registry_program is missing", "Run the role binaries first"],
        "cluster": ["cluster_binaries has no etcd, kube-apiserver,", "Run the role binaries first"],
        "flux": ["flux_binaries has no source-controller", "flux_connection is missing"],
        "workloads": ["workloads_registry is missing", "Run the role registry first"],
        "registry become become_user": ["A loop belongs to the user who runs Ansible", "one of nobody"],
        "cluster vars": ["127.0.0.2 is reached by ssh", "Run ansible-playbook there"],
    }.items():
        told = next(result["msg"] for called, result in run.results if called == f"said by {name}")
        assert [part for part in said if part not in told] == []
    assert run.changed == []
    assert not fresh.state_dir.exists()


def test_an_option_that_waits_for_a_role_s_fact_is_left_to_the_role_that_takes_it(loop, sound):
    later = {"host": "{{ registry_endpoint.host }}", "insecure": "{{ registry_endpoint.insecure }}"}
    loop.push(sound, workloads_registry=later, workloads_connection="{{ cluster_connection }}").succeeded()
    loop.remove("sound")


# --- state folders and ports


def test_a_port_that_is_taken_is_named(new_loop):
    fresh = new_loop("kein port")
    with listening() as port:
        fresh.play("site", registry_port=port).refused("registry_port", str(port), "Choose another")
    assert fresh.processes() == {}
    assert [path.name for path in fresh.state_dir.iterdir()] == ["lock"]


@pytest.mark.parametrize("place", ["below a file", "read-only"])
def test_a_state_folder_that_cannot_be_written_is_named(new_loop, tmp_path, place):
    parent = tmp_path / "Ort"
    if place == "below a file":
        parent.write_text("")
    else:
        parent.mkdir(mode=0o500)
    fresh = new_loop("kein platz", flux_local_state_dir=str(parent / "state"))
    fresh.play("site", prefix=AS_ORDINARY_USER).refused(
        str(parent / "state"), "flux_local_state_dir", "choose a state folder"
    )
    assert not parent.is_dir() or list(parent.iterdir()) == []


# Enough for Ansible's own semaphores.
LARGEST_FILE = 64


def test_a_state_folder_that_takes_nothing_is_named(new_loop, tmp_path):
    """Every write fails, as on a full disk; the limit holds for whatever the playbook starts."""
    state = tmp_path / "voll"
    fresh = new_loop("voll", flux_local_state_dir=str(state))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, before[1]))
    try:
        started = fresh.start("playbooks/site.yml")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    started.finish().refused(str(state), "flux_local_state_dir", "free space")


NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount"]


def mounts_are_allowed() -> bool:
    if not shutil.which("unshare"):
        return False
    attempt = [*NAMESPACES, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not mounts_are_allowed(), reason="a small file system cannot be mounted here")
def test_a_disk_that_is_almost_full_is_refused_before_anything_is_started(new_loop, tmp_path):
    disk = tmp_path / "Platte"
    disk.mkdir()
    fresh = new_loop("knapp", flux_local_state_dir=str(disk / "state"))
    mount = f"mount -t tmpfs -o size=4m none '{disk}' && exec \"$@\""
    fresh.play("site", prefix=[*NAMESPACES, "sh", "-c", mount, "sh"]).refused(
        "This machine lacks", str(disk / "state"), "the state of the loop"
    )


def test_a_name_that_leads_out_of_the_state_folder_is_refused(home, new_loop):
    for name in ("../elsewhere", "a/b"):
        new_loop(name).play("site").refused("flux_local_name", name)
    assert not (home / "elsewhere").exists()


def test_no_name_means_the_usual_one(home, new_loop):
    unnamed = new_loop("")
    unnamed.play("status").refused(str(home / "flux-local" / "flux-local"))


def test_what_is_not_the_loop_s_is_not_deleted_with_it(new_loop, tmp_path):
    """A state folder that the user keeps other things in."""
    state = tmp_path / "mein Ordner"
    state.mkdir()
    (state / "Notizen.txt").write_text("mine\n")
    loop = new_loop("gast", flux_local_state_dir=str(state))
    loop.play("destroy", flux_local_purge=True)
    assert os.listdir(state) == ["Notizen.txt"]


def test_playbooks_on_a_loop_that_is_not_there_say_so(new_loop):
    absent = new_loop("nirgends")
    for playbook in ("push", "status"):
        absent.play(playbook).refused("There is no loop nirgends", str(absent.state_dir), "site.yml")
    assert not absent.state_dir.exists()
    for playbook in ("stop", "destroy"):
        assert absent.play(playbook).succeeded().changed == []
