# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The action in_process: what a module does without a process of its own is what it does with one."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import Loop

VOLATILE = {"action", "invocation", "start", "end", "delta", "elapsed", "date", "cookies", "cookies_string"}


def run(folder: Path, task: dict[str, Any], *arguments: str) -> tuple[dict[str, Any], str]:
    """The result of a task, and all that was said."""
    loop = Loop("none", folder)
    # It is given to all Kubernetes modules, and kubernetes.core's own actions look for it.
    loop.state_dir.mkdir(parents=True, exist_ok=True)
    loop.kubeconfig.touch()
    done = loop.tasks([{"name": "The task", "ignore_errors": True, **task}], *arguments)
    result = done.result("The task")
    plain = {key: value for key, value in result.items() if key not in VOLATILE and not key.startswith("_")}
    return plain, done.output + done.warnings


COMMAND, FILE = "ansible.builtin.command", "ansible.builtin.file"
NEW = {"path": "{{ playbook_dir }}/new", "state": "directory"}


@pytest.mark.parametrize(
    ("module", "options", "arguments", "keywords"),
    [
        (COMMAND, {"argv": ["echo", "fünf"]}, [], {}),
        (COMMAND, {"argv": ["false"]}, [], {}),
        (COMMAND, {"argv": ["printenv", "LC_ALL"]}, [], {"environment": {"LC_ALL": "C"}}),
        (FILE, NEW, ["--check", "--diff"], {}),
        (FILE, {"path": "{{ playbook_dir }}/none", "state": "file"}, [], {}),
        (FILE, {"path": "/", "no_such_option": 1}, [], {}),
        ("ansible.builtin.uri", {"url": "http://127.0.0.1:9/", "url_password": "geheim"}, [], {}),
        ("community.docker.docker_container_info", {"name": "x", "docker_host": "unix:///none"}, [], {}),
        ("kubernetes.core.k8s_info", {"kind": "Pod", "no_such_option": 1}, [], {}),
    ],
)
def test_the_result_is_that_of_a_module_with_a_process(tmp_path, module, options, arguments, keywords):
    expected, _said = run(tmp_path, {module: options, **keywords}, *arguments)
    asked = {"module": module, "options": options}
    found, said = run(tmp_path, {"gitops.flux_local.in_process": asked, **keywords}, *arguments)
    assert found == expected
    assert "geheim" not in said
    assert not (tmp_path / "new").exists()


class Forbidding(http.server.BaseHTTPRequestHandler):
    """An API server that forbids everything."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *unused: object) -> None:
        """Keep quiet."""


def test_a_module_that_breaks_has_failed_and_is_tried_again(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forbidding) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}"
        asked = {"module": "kubernetes.core.k8s_cluster_info", "options": {"host": there, "api_key": "none"}}
        again = {"register": "it", "until": "it is success", "retries": 2, "delay": 0}
        found, said = run(tmp_path, {"gitops.flux_local.in_process": asked, **again})
        server.shutdown()
    assert (found["failed"], found["attempts"]) == (True, 2)
    assert found["msg"] == "kubernetes.core.k8s_cluster_info has ended with ForbiddenError: 403"
    assert "Traceback" not in said


def test_defaults_of_the_module_apply(tmp_path):
    asked = {"module": "ansible.builtin.command", "options": {"argv": ["pwd"]}}
    defaults = {"ansible.builtin.command": {"chdir": "/usr"}}
    found, _said = run(tmp_path, {"gitops.flux_local.in_process": asked, "module_defaults": defaults})
    assert found["stdout"] == "/usr"


OTHER_PYTHON = {"vars": {"ansible_python_interpreter": "/usr/bin/python3"}}
IN_THE_BACKGROUND = {"async": 60, "poll": 1}


@pytest.mark.parametrize(
    ("keywords", "is_here"), [({}, True), (OTHER_PYTHON, False), (IN_THE_BACKGROUND, False)]
)
def test_elsewhere_and_with_async_it_is_a_module_like_any_other(tmp_path, keywords, is_here):
    asked = {"module": COMMAND, "options": {"argv": ["sh", "-c", "ps -o args= -p $PPID"]}}
    found, _said = run(tmp_path, {"gitops.flux_local.in_process": asked, **keywords})
    assert ("ansible-playbook" in found["stdout"]) == is_here


@pytest.mark.parametrize(
    "module", ["no_such_module", "ansible.builtin.no_such_module", "no_such.collection.module"]
)
def test_a_module_that_is_not_there_is_named(tmp_path, module):
    found, said = run(tmp_path, {"gitops.flux_local.in_process": {"module": module}})
    assert found["failed"]
    assert module in found["msg"]
    assert "Traceback" not in said
